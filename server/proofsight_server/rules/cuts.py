"""Cuts of real inputs that tell most about targets, for all targets of a layer at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadTensor
from proofsight_server.symbols.feature import Bools, Ints

Doubles = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating[Any]]

_BLOCK = 32

TIE = 1e-12  # gains closer than this, in nats per image, are equal


@dataclass(frozen=True, slots=True)
class Cuts:
    """The best cut of each input for each target.

    `cut` and `gain` have shape (inputs, targets) float64; a gain is in nats per image.  Where an
    input tells nothing of a target it has no cut: `cut` is NaN.  The cut of float32 values is a
    float32.
    """

    cut: Doubles
    gain: Doubles

    @property
    def usable(self) -> Bools:
        """(inputs, targets): whether the input tells anything of the target."""
        usable: Bools = ~np.isnan(self.cut)
        return usable


def best_cuts(values: Numbers, targets: Bools) -> Cuts:
    """For each input and each two-valued target, the cut of greatest information gain.

    An input is above its cut where value > cut, strictly.  Candidates lie in the middle of
    neighbouring distinct values, below the upper one; of gains within `TIE` of the best the
    smallest cut wins.  With g[c] = c ln c, m⁻ and m⁺ the images below and above, and T, T⁻, T⁺ the
    counts of each label in all, below and above, m·gain = (g[m] − Σ g[T]) − (g[m⁻] − Σ g[T⁻]) −
    (g[m⁺] − Σ g[T⁺]).  The criterion is that of https://arxiv.org/abs/2003.09000.

    Parameters
    ----------
    values
        (images, inputs) float32 or float64.
    targets
        (images, targets) bool.

    Raises
    ------
    BadTensor
        Shapes do not fit, or a value is not finite; the message names image and input.
    """
    values = checked_values(values)
    if targets.ndim != 2 or len(targets) != len(values) or targets.dtype != np.bool_:
        raise BadTensor(
            f"targets are booleans of shape ({len(values)}, targets), one row for each image, not "
            f"{targets.dtype} of shape {targets.shape}"
        )
    labels = np.ascontiguousarray(targets.T)
    return _searched(values, len(labels), _TwoValued(labels).gains)


def class_cuts(values: Numbers, classes: Ints) -> Cuts:
    """For each input, the cut that tells most about a class of many: one target of many labels.

    As `best_cuts`; `classes` has shape (images,) and the answer one column.

    Raises
    ------
    BadTensor
        As `best_cuts` does.
    """
    values = checked_values(values)
    if classes.shape != (len(values),):
        raise BadTensor(
            f"classes have one index for each of {len(values)} images, not shape {classes.shape}"
        )
    return _searched(values, 1, _ManyValued(np.unique(classes)[:, None] == classes).gains)


def checked_values(values: Numbers) -> Numbers:
    """The values, if they are a table (images, inputs) of finite numbers. Raises BadTensor."""
    if values.ndim != 2 or not len(values) or not np.issubdtype(values.dtype, np.floating):
        raise BadTensor(
            "values are a floating table of shape (images, inputs) with at least one image, not "
            f"{values.dtype} of shape {values.shape}"
        )
    # A sum is finite only if every number is; a sum that is not may just be too large.
    if not np.isfinite(values.sum(dtype=np.float64)) and not np.isfinite(values).all():
        image, number = np.argwhere(~np.isfinite(values))[0]
        raise BadTensor(
            f"the value of input {number} in image {image} is {values[image, number]}; cuts can be "
            "found between finite values only: check the network's weights",
            image=image,
            input=number,
        )
    return values


def _searched(values: Numbers, targets: int, gains: Callable[[_Column], Doubles]) -> Cuts:
    # The values on both sides of the best cuts; NaN where nothing tells.
    low = np.full((values.shape[1], targets), np.nan, dtype=values.dtype)
    high = low.copy()
    gain = np.zeros((values.shape[1], targets))
    for number, column in enumerate(_columns(values)):
        if not column.below.size:
            continue
        for target, found in enumerate(gains(column)):
            best = found.max()
            if best > TIE:
                place = (found >= best - TIE).argmax()
                gain[number, target] = found[place]
                low[number, target], high[number, target] = column.sides(place)
    middle = (low.astype(np.float64) / 2 + high.astype(np.float64) / 2).astype(low.dtype)
    return Cuts(np.where(middle < high, middle, low).astype(np.float64), gain)


@dataclass(frozen=True, slots=True)
class _Column:
    """One input, sorted: `order` are its images by rising value, of equal ones the first first.

    `below` (cuts,) says how many images lie below each candidate cut.
    """

    values: Numbers
    order: Ints
    below: Ints

    def counts_below(self, labels: Bools) -> Ints:
        """(labels, cuts) images of each label below each cut; `labels` is (labels, images)."""
        running: Ints = np.cumsum(labels.take(self.order, axis=1), axis=1, dtype=np.int64)
        return running.take(self.below - 1, axis=1)

    def sides(self, place: np.intp) -> tuple[Any, Any]:
        """The neighbouring values of a candidate cut."""
        above = self.below[place]
        return self.values[self.order[above - 1]], self.values[self.order[above]]


def _columns(values: Numbers) -> Iterator[_Column]:
    """The inputs; some at a time are brought into rows and sorted."""
    for first in range(0, values.shape[1], _BLOCK):
        # A zero has one sign only, so that equal values have equal bits.
        rows = np.ascontiguousarray(values[:, first : first + _BLOCK].T) + values.dtype.type(0)
        orders, keys = _sorted(rows)
        rises = keys[:, 1:] != keys[:, :-1]
        for row, order, rise in zip(rows, orders, rises, strict=True):
            yield _Column(row, order, np.flatnonzero(rise) + 1)


def _sorted(rows: Numbers) -> tuple[Ints, npt.NDArray[Any]]:
    """Per row the order in which its values rise, and something that is equal where they are."""
    if rows.dtype != np.float32:
        orders = np.argsort(rows, axis=1, kind="stable")
        return orders, np.take_along_axis(rows, orders, axis=1)
    # Floats sort as their bits do once negative ones are turned; with the image in the low half
    # one sort of whole numbers is several times as fast as any that gives indices.
    bits = rows.view(np.int32)
    keys = np.empty(rows.shape, dtype="<i8")
    halves = keys.view("<i4").reshape(*rows.shape, 2)
    halves[..., 0] = np.arange(rows.shape[1])
    halves[..., 1] = bits ^ (bits >> 31 & 0x7FFFFFFF)
    keys.sort(axis=1)
    return halves[..., 0].astype(np.int64), halves[..., 1]


class _TwoValued:
    """Gains of cuts about targets that are on or off.

    The sums of c ln c depend on one count each: the images below a cut, those of them that are
    on, those that are off; so each is looked up once.
    """

    def __init__(self, labels: Bools) -> None:
        images = labels.shape[1]
        on = labels.sum(axis=1)
        g = _g(images)
        whole = (g[images] - g[on] - g[images - on]) / images
        self._labels = labels
        self._left = _split(images, images)
        self._on, self._on_at = _joined(
            [_split(count, images) + known for count, known in zip(on, whole, strict=True)]
        )
        self._off, self._off_at = _joined([_split(images - count, images) for count in on])

    def gains(self, column: _Column) -> Doubles:
        """(targets, cuts) in nats per image."""
        below = column.counts_below(self._labels)
        above = column.below - below
        below += self._on_at
        above += self._off_at
        gains: Doubles = self._on.take(below)
        gains += self._off.take(above)
        gains -= self._left.take(column.below)
        return gains


class _ManyValued:
    """Gains of cuts about one target of many labels."""

    def __init__(self, labels: Bools) -> None:
        images = labels.shape[1]
        counts = labels.sum(axis=1)
        g = _g(images)
        self._labels = labels
        self._whole = (g[images] - g[counts].sum()) / images
        self._left = _split(images, images)
        self._parts, self._at = _joined([_split(count, images) for count in counts])

    def gains(self, column: _Column) -> Doubles:
        """(1, cuts) in nats per image."""
        below = column.counts_below(self._labels)
        below += self._at
        gains: Doubles = self._parts.take(below).sum(axis=0)
        gains += self._whole
        gains -= self._left.take(column.below)
        return gains[None]


def _g(images: int) -> Doubles:
    """The table of c ln c, c = 0 … images."""
    counts = np.arange(images + 1, dtype=np.float64)
    g: Doubles = counts * np.log(np.maximum(counts, 1))
    return g


def _split(count: int, images: int) -> Doubles:
    """(g[c] + g[count − c]) / images for c = 0 … count."""
    g = _g(count)
    split: Doubles = (g + g[::-1]) / images
    return split


def _joined(tables: Sequence[Doubles]) -> tuple[Doubles, Ints]:
    """Tables in one piece, and (tables, 1) where each begins."""
    sizes = np.array([len(table) for table in tables], dtype=np.int64)
    starts: Ints = np.cumsum(sizes) - sizes
    return np.concatenate(tables), starts[:, None]
