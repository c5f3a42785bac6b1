"""Real inputs on a scale of 0 to 1: the range that each had on the images a method is fitted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proofsight_server.rules.threshold_unit import Reals
from proofsight_server.symbols.feature import Bools, Floats

_ROWS = 4096  # images widened to float64 at once


@dataclass(frozen=True, slots=True)
class InputRange:
    """Input i runs from `low[i]` to `high[i]`; its share is where in between a value lies.

    Both are (n,) float64.  An input with equal ends is constant, and its share is 0.
    """

    low: Reals
    high: Reals

    @classmethod
    def of(cls, values: Floats) -> InputRange:
        """The range of values (images, n), at least one image."""
        return cls(values.min(axis=0).astype(np.float64), values.max(axis=0).astype(np.float64))

    @property
    def width(self) -> Reals:
        """(n,) from the low end to the high end; 0 where an input is constant."""
        return self.high - self.low

    def scaled(self, weight: Reals, bias: Reals) -> tuple[Reals, Reals]:
        """Weights (units, n) and biases (units,) for shares instead of values: the same sums.

        A constant input keeps only its part of the bias.
        """
        return weight * self.width, bias + weight @ self.low

    def shares(self, values: Floats) -> Reals:
        """Values (images, n) as shares; below 0 or above 1 where they lie outside."""
        width = np.where(self.width > 0, self.width, 1.0)
        shares: Reals = (values.astype(np.float64) - self.low) / width
        return shares

    def mean_shares(self, values: Floats) -> Reals:
        """(n,) the mean share of each input over images (images, n)."""
        mean: Reals = self.shares(values.mean(axis=0, dtype=np.float64)[None])[0]
        return mean

    def thresholds(self, cut: float) -> Floats:
        """(n,) the values whose share is `cut`, rounded to float32 as all thresholds are."""
        at: Floats = (self.low + cut * self.width).astype(np.float32)
        return at

    def cuts(self, cut: float) -> Reals:
        """(n,) the shares of the rounded thresholds, within 0..1."""
        cuts: Reals = np.clip(self.shares(self.thresholds(cut)[None])[0], 0.0, 1.0)
        return cuts

    def outside(self, values: Floats) -> Bools:
        """Where values (images, n) lie outside the range."""
        beyond: Bools = (values < self.low) | (values > self.high)
        return beyond


def sums(weight: Reals, bias: Reals, values: Floats) -> NDArray[np.float64]:
    """The sums (images, units) of values (images, n), in float64, some images at a time."""
    total = np.empty((len(values), len(bias)))
    for start in range(0, len(values), _ROWS):
        total[start : start + _ROWS] = values[start : start + _ROWS].astype(np.float64) @ weight.T
    return total + bias
