"""What each row of a map sees of the rows of the input; for columns alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from proofsight_server.symbols.feature import Ints

# A window's position that lies outside of the map it looks at.
OUTSIDE = -1


@dataclass(frozen=True, slots=True)
class Spans:
    """For each position along one axis of a map, the positions of the input that it sees.

    `first` and `last` (n,): it sees from `first` to before `last`.  Where it sees nothing but
    padding `first` is not below `last`.
    """

    first: Ints
    last: Ints

    def __len__(self) -> int:
        return len(self.first)

    def through(self, window: Ints) -> Spans:
        """What positions see that look at this map through a window each.

        `window` has shape (positions, width): places along this axis, or OUTSIDE.
        """
        first = np.append(self.first, np.iinfo(np.int64).max)
        last = np.append(self.last, 0)
        return Spans(first[window].min(axis=1), last[window].max(axis=1))

    def whole(self) -> Spans:
        """What one position sees that looks at all of this map."""
        return self.through(np.arange(len(self))[None])

    def spread(self, size: int) -> Spans:
        """The spans of a map of `size` positions, of which this map's one is repeated."""
        if len(self) == size:
            return self
        return Spans(np.repeat(self.first, size), np.repeat(self.last, size))


def identity(size: int) -> Spans:
    """The input itself: each position sees itself."""
    places = np.arange(size, dtype=np.int64)
    return Spans(places, places + 1)


def union(spans: list[Spans]) -> Spans:
    """What positions see that look at the same place of several maps of one size."""
    size = max(map(len, spans))
    alike = [one.spread(size) for one in spans]
    return Spans(
        np.min([one.first for one in alike], axis=0), np.max([one.last for one in alike], axis=0)
    )


def sliding(
    size: int, positions: int, *, kernel: int, stride: int, padding: int, dilation: int = 1
) -> Ints:
    """The window of each output of a convolution or pool over a map of `size`; not yet bounded."""
    starts = np.arange(positions, dtype=np.int64) * stride - padding
    return starts[:, None] + np.arange(kernel, dtype=np.int64) * dilation


def transposed(
    size: int, positions: int, *, kernel: int, stride: int, padding: int, dilation: int = 1
) -> Ints:
    """The window of each output of a transposed convolution over a map of `size`."""
    offsets = np.arange(positions, dtype=np.int64)[:, None] + padding
    reached = offsets - np.arange(kernel, dtype=np.int64) * dilation
    sources = np.where(reached % stride == 0, reached // stride, OUTSIDE)
    return bounded(sources, size)


def adaptive(size: int, positions: int) -> Ints:
    """The window of each output of an adaptive pool over a map of `size`."""
    outputs = np.arange(positions, dtype=np.int64)
    first, last = outputs * size // positions, -(-(outputs + 1) * size // positions)
    places = first[:, None] + np.arange(int((last - first).max()), dtype=np.int64)
    return np.where(places < last[:, None], places, OUTSIDE)


def bounded(window: Ints, size: int, mode: str = "zeros") -> Ints:
    """A window whose places beyond the edge are what the padding puts there.

    `mode` is that of `torch.nn.Conv2d`: `zeros`, `reflect`, `replicate` or `circular`.
    """
    if mode == "circular":
        return window % size
    if mode == "replicate":
        return window.clip(0, size - 1)
    if mode == "reflect":
        folded = np.abs(window) % max(2 * (size - 1), 1)
        return np.where(folded < size, folded, 2 * (size - 1) - folded)
    return np.where((window >= 0) & (window < size), window, OUTSIDE)
