"""What a channel looks like where its proposition is active, and where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadOption
from proofsight_server.symbols.feature import Proposition
from proofsight_server.symbols.reduction import MapReducer

if TYPE_CHECKING:  # torch takes seconds to import
    from torch import Tensor

Replacement = Literal["opposite", "zero", "mean"]
REPLACEMENTS: tuple[Replacement, ...] = ("opposite", "zero", "mean")


class Replacements:
    """Maps to put in the place of single channels, learned from training images.

    `opposite`: the mean map of the channel over the images with the opposite bit.  `mean`: over
    all images.  `zero`: nothing.  Where a proposition reads a cell, only that part is meant.

    Parameters
    ----------
    propositions
        Observable ones of one layer.

    Attributes
    ----------
    images_
        How many training images were seen.
    """

    images_: int

    def __init__(self, propositions: Sequence[Proposition]) -> None:
        self.propositions = tuple(propositions)
        self.images_ = 0
        self._place = {p.name: at for at, p in enumerate(self.propositions)}
        self._features = [p.feature for p in self.propositions if p.feature is not None]
        self._thresholds = np.array([p.threshold for p in self.propositions], dtype=np.float32)
        self._reduce = MapReducer(self._features)
        self._sums: list[npt.NDArray[np.float64]] = []  # per proposition (2, h, w): by its bit
        self._counts = np.zeros((len(self.propositions), 2), dtype=np.int64)

    def partial_fit(self, map: Tensor) -> None:
        """Learn from the maps (n, channels, h, w) or (n, units) of some more training images."""
        map = _spatial(map)
        bits = self._reduce(map) > self._thresholds
        array = map.detach().cpu().float().numpy()
        self.images_ += len(array)
        self._counts += np.stack([(~bits).sum(axis=0), bits.sum(axis=0)], axis=1)
        for at, feature in enumerate(self._features):
            part = array[:, feature.index, *self._span(at, array)].astype(np.float64)
            own = bits[:, at]
            sums = np.stack([part[~own].sum(axis=0), part[own].sum(axis=0)])
            if at == len(self._sums):
                self._sums.append(sums)
            else:
                self._sums[at] += sums

    def never(self, name: str, *, active: bool) -> bool:
        """Whether no training image has that bit of a proposition."""
        return not self._counts[self._place[name], int(active)]

    def put(self, map: Tensor, name: str, how: Replacement) -> Tensor:
        """The map with the proposition's channel, or its cell of it, replaced in every image.

        `opposite` is opposite to each image's own bit; where no training image has that, it is
        the mean over all.  `map` is changed in place.
        """
        if how not in REPLACEMENTS:
            raise BadOption(
                f"a channel is replaced by {', '.join(REPLACEMENTS)}, not {how!r}",
                option="replace",
                value=how,
            )
        at = self._place[name]
        spatial = _spatial(map)  # a view: what is put there is in `map`
        span = self._span(at, spatial)
        told = np.zeros((2, *self._sums[at].shape[1:]), dtype=np.float32)
        if how != "zero":
            told[:] = self._sums[at].sum(axis=0) / max(1, self.images_)
        if how == "opposite":
            for bit in (0, 1):
                if self._counts[at, 1 - bit]:
                    told[bit] = self._sums[at][1 - bit] / self._counts[at, 1 - bit]
        bits = (MapReducer([self._features[at]])(spatial) > self._thresholds[at])[:, 0]
        spatial[:, self._features[at].index, *span] = spatial.new_tensor(
            told[bits.astype(np.int64)]
        )
        return map

    def bits_after(self, map: Tensor, name: str) -> npt.NDArray[np.bool_]:
        """(n,) whether the proposition is active in these maps."""
        at = self._place[name]
        active: npt.NDArray[np.bool_] = (
            MapReducer([self._features[at]])(_spatial(map)) > self._thresholds[at]
        )[:, 0]
        return active

    def _span(self, at: int, map: Tensor | npt.NDArray[np.float32]) -> tuple[slice, slice]:
        cell = self._features[at].cell
        height, width = map.shape[2:]
        return (slice(None), slice(None)) if cell is None else cell.span(height, width)


def _spatial(map: Tensor) -> Tensor:
    """Maps (n, channels, h, w); units are maps of one position."""
    return map[..., None, None] if map.ndim == 2 else map
