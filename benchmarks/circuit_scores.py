"""What scores of kernels cost: against a dissected network, and several criteria in one pass.

Networks have fresh weights and images are noise: neither changes what is computed.

With small maps the speed-up of actgrad stays below 4: forward and backward alone take a third of
its time, which bounds it at 7 to 8 times, and the rest is products of nine taps with a cost per
number of a map of 0.5 ns, as much again for absolute value, weighing and sum, and the copy of the
columns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.figures import Figure, Row
from benchmarks.workspace import Workspace
from proofsight_server.circuits.backward import loss_of
from proofsight_server.circuits.losses import losses
from proofsight_server.circuits.scores import Doubles
from proofsight_server.circuits.scoring import Precision, ScoreOptions, precise, score
from proofsight_server.circuits.target import parse_target
from proofsight_server.circuits.target_network import TargetNetwork, target_network
from proofsight_server.symbols.feature import Ints
from proofsight_server.vision.model import build_model

RUNS = 3
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

    alone = {criterion: _times(scoring([criterion])) for criterion in CRITERIA}
    together = _times(scoring(CRITERIA))
    slow = _times(lambda: dissected(network, images, options))
    ours = score(network, images, None, "actgrad", options=options)["actgrad"]
    theirs = dissected(network, images, options)
    difference = max(
        float(np.abs(ours[layer] - theirs[layer]).max() / theirs[layer].max()) for layer in ours
    )
    slowest = max(alone.values(), key=min)
    return [
        Figure(
            f"{name}: actgrad, times faster than a dissected network",
            tuple(s / f for s, f in zip(slow, alone["actgrad"], strict=True)),
            "x", FASTER, note=f"{min(slow):.2f} s and {min(alone['actgrad']):.2f} s",
        ),
        Figure(f"{name}: largest difference of scores, of a layer's largest", (difference,), "",
               SAME, "at_most"),
        Figure(
            f"{name}: one pass for snip, kernel_mask and actgrad, of the slowest alone",
            tuple(t / s for t, s in zip(together, slowest, strict=True)), "x", TOGETHER, "at_most",
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


def _times(work: Callable[[], object]) -> tuple[float, ...]:
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return tuple(seconds)
