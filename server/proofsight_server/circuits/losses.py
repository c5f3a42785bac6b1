"""One number per image out of the target's map, to be differentiated."""

from __future__ import annotations

import torch
from torch import Tensor

from proofsight_server.circuits.target import Loss
from proofsight_server.errors import BadTarget


def losses(maps: Tensor, loss: Loss, peaks: Tensor | None = None) -> Tensor:
    """F of each image; no image's F depends on another's.

    Parameters
    ----------
    maps
        The target's maps y (n, h, w), or logits (n,), which are F already.
    loss
        What is taken of a map.
    peaks
        (n,) places in the flattened maps that `argmax` takes; None: where `maps` have their own
        maxima.

    Raises
    ------
    BadTarget
        The position is outside of the map.
    """
    if maps.ndim == 1:
        return maps
    flat = maps.flatten(1)
    match loss.kind:
        case "abs_sum":
            return flat.abs().sum(1)
        case "sum":
            return flat.sum(1)
        case "mean":
            return flat.mean(1)
        case "position":
            return maps[:, *_position(loss, maps.shape[1], maps.shape[2])]
    places = peaks if peaks is not None and loss.kind == "argmax" else peaks_of(maps)
    return flat.gather(1, places[:, None])[:, 0]


def peaks_of(maps: Tensor) -> Tensor:
    """(n,) the place of each map's maximum in the flattened map, the first of several."""
    flat = maps.detach().flatten(1)
    # Torch's argmax does not promise the first of equal values.
    first: Tensor = (flat == flat.amax(1, keepdim=True)).to(torch.uint8).argmax(1)
    return first


def _position(loss: Loss, height: int, width: int) -> tuple[int, int]:
    row, column = (height // 2, width // 2) if loss.at is None else loss.at
    if row >= height or column >= width:
        raise BadTarget(
            f"the target's map has {height} x {width} positions, so there is none at row {row}, "
            f"column {column}; rows are 0 to {height - 1}, columns 0 to {width - 1}",
            row=row,
            column=column,
        )
    return row, column
