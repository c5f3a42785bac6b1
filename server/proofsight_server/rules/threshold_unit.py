"""A unit read as a threshold of literals: its normal form, one side at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.rules.real_array import real_array

Reals = NDArray[np.float64]
# Input i counts where it is 1 (True) or 0 (False).
Pair = tuple[int, bool]

# Sums of up to thousands of floats go wrong by less than this share of the sum of all weights.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Side:
    """Where a unit is on, or where it is off: the weights of the true literals reach `threshold`.

    `pairs` are the literals, one per input with a weight, by decreasing weight, ties by index;
    `weights` belong to them and are positive.  The rounding of sums is part of `threshold`, so
    that of every 0/1 input exactly one side is reached.
    """

    pairs: tuple[Pair, ...]
    weights: tuple[float, ...]
    threshold: float

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def least(self) -> int | None:
        """The fewest literals that reach the threshold; None where all together miss it."""
        total = 0.0
        if total >= self.threshold:
            return 0
        for count, weight in enumerate(self.weights, start=1):
            total += weight
            if total >= self.threshold:
                return count
        return None


@dataclass(frozen=True, slots=True)
class ThresholdUnit:
    """`bias + weights · x ≥ 0` over inputs x that are 0 or 1.

    Values within `tolerance` below 0 count as on, whatever the order of summation.
    """

    weights: tuple[float, ...]
    bias: float

    @classmethod
    def of(cls, weights: ArrayLike, bias: float) -> ThresholdUnit:
        """The unit of finite weights (n,) and a finite bias. Raises BadTensor for others."""
        array, constant = real_array(weights, "weights are"), real_array(bias, "a bias is")
        if array.ndim != 1:
            raise BadTensor(f"a unit has one weight per input, not weights of shape {array.shape}")
        if not np.isfinite(array).all():
            at = int(np.flatnonzero(~np.isfinite(array))[0])
            raise BadTensor(
                f"weight {at} is {array[at]}; an infinite or missing weight gives no formula, so "
                "train the network again or leave the unit out",
                weight=at,
            )
        if constant.shape or not np.isfinite(constant):
            raise BadTensor(f"the bias is {bias}; it is one finite number")
        unit = cls(tuple(array.tolist()), float(constant))
        if not np.isfinite(abs(unit.bias) + sum(map(abs, unit.weights))):
            raise BadTensor(
                "the weights and the bias add up to more than a double holds; divide them all by "
                "the same number, which changes no formula"
            )
        return unit

    @property
    def tolerance(self) -> float:
        """How far below 0 a value still counts as 0."""
        return _ROUNDING * sum(map(abs, self.weights))

    def values(self, inputs: NDArray[np.generic]) -> Reals:
        """`bias + weights · x` of inputs (images, n), (images,): the largest weight first."""
        total = np.full(len(inputs), self.bias)
        for at in _by_size(self.weights):
            total += self.weights[at] * inputs[:, at].astype(np.float64)
        return total

    def on(self, inputs: NDArray[np.generic]) -> NDArray[np.bool_]:
        """Whether the unit is on, (images,), for inputs (images, n) of 0 and 1, or in between."""
        reached: NDArray[np.bool_] = self.values(inputs) >= -self.tolerance
        return reached

    def side(self, *, on: bool, cuts: ArrayLike | None = None) -> Side:
        """The side where the unit is on, or off.

        Parameters
        ----------
        on
            Which of the two.
        cuts
            None: inputs are 0 or 1.  Else (n,) in 0..1: inputs lie anywhere in [0, 1], literal i
            says that x_i > cuts[i], and the side is reached only where it is for every such x.

        Raises
        ------
        BadOption
            The cuts are not one per input, or not within 0..1.
        """
        weights = np.array(self.weights)
        fixed = -(self.bias + weights[weights < 0].sum())  # to reach 0 from the worst input
        threshold = fixed - self.tolerance
        if not on:
            above = self.bias + weights[weights > 0].sum() + self.tolerance
            threshold = float(np.nextafter(above, np.inf))  # strictly more than that
        polarity = (weights > 0) == on
        if cuts is not None:
            shares = _checked(cuts, len(weights))
            # A true literal is certain to be on its side of the cut, and no further.
            weights = weights * np.where(polarity, shares, 1 - shares)
        order = [at for at in _by_size(weights.tolist()) if weights[at]]
        return Side(
            tuple((at, bool(polarity[at])) for at in order),
            tuple(abs(float(weights[at])) for at in order),
            float(threshold),
        )


def _by_size(weights: Sequence[float]) -> list[int]:
    return sorted(range(len(weights)), key=lambda at: -abs(weights[at]))


def _checked(cuts: ArrayLike, inputs: int) -> Reals:
    shares = np.broadcast_to(np.asarray(cuts, dtype=np.float64), (inputs,))
    if not ((shares >= 0) & (shares <= 1)).all():
        raise BadOption(
            f"cuts are shares of the range of an input, 0..1, not {cuts!r}", option="cut"
        )
    return shares
