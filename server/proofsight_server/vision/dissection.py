"""How well the maps of channels fall together with concepts that are segmented.

After Network Dissection (Bau et al. 2017, https://arxiv.org/abs/1704.05796).  All maps are |A|.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from proofsight_server.symbols.feature import Bools, Cell, Floats

Doubles = npt.NDArray[np.float64]

SHARE = 0.005  # of all positions exceeds a channel's threshold


class Cutoff:
    """The value that at most a share of all positions exceeds; seen in parts.

    Parameters
    ----------
    positions
        How many there will be in all.
    share
        Of them, at most this exceeds the cutoff, strictly.
    """

    def __init__(self, positions: int, share: float = SHARE) -> None:
        # The cutoff is the greatest value that is not among the share's.
        self._kept = int(positions * share) + 1
        self._greatest = torch.empty(0)

    def add(self, values: Tensor) -> None:
        """Take in some positions, of any shape."""
        both = torch.cat((self._greatest, values.flatten().to(torch.float32)))
        self._greatest = both.topk(min(self._kept, len(both))).values

    @property
    def value(self) -> float:
        """The cutoff, of what was seen so far."""
        return float(self._greatest[-1])


@dataclass(slots=True)
class Overlap:
    """Pixels of one channel and of each concept, counted over images: for the IoU.

    `both` and `either` have shape (concepts,).
    """

    both: npt.NDArray[np.int64]
    either: npt.NDArray[np.int64]

    @classmethod
    def none(cls, concepts: int) -> Overlap:
        """Before the first image."""
        return cls(np.zeros(concepts, dtype=np.int64), np.zeros(concepts, dtype=np.int64))

    def add(self, strong: Bools, masks: Bools) -> None:
        """Count one image: `strong` (height, width), `masks` (concepts, height, width)."""
        flat = masks.reshape(len(masks), -1)
        both = np.count_nonzero(flat[:, strong.ravel()], axis=1)
        self.both += both
        self.either += np.count_nonzero(flat, axis=1) + np.count_nonzero(strong) - both

    def iou(self) -> Doubles:
        """Intersection over union per concept, 0 where both are empty."""
        return self.both / np.maximum(self.either, 1)


def coverage(map: Floats, masks: Bools) -> Doubles:
    """The share of a map's mass inside each concept; values under the map's median count 0.

    `map` (pixels,), `masks` (concepts, pixels); without mass, 0.
    """
    mass = np.where(map < np.median(map), 0.0, map.astype(np.float64))
    total = mass.sum()
    return (masks @ mass) / total if total > 0 else np.zeros(len(masks))


def upsampled(map: Floats, size: tuple[int, int]) -> Floats:
    """A map (h, w) over an image of `size` (height, width), bilinear, corners not aligned."""
    image: Floats = functional.interpolate(
        torch.from_numpy(map)[None, None], size, mode="bilinear", align_corners=False
    )[0, 0].numpy()
    return image


def region(cell: Cell | None, shape: tuple[int, int], size: tuple[int, int]) -> tuple[slice, slice]:
    """The pixels of an image of `size` that a cell of a map of `shape` stands for; None: all."""
    if cell is None:
        return slice(0, size[0]), slice(0, size[1])
    rows, columns = cell.span(*shape)
    return (
        slice(round(rows.start * size[0] / shape[0]), round(rows.stop * size[0] / shape[0])),
        slice(round(columns.start * size[1] / shape[1]), round(columns.stop * size[1] / shape[1])),
    )


def sampled(
    masks: Bools, window: tuple[float, float, float, float], size: tuple[int, int]
) -> Bools:
    """Masks (concepts, height, width) of a picture as the network's input has them, nearest.

    `window` is the part of the picture that the network sees, `size` (height, width) its input's.
    """
    left, top, right, bottom = window
    rows = np.floor(top + (np.arange(size[0]) + 0.5) * (bottom - top) / size[0]).astype(np.int64)
    columns = np.floor(left + (np.arange(size[1]) + 0.5) * (right - left) / size[1])
    chosen: Bools = masks[
        :,
        rows.clip(0, masks.shape[1] - 1)[:, None],
        columns.astype(np.int64).clip(0, masks.shape[2] - 1)[None],
    ]
    return chosen
