"""Where to cut a feature: strategies that fit one or several thresholds per feature."""

from __future__ import annotations

from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.symbols.feature import Floats, Ints

Doubles = npt.NDArray[np.float64]


class Thresholder(Protocol):
    """A strategy for thresholds: an estimator whose `fit` learns `thresholds_`.

    `thresholds_` has shape (f,) float32, or (cuts, f) for several thresholds per feature; a
    feature is active where its value is greater, strictly.  The threshold of a constant column
    is its value, so that it is never active.
    """

    thresholds_: Floats

    def fit(self, values: Floats, target: Ints | None = None) -> Self:
        """Learn from training images: `values` (n, f) float32, `target` (n,) class indices."""
        ...


class MeanThreshold:
    """The mean of each feature: ERIC's threshold (https://arxiv.org/abs/2010.09452)."""

    thresholds_: Floats

    def fit(self, values: Floats, target: Ints | None = None) -> Self:
        """Learn from `values` (n, f) float32; `target` is not used."""
        values = checked_values(values)
        self.thresholds_ = values.mean(axis=0, dtype=np.float64).astype(np.float32)
        return self


class MeanStdThreshold:
    """`alpha * mean + gamma * std` of each feature (ERIC 2022, NeSyFOLD; std with ddof 0).

    Sources: https://openreview.net/forum?id=jgVpiERy8Q8, https://arxiv.org/abs/2301.12667.
    """

    thresholds_: Floats

    def __init__(self, alpha: float = 0.6, gamma: float = 0.7) -> None:
        self.alpha = alpha
        self.gamma = gamma

    def fit(self, values: Floats, target: Ints | None = None) -> Self:
        """Learn from `values` (n, f) float32; `target` is not used."""
        for name, value in (("alpha", self.alpha), ("gamma", self.gamma)):
            if not np.isfinite(value):
                raise BadOption(f"{name} is a finite number, not {value}", option=name)
        values = checked_values(values)
        mean, std = values.mean(axis=0, dtype=np.float64), deviations(values)
        cut = np.where(std == 0, mean, self.alpha * mean + self.gamma * std)
        self.thresholds_ = cut.astype(np.float32)
        return self


class QuantileThreshold:
    """The smallest observed value v with share(values <= v) >= q.

    Several cuts are the middles of as many equal parts of the shares .3 to .95: activations
    crowd near 0, and what tells classes apart lies above.
    """

    thresholds_: Floats

    def __init__(self, q: float = 0.5, cuts: int = 1) -> None:
        self.q = q
        self.cuts = cuts

    def fit(self, values: Floats, target: Ints | None = None) -> Self:
        """Learn from `values` (n, f) float32; `target` is not used."""
        if not 0 < self.q < 1:
            raise BadOption(f"q lies between 0 and 1, exclusive, not {self.q}", option="q")
        check_cuts(self.cuts)
        values = checked_values(values)
        wanted = (
            [self.q] if self.cuts == 1 else 0.3 + 0.65 * (np.arange(self.cuts) + 0.5) / self.cuts
        )
        # searchsorted and not ceil(q * n), whose rounding may land one image too high
        shares = np.arange(1, len(values) + 1) / len(values)
        ranks = np.searchsorted(shares, wanted)
        thresholds = np.partition(values, np.unique(ranks), axis=0)[ranks]
        self.thresholds_ = thresholds[0] if self.cuts == 1 else thresholds
        return self


class InfoGainThreshold:
    """The cut of each feature that tells most about the target class.

    Cuts lie between different neighbours v < v' of the sorted values; the one with the
    least n_left * H(left) + n_right * H(right) is taken, H being the entropy of the target
    (Fayyad and Irani, https://ijcai.org/Proceedings/93-2/Papers/022.pdf); costs within
    1e-12 bits per image are a tie, won by the smallest cut.  The threshold is (v + v') / 2
    as float32, or v where that equals v'.  Several cuts are found one by one: the next is the
    best cut of that part, between the cuts there are, whose cut saves most.
    """

    thresholds_: Floats

    def __init__(self, cuts: int = 1) -> None:
        self.cuts = cuts

    def fit(self, values: Floats, target: Ints | None = None) -> Self:
        """Learn from `values` (n, f) float32 and `target` (n,) class indices."""
        check_cuts(self.cuts)
        values = checked_values(values)
        if target is None:
            raise BadOption("the info_gain threshold needs a target class for every image")
        target = checked_target(target, len(values))
        classes, codes = np.unique(target, return_inverse=True)
        # few bits let numpy sort the classes by radix
        codes = codes.astype(np.uint16 if len(classes) < 1 << 16 else np.int64)
        costs = _EntropyTable(codes)
        columns = np.ascontiguousarray(values.T)
        if self.cuts == 1:
            best = [costs.best_cut(column)[0] for column in columns]
            self.thresholds_ = np.array(best, np.float32)
        else:
            several = [_several_cuts(column, codes, self.cuts) for column in columns]
            self.thresholds_ = np.array(several, np.float32).T
        return self


THRESHOLDERS: dict[str, type[Thresholder]] = {
    "mean": MeanThreshold,
    "mean_std": MeanStdThreshold,
    "quantile": QuantileThreshold,
    "info_gain": InfoGainThreshold,
}


class _EntropyTable:
    """Costs of all cuts of a column at once, in whole numbers.

    n * H of a group with class counts k is n log n - sum of k log k, and moving one image of
    a class across the cut changes one k by one: with k log k tabulated as integers, cumulative
    sums give every cut's cost exactly, whatever the number of classes.
    """

    def __init__(self, codes: npt.NDArray[np.integer]) -> None:
        self._codes = codes
        n = len(codes)
        counts = np.bincount(codes)
        self._starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
        k = np.arange(n + 1, dtype=np.float64)
        bits = k * np.log2(np.maximum(k, 1))
        self._scale = scale = 2.0 ** (61 - np.ceil(np.log2(bits[-1] + 1)))
        self._table = np.rint(bits * scale).astype(np.int64)
        self._tie = int(1e-12 * n * scale)
        self._whole = int(self._table[counts].sum())
        step = np.diff(self._table)
        # what the r-th image of its class adds to sum k log k on the left, less what it takes
        # away on the right, for images grouped by class
        rank = np.arange(n) - np.repeat(self._starts, counts)
        self._step = step[rank] - step[np.repeat(counts, counts) - rank - 1]

    def best_cut(self, column: Floats) -> tuple[np.float32, float]:
        """The cut, and how many bits it saves over all images; a constant column saves 0."""
        order = np.argsort(column)
        ascending = column[order]
        cuts = np.flatnonzero(ascending[1:] != ascending[:-1])
        if len(cuts) == 0:
            return np.float32(ascending[0]), 0.0
        steps = np.empty(len(column), dtype=np.int64)
        steps[np.argsort(self._codes[order], kind="stable")] = self._step
        known = self._whole + np.cumsum(steps)[cuts]
        cost = self._table[cuts + 1] + self._table[len(column) - 1 - cuts] - known
        cut = cuts[np.argmax(cost <= cost.min() + self._tie)]
        low, high = ascending[cut], ascending[cut + 1]
        middle = np.float32((float(low) + float(high)) / 2)
        saved = int(self._table[len(column)]) - self._whole - int(cost.min())
        return np.float32(low) if middle == high else middle, saved / self._scale


def _several_cuts(column: Floats, codes: npt.NDArray[np.integer], cuts: int) -> list[np.float32]:
    """Rising; the last one repeated where there are fewer."""
    parts = [_Part(column, codes)]
    found: list[np.float32] = []
    while len(found) < cuts:
        part = max(parts, key=lambda one: one.saved)
        if found and part.saved <= 0:
            break
        found.append(part.cut)
        above = part.column > part.cut
        parts.remove(part)
        parts += [_Part(part.column[side], part.codes[side]) for side in (~above, above)]
    found.sort()
    return found + [found[-1]] * (cuts - len(found))


class _Part:
    """Images between two cuts, and the best cut of them."""

    def __init__(self, column: Floats, codes: npt.NDArray[np.integer]) -> None:
        self.column = column
        self.codes = codes
        if len(column) == 0:
            self.cut, self.saved = np.float32(np.inf), 0.0
            return
        own = np.unique(codes, return_inverse=True)[1]
        self.cut, self.saved = _EntropyTable(own.astype(codes.dtype)).best_cut(column)


def check_cuts(cuts: int) -> None:
    """Refuse a number of thresholds per feature that is none. Raises BadOption."""
    if not isinstance(cuts, int) or cuts < 1:
        raise BadOption(
            f"a feature has a whole number of cuts from 1, not {cuts!r}", option="cuts", value=cuts
        )


def deviations(values: Floats) -> Doubles:
    """Return the standard deviation (ddof 0) of each column of `values` (n, f), in float64."""
    spread: Doubles = np.std(values, axis=0, dtype=np.float64)
    return spread


def checked_values(values: Floats) -> Floats:
    """Return `values` as float32 if they are a table (n, f) of finite numbers, n >= 1."""
    array = np.asarray(values)
    if array.ndim != 2 or len(array) == 0 or not np.issubdtype(array.dtype, np.floating):
        raise BadTensor(
            "training values are a floating table of shape (images, features) with at least one "
            f"image, not {array.dtype} of shape {array.shape}"
        )
    table: Floats = array.astype(np.float32, copy=False)
    if not np.isfinite(table).all():
        image, feature = np.argwhere(~np.isfinite(table))[0]
        raise BadTensor(
            f"value {table[image, feature]} of image {image}, feature {feature} is not finite; "
            "thresholds can be fitted on finite values only"
        )
    return table


def checked_target(target: Ints, images: int) -> Ints:
    """Return `target` if it holds one class index per image."""
    array = np.asarray(target)
    if array.shape != (images,) or not np.issubdtype(array.dtype, np.integer):
        raise BadTensor(
            f"the target holds one class index for each of {images} images, shape ({images},); "
            f"got {array.dtype} of shape {array.shape}"
        )
    return array.astype(np.int64, copy=False)
