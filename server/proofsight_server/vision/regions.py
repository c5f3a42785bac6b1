"""Where in the image a value comes from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from proofsight_server.symbols.feature import Bools, Cell, Feature, Floats, Ints

_WHOLE = Cell((1, 1), (0, 0))


class RegionFinder:
    """Boxes around what is strong in the cells of one layer; planned once.

    The box of a feature holds all positions of its cell where |A| is at least half of the
    cell's greatest |A|.  A map of h x w tiles the input, so position (r, c) stands for the
    shares r/h..(r+1)/h of its height and c/w..(c+1)/w of its width.  Where the cell is all
    zero the box is the whole cell; a unit's box is the whole input.

    Parameters
    ----------
    features
        Features of one layer, in any order; the answer follows it.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self._size = len(features)
        groups: dict[Cell, list[int]] = {}
        for column, feature in enumerate(features):
            groups.setdefault(feature.cell or _WHOLE, []).append(column)
        self._groups = [
            (cell, np.array(columns), torch.tensor([features[c].index for c in columns]))
            for cell, columns in groups.items()
        ]

    def __call__(self, map: Tensor) -> Floats:
        """Boxes (n, features, 4) float32: left, top, right, bottom as shares of the input.

        Parameters
        ----------
        map
            (n, channels, height, width), or (n, units).
        """
        boxes = np.empty((len(map), self._size, 4), dtype=np.float32)
        boxes[...] = (0, 0, 1, 1)
        if map.ndim == 4:
            for cell, columns, channels in self._groups:
                boxes[:, columns] = _boxes(map, cell, channels)
        return boxes


def _boxes(map: Tensor, cell: Cell, channels: Tensor) -> Floats:
    height, width = map.shape[2:]
    rows, columns = cell.span(height, width)
    strength = map[:, :, rows, columns].index_select(1, channels).abs()
    strong = strength >= strength.amax(dim=(2, 3), keepdim=True) / 2
    top, bottom = _ends(strong.any(dim=3).numpy(), rows.start)
    left, right = _ends(strong.any(dim=2).numpy(), columns.start)
    shares = [left / width, top / height, right / width, bottom / height]
    return np.stack(shares, axis=-1).astype(np.float32)


def _ends(hit: Bools, offset: int) -> tuple[Ints, Ints]:
    """First position that is hit and the one after the last, along the last axis."""
    first = hit.argmax(axis=-1)
    last = hit[..., ::-1].argmax(axis=-1)
    return first + offset, hit.shape[-1] - last + offset
