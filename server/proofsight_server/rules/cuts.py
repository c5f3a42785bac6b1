"""Cuts of real inputs that tell most about targets, for all targets of a layer at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadTensor
from proofsight_server.symbols.feature import Bools, Ints

Doubles = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating[Any]]

_BLOCK = 64

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
    entropies = _Entropies(len(values))
    labels = np.ascontiguousarray(targets.T)
    totals = labels.sum(axis=1)
    return _searched(
        values,
        len(labels),
        lambda column: entropies.two_valued(column.counts_below(labels), column.below, totals),
    )


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
    entropies = _Entropies(len(values))
    labels = np.unique(classes)[:, None] == classes
    totals = labels.sum(axis=1)
    return _searched(
        values,
        1,
        lambda column: entropies.many_valued(column.counts_below(labels), column.below, totals),
    )


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
    cut = np.full((values.shape[1], targets), np.nan)
    gain = np.zeros((values.shape[1], targets))
    rows = np.arange(targets)
    for number, numbers in enumerate(_columns(values)):
        column = _Column(numbers)
        if not column.below.size:
            continue
        found = gains(column)
        best = found.max(axis=1)
        first = (found >= best[:, None] - TIE).argmax(axis=1)
        tells = best > TIE
        cut[number, tells] = column.cuts(first[tells])
        gain[number, tells] = found[rows, first][tells]
    return Cuts(cut, gain)


def _columns(values: Numbers) -> Iterator[Numbers]:
    """Columns, each in one piece of memory; some at a time are brought there."""
    for first in range(0, values.shape[1], _BLOCK):
        yield from np.ascontiguousarray(values[:, first : first + _BLOCK].T)


class _Column:
    """One input, sorted: `below` (cuts,) says how many images lie below each candidate cut."""

    def __init__(self, column: Numbers) -> None:
        self._order = _order(column)
        self._rising = column[self._order]
        self.below: Ints = np.flatnonzero(self._rising[1:] != self._rising[:-1]) + 1

    def counts_below(self, labels: Bools) -> Ints:
        """(labels, cuts) images of each label below each cut; `labels` is (labels, images)."""
        running: Ints = np.cumsum(labels.take(self._order, axis=1), axis=1, dtype=np.int64)
        return running.take(self.below - 1, axis=1)

    def cuts(self, places: Ints) -> Doubles:
        """The candidate cuts of these numbers, in the type of the values."""
        low, high = self._rising[self.below[places] - 1], self._rising[self.below[places]]
        middle = (low.astype(np.float64) / 2 + high.astype(np.float64) / 2).astype(low.dtype)
        return np.where(middle < high, middle, low).astype(np.float64)


def _order(column: Numbers) -> Ints:
    """An order in which values rise, of equal ones the first image first."""
    if column.dtype != np.float32:
        return np.argsort(column, kind="stable")
    # Floats sort as their bits do once negative ones are turned; with the image in the low half
    # one sort of whole numbers is several times as fast as any that gives indices.
    bits = column.view(np.int32)
    keys = (bits ^ (bits >> 31 & 0x7FFFFFFF)).astype(np.int64) << 32
    keys |= np.arange(len(column))
    keys.sort()
    keys &= 0xFFFFFFFF
    return keys


class _Entropies:
    """Gains of many cuts at once, from a table of c ln c."""

    def __init__(self, images: int) -> None:
        counts = np.arange(images + 1, dtype=np.float64)
        self._images = images
        self._g = counts * np.log(np.maximum(counts, 1))

    def two_valued(self, below: Ints, left: Ints, totals: Ints) -> Doubles:
        """(targets, cuts) from the images with each target below (targets, cuts)."""
        g, m = self._g, self._images
        above = totals[:, None] - below
        parts = g.take(below)
        for rest in (left - below, above, m - left - above):
            parts += g.take(rest)
        parts -= g.take(left) + g.take(m - left)
        parts += (g[m] - g[totals] - g[m - totals])[:, None]
        parts /= m
        return parts

    def many_valued(self, below: Ints, left: Ints, totals: Ints) -> Doubles:
        """(1, cuts) from the images of each label below (labels, cuts)."""
        g, m = self._g, self._images
        parts = (g[below] + g[totals[:, None] - below]).sum(axis=0)
        gains: Doubles = (g[m] - g[totals].sum() - (g[left] + g[m - left]) + parts) / m
        return gains[None]
