"""The networks whose circuits are measured, their images in thirds, and targets drawn by seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.workspace import Workspace
from proofsight_server.circuits.partition import THIRDS, partition
from proofsight_server.circuits.target import Unit
from proofsight_server.vision.dataset import open_dataset
from proofsight_server.vision.layers import inspect
from proofsight_server.vision.network import Network, load_network
from proofsight_server.vision.preprocessing_options import PreprocessingOptions
from proofsight_server.vision.source import divide

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
EXAMPLES = frozenset({"examples.networks:resnet20"})


@dataclass(frozen=True, slots=True)
class Case:
    """A network and the images that its circuits are scored, chosen and reported on.

    `images` is their number in each third, `weights` None a `small-cnn` trained here; `rounds` are
    those of FORCE.
    """

    name: str
    data: str
    images: int
    rounds: int
    model: str = "small-cnn"
    weights: str | None = None
    preprocessing: PreprocessingOptions | None = None

    @property
    def slug(self) -> str:
        """The name as a folder's."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.name.lower())


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A case's network, and its images in disjoint thirds: to score, to choose, to report."""

    network: Network
    scored: Tensor
    chosen: Tensor
    reported: Tensor


CASES = (
    Case(
        "ResNet-20", "npz:cifar10/cifar10_jpeg.npz", 32, 5,
        model="examples.networks:resnet20", weights="weights/resnet20_cifar10.pt",
        preprocessing=PreprocessingOptions(normalize=IMAGENET),
    ),
    Case(
        "SqueezeNet 1.1", "images:imagenet_samples", 8, 3,
        model="torchvision:squeezenet1_1", weights="weights/squeezenet1_1_imagenet.pt",
        preprocessing=PreprocessingOptions(size=256, crop=224, normalize=IMAGENET),
    ),
    Case("MNIST", "mnist:MNIST", 32, 5),
)  # fmt: skip
DIGITS = Case("digits", "digits", 32, 5)


def prepared(workspace: Workspace, data: Path | None, case: Case) -> Prepared:
    """A case with its network loaded, or trained once, and its images read."""
    scheme, _, place = case.data.partition(":")
    uri = f"{scheme}:{data / place}" if place and data is not None else case.data
    if case.weights is None:
        weights, _ = workspace.trained(uri, 0)
        network = load_network(weights)
    else:
        assert data is not None
        network = load_network(
            data / case.weights,
            model=case.model,
            preprocessing=case.preprocessing,
            input_shape=(3, 32, 32),
            allow=EXAMPLES,
        )
    dataset = open_dataset(uri, labelled=scheme != "images")
    # Test images where there are any: the network has seen the others.
    split = dataset.test if len(dataset.test) else dataset.train
    _, taken = divide(len(split), split.labels, 3 * case.images / len(split), 0)
    some = split.take(taken)
    images = network.prepare(some.images)
    parts = partition(images, some.labels, shares=THIRDS)
    return Prepared(network, *(images[torch.from_numpy(part)] for part in parts))


def targets(network: Network, count: int, seed: int = 0) -> list[Unit]:
    """Channels of the deeper half of the convolutions, drawn by seed, in the order drawn.

    A prefix is a sample of its own, so that fewer may be measured.
    """
    layers = [info.layer for info in inspect(network) if info.layer.kind == "conv"]
    deep = layers[len(layers) // 2 :]
    every = [Unit(layer.atom, channel) for layer in deep for channel in range(layer.size)]
    order = np.random.default_rng(seed).permutation(len(every))[:count]
    return [every[place] for place in order]
