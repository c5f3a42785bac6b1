"""Ids of channels in place of numbers, and what operations do to them.

A tensor of ids is (TRIAL_IMAGES, ...), float64, with the shape of the numbers it stands for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from proofsight_server.circuits.steps import called
from proofsight_server.circuits.wiring import CONSTANT
from proofsight_server.symbols.feature import Ints
from proofsight_server.vision.points import TRIAL_IMAGES
from proofsight_server.vision.tracing import function_name


class UnfollowedError(Exception):
    """An operation that does to its channels what is not known; the message says what."""


def spread(ids: Ints, shape: tuple[int, ...]) -> Tensor:
    """Ids (channels,) as a tensor of images (TRIAL_IMAGES, channels, ...)."""
    whole = torch.from_numpy(ids.astype(np.float64)).reshape(1, -1, *[1] * (len(shape) - 1))
    return whole.expand(TRIAL_IMAGES, *shape)


def channels_of(ids: Tensor) -> Ints:
    """The id of each channel, where all positions have one, or that of CONSTANT beside it."""
    whole = ids[0].reshape(ids.shape[1], -1)
    found = whole.amax(dim=1, keepdim=True)
    if not ((whole == found) | (whole == CONSTANT)).all():
        raise UnfollowedError("numbers of several channels come together in one map")
    return found[:, 0].to(torch.int64).numpy()


def blocks(columns: Ints) -> tuple[Ints, int]:
    """Ids of the columns of a linear module, one for each block of `taps` equal neighbours."""
    ends = np.flatnonzero(np.diff(columns)) + 1
    runs = np.diff(np.concatenate([[0], ends, [len(columns)]]))
    taps = int(np.gcd.reduce(runs))
    return columns[::taps], taps


def constants(value: Any) -> Any:
    """A tensor of the network's own: numbers that carry nothing of the image."""
    floating = isinstance(value, Tensor) and value.is_floating_point()
    return torch.full(value.shape, CONSTANT, dtype=torch.float64) if floating else value


def moved(
    step: fx.Node, module: nn.Module | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Ids after an operation that changes their places alone."""
    if function_name(step) == "pad":
        mode = kwargs.get("mode", args[2] if len(args) > 2 else "constant")
        value = kwargs.get("value", args[3] if len(args) > 3 else None)
        if mode == "constant" and value not in (None, 0):
            raise UnfollowedError("maps are padded with something else than 0")
    # Ids are spread without being copied, and a view of them may be impossible for that.
    first = args[0].contiguous() if isinstance(args[0], Tensor) else args[0]
    return called_on_ids(step, module, (first, *args[1:]), kwargs)


def passed(ids: Tensor, shape: tuple[int, ...] | None) -> Tensor:
    """Ids after an operation on each channel alone; `shape` is what it gives of an image."""
    if shape is None:
        raise UnfollowedError("an operation gives something else than one tensor of maps")
    if tuple(ids.shape[1:]) == shape:
        return ids
    if len(shape) != 3 or ids.ndim != 4 or ids.shape[1] != shape[0]:
        raise UnfollowedError("an operation changes the number of channels")
    return spread(channels_of(ids), shape)


def reduced(args: tuple[Any, ...], kwargs: dict[str, Any], shape: tuple[int, ...] | None) -> Tensor:
    """Ids after a reduction over the positions of maps; `shape` is what it gives of an image."""
    ids = args[0]
    axes = kwargs.get("dim", args[1] if len(args) > 1 else None)
    chosen = {axes} if isinstance(axes, int) else set(axes or ())
    if ids.ndim != 4 or shape is None or not chosen or {a % 4 for a in chosen} - {2, 3}:
        raise UnfollowedError("a reduction over something else than the positions of maps")
    return spread(channels_of(ids), shape)


def called_on_ids(
    step: fx.Node, module: nn.Module | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """What a step gives for ids in place of numbers."""
    try:
        return called(step, module, args, kwargs)
    except Exception as error:
        # The network's own code, on ids: whatever it says means that they cannot be followed.
        raise UnfollowedError(str(error)) from error
