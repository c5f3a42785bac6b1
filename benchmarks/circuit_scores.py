"""What scores of kernels cost: against a dissected network, and several criteria in one pass.

Networks have fresh weights and images are noise: neither changes what is computed.

Forward and backward alone, which actgrad cannot do without, bound what it can gain: they have a row
of their own.  Ways take turns, and seconds are those of the processor, since others may use it too.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.figures import Figure, Row
from benchmarks.workspace import Workspace
from proofsight_server.circuits.backward import backward, loss_of
from proofsight_server.circuits.losses import losses
from proofsight_server.circuits.passes import precise
from proofsight_server.circuits.score_options import Precision, ScoreOptions
from proofsight_server.circuits.scores import Doubles
from proofsight_server.circuits.scoring import score
from proofsight_server.circuits.target import parse_target
from proofsight_server.circuits.target_network import TargetNetwork, target_network
from proofsight_server.symbols.feature import Ints
from proofsight_server.vision.model import build_model

RUNS = 5
FASTER = 4.0
TOGETHER = 1.3
SAME = 1e-4
CRITERIA = ("snip", "kernel_mask", "actgrad")
PRECISIONS: tuple[Precision, ...] = ("single", "double")
# Model, images (number and shape), target.
CASES: tuple[tuple[str, str, tuple[int, int, int, int], str], ...] = (
    ("small-cnn", "small-cnn", (8, 1, 28, 28), "conv4:0"),
    ("ResNet-20", "examples.networks:resnet20", (8, 3, 32, 32), "conv19:0"),
    ("SqueezeNet 1.1", "torchvision:squeezenet1_1", (2, 3, 224, 224), "conv25:0"),
)


def run(workspace: Workspace) -> list[Row]:
    """Per network: the speed of actgrad, its agreement, and the price of three criteria at once."""
    rows: list[Row] = []
    for name, model, shape, target in CASES:
        module = build_model(
            model,
            classes=10,
            input_shape=shape[1:],
            options={},
            allow=frozenset({"examples.networks:resnet20"}),
        ).requires_grad_(False)
        images = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        network = target_network(module, parse_target(target), shape[1:])
        for precision in PRECISIONS:
            rows += _rows(f"{name}, {precision} precision", network, images, precision)
    return rows


def _rows(name: str, network: TargetNetwork, images: Tensor, precision: Precision) -> list[Row]:
    options = ScoreOptions(precision=precision, batch=4)

    def scoring(criteria: Sequence[str]) -> Callable[[], object]:
        return lambda: score(network, images, None, criteria, options=options)

    seconds = _times(
        {
            **{criterion: scoring([criterion]) for criterion in CRITERIA},
            "together": scoring(CRITERIA),
            "dissected": lambda: dissected(network, images, options),
            "alone": lambda: _forward_and_backward(network, images, options),
        }
    )
    slow, fast = seconds["dissected"], seconds["actgrad"]
    ours = score(network, images, None, "actgrad", options=options)["actgrad"]
    theirs = dissected(network, images, options)
    difference = max(
        float(np.abs(ours[layer] - theirs[layer]).max() / theirs[layer].max()) for layer in ours
    )
    slowest = max((seconds[criterion] for criterion in CRITERIA), key=statistics.median)
    return [
        Figure(
            f"{name}: actgrad, times faster than a dissected network",
            tuple(s / f for s, f in zip(slow, fast, strict=True)),
            "x", FASTER,
            note=f"{statistics.median(slow):.3f} s and {statistics.median(fast):.3f} s",
        ),
        Figure(
            f"{name}: forward and backward alone, times faster than a dissected network",
            tuple(s / a for s, a in zip(slow, seconds["alone"], strict=True)), "x",
            note="what actgrad would reach if products of kernels cost nothing",
        ),
        Figure(f"{name}: largest difference of scores, of a layer's largest", (difference,), "",
               SAME, "at_most"),
        Figure(
            f"{name}: one pass for snip, kernel_mask and actgrad, of the slowest alone",
            tuple(t / s for t, s in zip(seconds["together"], slowest, strict=True)),
            "x", TOGETHER, "at_most",
        ),
    ]  # fmt: skip


def dissected(
    network: TargetNetwork, images: Tensor, options: ScoreOptions
) -> Mapping[str, Doubles]:
    """Actgrad the usual way: each convolution as a grouped one that gives all maps of kernels."""
    network, images = precise(network, images, options)
    sums: dict[str, Doubles] = {}
    for batch in torch.split(images, options.batch):
        maps: dict[str, Tensor] = {}

        def dissect(
            layer: str, input: Tensor, output: Tensor, maps: dict[str, Tensor] = maps
        ) -> Tensor:
            module, rows = network.modules[layer], network.wiring.layers[layer].rows
            assert isinstance(module, nn.Conv2d)
            maps[layer] = _maps(module, rows, input)
            added = maps[layer].sum(2)
            return added if module.bias is None else added + module.bias[rows, None, None]

        with torch.enable_grad():
            total = losses(network(batch, observe=dissect), loss_of(network)).sum()
        gradients = torch.autograd.grad(total, list(maps.values()))
        for (layer, own), gradient in zip(maps.items(), gradients, strict=True):
            found = (own.detach() * gradient).abs_().mean((3, 4)).double().sum(0).numpy()
            sums[layer] = sums.get(layer, 0) + found
    return sums


def _maps(module: nn.Conv2d, rows: Ints, input: Tensor) -> Tensor:
    """(n, rows, inputs, h, w): the map of each kernel, without bias."""
    weight = module.weight.detach()[torch.from_numpy(rows)].transpose(0, 1)
    inputs, count = weight.shape[:2]
    alone = weight.reshape(inputs * count, 1, *weight.shape[2:])
    found = F.conv2d(
        input, alone, None, module.stride, module.padding, module.dilation, groups=inputs
    )
    if not found.requires_grad:
        found.requires_grad_()
    return found.reshape(len(input), inputs, count, *found.shape[2:]).transpose(1, 2)


def _forward_and_backward(network: TargetNetwork, images: Tensor, options: ScoreOptions) -> None:
    network, images = precise(network, images, options)
    for batch in torch.split(images, options.batch):
        backward(network, batch)


def _times(ways: Mapping[str, Callable[[], object]]) -> dict[str, tuple[float, ...]]:
    """Seconds of the processor of each way, in turns, after one that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(RUNS + 1):
        for name, work in ways.items():
            start = time.process_time()
            work()
            if turn:
                seconds[name].append(time.process_time() - start)
    return {name: tuple(found) for name, found in seconds.items()}
