"""Where to cut a feature in two: strategies that fit one threshold per feature."""

from __future__ import annotations

from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.symbols.feature import Floats, Ints

Doubles = npt.NDArray[np.float64]


class Thresholder(Protocol):
    """A strategy for thresholds: an estimator whose `fit` learns `thresholds_`.

    `thresholds_` has shape (f,) float32; a feature is active where its value is greater,
    strictly.  The threshold of a constant column is its value, so that it is never active.
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
    """The smallest observed value v with share(values <= v) >= q."""

    thresholds_: Floats

    def __init__(self, q: float = 0.5) -> None:
        self.q = q

    def fit(self, values: Floats, target: Ints | None = None) -> Self:
        """Learn from `values` (n, f) float32; `target` is not used."""
        if not 0 < self.q < 1:
            raise BadOption(f"q lies between 0 and 1, exclusive, not {self.q}", option="q")
        values = checked_values(values)
        # searchsorted and not ceil(q * n), whose rounding may land one image too high
        shares = np.arange(1, len(values) + 1) / len(values)
        rank = int(np.searchsorted(shares, self.q))
        self.thresholds_ = np.partition(values, rank, axis=0)[rank]
        return self


class InfoGainThreshold:
    """The cut of each feature that tells most about the target class.

    Cuts lie between different neighbours v < v' of the sorted values; the one with the
    least n_left * H(left) + n_right * H(right) is taken, H being the entropy of the target
    (Fayyad and Irani, https://ijcai.org/Proceedings/93-2/Papers/022.pdf); costs within
    1e-12 bits per image are a tie, won by the smallest cut.  The threshold is (v + v') / 2
    as float32, or v where that equals v'.
    """

    thresholds_: Floats

    def fit(self, values: Floats, target: Ints | None = None) -> Self:
        """Learn from `values` (n, f) float32 and `target` (n,) class indices."""
        values = checked_values(values)
        if target is None:
            raise BadOption("the info_gain threshold needs a target class for every image")
        target = checked_target(target, len(values))
        classes, codes = np.unique(target, return_inverse=True)
        # few bits let numpy sort the classes by radix
        codes = codes.astype(np.uint16 if len(classes) < 1 << 16 else np.int64)
        costs = _EntropyTable(codes)
        columns = np.ascontiguousarray(values.T)
        self.thresholds_ = np.array([costs.best_cut(column) for column in columns], np.float32)
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
        scale = 2.0 ** (61 - np.ceil(np.log2(bits[-1] + 1)))
        self._table = np.rint(bits * scale).astype(np.int64)
        self._tie = int(1e-12 * n * scale)
        self._whole = int(self._table[counts].sum())
        step = np.diff(self._table)
        # what the r-th image of its class adds to sum k log k on the left, less what it takes
        # away on the right, for images grouped by class
        rank = np.arange(n) - np.repeat(self._starts, counts)
        self._step = step[rank] - step[np.repeat(counts, counts) - rank - 1]

    def best_cut(self, column: Floats) -> np.float32:
        order = np.argsort(column)
        ascending = column[order]
        cuts = np.flatnonzero(ascending[1:] != ascending[:-1])
        if len(cuts) == 0:
            return np.float32(ascending[0])
        steps = np.empty(len(column), dtype=np.int64)
        steps[np.argsort(self._codes[order], kind="stable")] = self._step
        known = self._whole + np.cumsum(steps)[cuts]
        cost = self._table[cuts + 1] + self._table[len(column) - 1 - cuts] - known
        cut = cuts[np.argmax(cost <= cost.min() + self._tie)]
        low, high = ascending[cut], ascending[cut + 1]
        middle = np.float32((float(low) + float(high)) / 2)
        return np.float32(low) if middle == high else middle


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
