"""What a shrunk network is made of besides torch's own modules.

A block is built from plain numbers and filled from a state dict, so that a network can be written
as JSON and tensors.  Shapes leave out the axis of the batch.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# In the arguments of a `Function`, {INPUT: i} stands for its i-th input.
INPUT = "input"

FUNCTIONS: Mapping[str, Callable[..., Tensor]] = {
    **{
        name: getattr(F, name)
        for name in (
            "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish",
            "hardswish", "hardsigmoid", "hardtanh", "hardshrink", "softshrink", "tanhshrink",
            "sigmoid", "logsigmoid", "tanh", "softplus", "softsign", "threshold", "max_pool2d",
            "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d", "lp_pool2d", "interpolate",
        )
    },
    **{
        name: getattr(torch, name)
        for name in (
            "neg", "abs", "exp", "log", "sqrt", "square", "pow", "clamp", "clamp_min", "clamp_max",
            "mean", "sum", "amax", "amin", "std", "var", "norm", "maximum", "minimum",
        )
    },
    "mul": operator.mul, "truediv": operator.truediv,
    "add": lambda x, y, alpha=1: x + y if alpha == 1 else x + alpha * y,
    "sub": lambda x, y, alpha=1: x - y if alpha == 1 else x - alpha * y,
}  # fmt: skip


class Select(nn.Module):
    """Some channels of a map, in another order perhaps."""

    index: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("index", torch.zeros(channels, dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, ...) of (n, any, ...)."""
        return x.index_select(1, self.index)


class Widen(nn.Module):
    """Channels put among others that are constant."""

    index: Tensor
    constant: Tensor

    def __init__(self, channels: int, shape: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("index", torch.zeros(channels, dtype=torch.int64))
        self.register_buffer("constant", torch.zeros(1, *shape))

    def forward(self, x: Tensor) -> Tensor:
        """(n, *shape) of (n, channels, ...)."""
        whole = self.constant.expand(len(x), *self.constant.shape[1:])
        return whole.index_copy(1, self.index, x)


class Gather(nn.Module):
    """Numbers of one or several tensors in other places, and zeros between them."""

    index: Tensor

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("index", torch.zeros(tuple(shape), dtype=torch.int64))

    def forward(self, *sources: Tensor) -> Tensor:
        """(n, *shape); index 0 is zero, 1 the first number of the first source, and so on."""
        flat = torch.cat([source.flatten(1) for source in sources], dim=1)
        flat = F.pad(flat, (1, 0))
        return flat.index_select(1, self.index.flatten()).reshape(-1, *self.index.shape)


class Crop(nn.Module):
    """Positions of a map at a stride: rows and columns `start`, `start + step`, ..."""

    def __init__(self, start: Sequence[int], step: Sequence[int], size: Sequence[int]) -> None:
        super().__init__()
        self._rows, self._columns = (
            slice(begin, begin + (count - 1) * by + 1, by)
            for begin, by, count in zip(start, step, size, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, *size) of (n, channels, height, width)."""
        return x[:, :, self._rows, self._columns]


class Shift(nn.Module):
    """A constant map added: what filters without input leave behind them."""

    map: Tensor

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("map", torch.zeros(1, *shape))

    def forward(self, x: Tensor) -> Tensor:
        """(n, *shape) of the same."""
        return x + self.map


class Constant(nn.Module):
    """The same map for every image."""

    map: Tensor

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("map", torch.zeros(1, *shape))

    def forward(self, x: Tensor) -> Tensor:
        """(n, *shape) for n images."""
        return self.map.expand(len(x), *self.map.shape[1:])


class Concat(nn.Module):
    """Channels of several maps, one after the other."""

    def forward(self, *sources: Tensor) -> Tensor:
        """(n, sum of channels, ...) of (n, channels, ...) each."""
        return torch.cat(sources, dim=1)


class Readout(nn.Module):
    """The target: a weighted sum of channels, and what constant channels add to it."""

    weight: Tensor
    constant: Tensor

    def __init__(self, channels: int, shape: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(channels))
        self.register_buffer("constant", torch.zeros(1, *shape))

    def forward(self, x: Tensor) -> Tensor:
        """(n, *shape) of (n, channels, *shape)."""
        if len(self.weight) == 1:
            # One channel, as with most targets: no rounding but the product's own.
            return x[:, 0] * self.weight + self.constant
        return torch.einsum("nc...,c->n...", x, self.weight) + self.constant


class Function(nn.Module):
    """A function of torch by its name in `FUNCTIONS`, with arguments as JSON has them."""

    def __init__(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        super().__init__()
        self._function = FUNCTIONS[name]
        self._args, self._kwargs = list(args), dict(kwargs)

    def forward(self, *inputs: Tensor) -> Tensor:
        """What the function gives for its arguments."""
        args = [_filled(argument, inputs) for argument in self._args]
        kwargs = {name: _filled(argument, inputs) for name, argument in self._kwargs.items()}
        return self._function(*args, **kwargs)


def _filled(argument: Any, inputs: Sequence[Tensor]) -> Any:
    return inputs[argument[INPUT]] if isinstance(argument, dict) else argument
