"""Points of a network where a tensor can be read, however they were found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

Observe = Callable[[str, Tensor], Any]
Tapped = Callable[[Tensor], tuple[Tensor, list[Any]]]
Change = Callable[[Tensor], Tensor]
Replaced = Callable[[Change, Tensor], Tensor]

# Two images: enough to see which axis of a tensor counts them.
TRIAL_IMAGES = 2


@dataclass(frozen=True, slots=True)
class Point:
    """One tensor that comes by in every forward pass.

    `name` is unique in the network: a module's path (`features.29`), with `#2` for its second
    run, or the path of a block and a function that it calls (`layer1.0.add`).  `layer` is the
    module whose output it is, None for a function; `shape` its shape without the axis of the
    batch, None where it is no float tensor with such an axis.
    """

    name: str
    layer: nn.Module | None
    shape: tuple[int, ...] | None


class Flow(Protocol):
    """The points of one network in order of execution, and the means to read them."""

    @property
    def points(self) -> Mapping[str, Point]:
        """Points by name, in order of execution; a block comes after what is inside it."""

    def reads(self, name: str) -> str:
        """The point where the values of the layer at point `name` are taken."""

    def tap(self, names: Sequence[str], observe: Observe, *, training: bool = False) -> Tapped:
        """The network with `observe(name, tensor)` called as each tensor at `names` is made.

        The result maps a batch to logits and to what `observe` returned, in the order of `names`,
        each of which is given once.
        With `training` it is to be run while the network is in training mode.
        """

    def replace(self, name: str) -> Replaced:
        """The network with another tensor in place of the one at `name`.

        The result maps a change and a batch to logits: the network goes on with what the change
        makes of the tensor, everywhere that it uses it.  What a change returns is copied, since
        later operations may work in place.
        """


def numbered(path: str, run: int) -> str:
    """A module's path with the number of its run, from 1; the first goes unsaid."""
    return path if run == 1 else f"{path}#{run}"


def trial(input_shape: Sequence[int], dtype: torch.dtype = torch.float32) -> Tensor:
    """A batch to try a network on: numbers that repeat exactly, of both signs."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn((TRIAL_IMAGES, *input_shape), generator=generator).to(dtype)


def weight_type(module: nn.Module) -> torch.dtype:
    """The type of a network's weights, and so of the images that it takes."""
    types = (weight.dtype for weight in module.parameters() if weight.is_floating_point())
    return next(types, torch.float32)


def per_image(output: object) -> tuple[int, ...] | None:
    """The shape of one image's part of an output, None where images cannot be told apart."""
    if not isinstance(output, Tensor) or not output.is_floating_point() or output.ndim < 2:
        return None
    return tuple(output.shape[1:]) if output.shape[0] == TRIAL_IMAGES else None
