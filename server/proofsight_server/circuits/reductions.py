"""The criteria as reductions of one pair per layer: what its kernels read, and the gradient there.

Everything is an L1 norm of a grouping of one product, weight · input · gradient: `kernel_mask`
sums it over taps and positions and then takes the absolute value, `snip` sums over positions
only, `actgrad` over taps only.  Each is exact per image, whatever images come with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from proofsight_server.circuits.target_network import KernelModule
from proofsight_server.circuits.wiring import Node

PassCriterion = Literal["kernel_mask", "actgrad", "snip"]
Reduce = Literal["mean", "sum"]

# Numbers of one intermediate: what stays in a core's cache, and what may stand in memory at once.
_CACHED = 1 << 17
_HELD = 1 << 24


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """What the kernels of a layer read for some images.

    `taps` (n, groups, inputs / groups, taps, positions): the numbers under each tap of a kernel.
    """

    taps: Tensor

    @classmethod
    def of(cls, module: KernelModule, input: Tensor, groups: int, width: int) -> Columns:
        """Columns of a layer's input (n, channels, h, w) or (n, units)."""
        images = len(input)
        if isinstance(module, nn.Linear):
            return cls(input.reshape(images, 1, width, -1, 1))
        if _reads_in_place(module):
            return cls(input.reshape(images, groups, width, 1, -1))
        windows = _windows(_padded(module, input).contiguous(), module)
        height, wide = windows.shape[4:]
        return cls(windows.reshape(images, groups, width, -1, height * wide))


def layer_scores(
    node: Node,
    module: KernelModule,
    weight: Tensor,
    input: Tensor,
    gradient: Tensor,
    criteria: Collection[PassCriterion],
    reduce: Reduce,
) -> dict[PassCriterion, Tensor]:
    """Sums over images of each criterion's score per kernel, (rows, inputs / groups) float64.

    Parameters
    ----------
    node, module, weight
        The layer, and its dense weight (all rows).
    input
        What it read, (n, channels, h, w) or (n, units).
    gradient
        ∂F_n/∂z_n, (n, channels or rows, h, w) or (n, ...).
    criteria
        Those wanted.
    reduce
        Whether `snip` and `actgrad` take the mean or the sum over taps and over positions.
    """
    theta = _by_group(node, weight)
    gradients = _by_group_gradients(node, gradient)
    width = node.shape[1]
    sums = {
        name: torch.zeros(node.groups, theta.shape[1], width, dtype=torch.float64)
        for name in criteria
    }
    left = set(sums)
    if "actgrad" in left and theta.shape[1] == 1 and isinstance(module, nn.Conv2d):
        _add_by_own_maps(sums["actgrad"], module, theta, input, gradients, reduce)
        left.remove("actgrad")
    if left == {"actgrad"} and node.taps > 1:
        # Its maps are single precision: fewer numbers are copied.
        input, gradients = input.float(), gradients.float()
    for images in _chunks(node, module, input, gradients, theta) if left else ():
        columns = Columns.of(module, input[images], node.groups, width).taps
        g = gradients[images]
        if {"snip", "kernel_mask"} & left:
            _add_by_weights(sums, theta, columns, g, reduce)
        if "actgrad" in left:
            _add_by_maps(sums["actgrad"], theta, columns, g, reduce)
    return {name: _rows_of(node, total) for name, total in sums.items()}


def _add_by_weights(
    sums: dict[PassCriterion, Tensor], theta: Tensor, columns: Tensor, g: Tensor, reduce: Reduce
) -> None:
    """Add snip and kernel_mask, both reductions of θ_u · ∂F_n/∂θ_u."""
    images, groups, width, taps, positions = columns.shape
    wide = columns.reshape(images, groups, width * taps, positions)
    # The longer side first and taps before rows: products and sums are several times faster so.
    products = torch.matmul(wide, g.transpose(2, 3)).reshape(images, groups, width, taps, -1)
    products *= theta.permute(0, 2, 3, 1)
    if "kernel_mask" in sums:
        found = products.sum(3).abs_().double().sum(0)
        sums["kernel_mask"] += found.transpose(1, 2)
    if "snip" in sums:
        parts = products.abs_()
        parts = parts.mean(3) if reduce == "mean" else parts.sum(3)
        sums["snip"] += parts.double().sum(0).transpose(1, 2)


def _add_by_maps(total: Tensor, theta: Tensor, columns: Tensor, g: Tensor, reduce: Reduce) -> None:
    """Add actgrad: each kernel's own map A, absolute, weighed by the gradient's absolute values."""
    images, groups, width, taps, positions = columns.shape
    scale = 1 / positions if reduce == "mean" else 1.0
    strengths = g.abs()
    if taps == 1:
        # |θ·x·g| = |θ|·|x|·|g|: the map need not be made.
        sums = torch.matmul(strengths, columns[:, :, :, 0].abs().transpose(2, 3)).double().sum(0)
        total += sums * theta[..., 0].abs() * scale
        return
    # Kernels of one source channel share its columns: one slot for each (group, channel).
    rows, slots = theta.shape[1], groups * width
    # No map is subtracted from another here, so that single precision of them is enough.
    columns = columns.float().reshape(images, slots, taps, positions)
    strengths = strengths.float()
    by_slot = theta.float().transpose(1, 2).reshape(slots, rows, taps)
    block = max(1, min(positions, _CACHED // rows))
    size = max(1, min(slots, _CACHED // (rows * block)))
    weights = torch.split(by_slot, size)
    group_of = torch.split(torch.arange(slots) // width, size)
    blocks = zip(torch.split(columns, block, 3), torch.split(strengths, block, 3), strict=True)
    for under, weighing in blocks:
        store = by_slot.new_empty(min(size, slots), rows, under.shape[3])
        found = by_slot.new_empty(images, slots, rows)
        for image in range(images):
            weigh = weighing[image]
            parts, outs = torch.split(under[image], size), torch.split(found[image], size)
            for weight, part, group, out in zip(weights, parts, group_of, outs, strict=True):
                maps = torch.bmm(weight, part, out=store[: len(weight)])
                maps.abs_().mul_(weigh if groups == 1 else weigh[group])
                torch.sum(maps, 2, out=out)
        sums = found.double().sum(0).reshape(groups, width, rows)
        total += sums.transpose(1, 2) * scale


def _add_by_own_maps(
    total: Tensor,
    module: nn.Conv2d,
    theta: Tensor,
    input: Tensor,
    gradients: Tensor,
    reduce: Reduce,
) -> None:
    """Add actgrad where a group has one row: all its maps are one depthwise convolution."""
    groups, _, width, _ = theta.shape
    weight = theta.float().reshape(groups * width, 1, *module.kernel_size)
    around = _padded(module, input.float())
    step, gap = module.stride, module.dilation
    maps = F.conv2d(around, weight, None, step, 0, gap, groups=groups * width).abs_()
    own = maps.reshape(len(input), groups, width, -1).mul_(gradients.float().abs())
    found = own.mean(3) if reduce == "mean" else own.sum(3)
    total += found.double().sum(0)[:, None]


def _chunks(
    node: Node, module: KernelModule, input: Tensor, gradients: Tensor, theta: Tensor
) -> Iterator[slice]:
    """Images that are worked on together, so that what is made of them stays within memory."""
    positions = gradients.shape[3]
    each = max(theta.numel(), node.taps * len(node.sources) * positions, 1)
    size = max(1, _HELD // each)
    for first in range(0, len(input), size):
        yield slice(first, first + size)


def _by_group(node: Node, weight: Tensor) -> Tensor:
    """Weights (groups, rows in a group, inputs / groups, taps); all rows where there are groups."""
    whole = node.groups > 1 or len(node.rows) == len(weight)
    rows = weight if whole else weight[torch.from_numpy(node.rows)]
    return rows.reshape(node.groups, -1, node.shape[1], node.taps)


def _by_group_gradients(node: Node, gradient: Tensor) -> Tensor:
    """Gradients (n, groups, rows in a group, positions), 0 for rows that do not count."""
    flat = gradient.reshape(*gradient.shape[:2], -1)
    rows = torch.from_numpy(node.rows)
    if node.groups == 1:
        return (flat if flat.shape[1] == len(rows) else flat[:, rows])[:, None]
    if flat.shape[1] != node.channels:
        whole = flat.new_zeros(len(flat), node.channels, flat.shape[2])
        whole[:, rows] = flat
        flat = whole
    return flat.reshape(len(flat), node.groups, -1, flat.shape[2])


def _rows_of(node: Node, total: Tensor) -> Tensor:
    """(groups, rows in a group, inputs / groups) as (rows, inputs / groups)."""
    whole = total.reshape(-1, node.shape[1])
    return whole if node.groups == 1 else whole[torch.from_numpy(node.rows)]


def _windows(input: Tensor, module: nn.Conv2d) -> Tensor:
    """A view (n, channels, taps down, taps across, h, w) of padded maps, without a copy."""
    images, channels, height, width = input.shape
    shape, strides = [images, channels], list(input.stride()[:2])
    steps = []
    for axis, size in enumerate((height, width)):
        taps, dilation, stride = (
            module.kernel_size[axis],
            module.dilation[axis],
            module.stride[axis],
        )
        shape.append(taps)
        strides.append(input.stride(2 + axis) * dilation)
        steps.append(((size - dilation * (taps - 1) - 1) // stride + 1, stride))
    for axis, (positions, stride) in enumerate(steps):
        shape.append(positions)
        strides.append(input.stride(2 + axis) * stride)
    return input.as_strided(shape, strides)


def _padded(module: nn.Conv2d, input: Tensor) -> Tensor:
    around = module._reversed_padding_repeated_twice
    if not any(around):
        return input
    mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
    return F.pad(input, around, mode=mode)


def _reads_in_place(module: nn.Conv2d) -> bool:
    """Whether each output reads just the input at its own position."""
    return (
        module.kernel_size == (1, 1)
        and module.stride == (1, 1)
        and not any(module._reversed_padding_repeated_twice)
    )
