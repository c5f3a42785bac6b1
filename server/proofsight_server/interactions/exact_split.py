"""Splits v = v_and + v_or without noise: the effects they have, and the nearest of them.

With v_and = ½v + γ and v_or = ½v − γ the effects are z = c + Kγ, K = [A; −B], for a free γ.  A
and B are the matrices of the AND and OR transforms.  H = KᵀK needs no factorisation: V
diagonalises AᵀA and BᵀB, which are powers of 2 × 2 matrices but for two entries of BᵀB, so that
VᵀHV = I + Λ + Vᵀ(e_∅e_∅ᵀ − e_Ne_Nᵀ)V, Λ_S = φ^{2(n−2|S|)} with the golden ratio φ.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from proofsight_server.interactions.masks import Doubles, orders
from proofsight_server.interactions.tensor_product import tensor_power
from proofsight_server.interactions.transforms import and_effects, or_effects

# powers of these are A, and −B but for the entry ∅: an OR is an AND of the masks' complements
AND_STEP: Final = np.array([[1.0, 0.0], [-1.0, 1.0]])
OR_STEP: Final = AND_STEP[:, ::-1]
_SQUARED: Final = (3 + 5**0.5) / 2  # φ²
_BASIS: Final = np.array([[1.0, 1.0], [_SQUARED, 1 / _SQUARED]]) / np.sqrt(
    [1 + _SQUARED, 1 + 1 / _SQUARED]
)


class ExactSplit:
    """The effects that splits of tables can have.

    A point has shape (2, m, 2^n): AND and OR, networks, masks.

    Parameters
    ----------
    tables
        (m, 2^n), 0 for the mask ∅.
    """

    def __init__(self, tables: Doubles) -> None:
        regions = tables.shape[-1].bit_length() - 1
        self._middle = np.stack([and_effects(tables / 2), or_effects(tables / 2)])
        self._and = tensor_power(AND_STEP @ _BASIS, regions)
        self._or = tensor_power(OR_STEP @ _BASIS, regions)
        self._and_adjoint, self._or_adjoint = self._and.adjoint, self._or.adjoint
        self._ends = _ends(regions)
        diagonal = 1 / (1 + _SQUARED ** (regions - 2.0 * orders(regions)))
        # Woodbury's identity for the two entries
        scaled = diagonal * self._ends
        small = np.linalg.inv(np.diag([1.0, -1.0]) + scaled @ self._ends.T)
        self._diagonal, self._correction = diagonal, small @ scaled

    def start(self, rng: np.random.Generator | None) -> Doubles:
        """The effects of equal halves, or of a random split."""
        if rng is None:
            return self._middle
        draw = rng.normal(size=self._middle.shape[1:])
        return self._middle + self._applied(draw * float(np.abs(self._middle).max()))

    def nearest(self, point: Doubles) -> Doubles:
        """The effects of some split that are nearest to a point."""
        return self._middle + self._within(point - self._middle)

    def clipped(self, extra: Doubles) -> Doubles:
        """A point is effects, and has no other blocks."""
        return extra

    def effects(self, point: Doubles) -> Doubles:
        """The effects of the split nearest to a point that `nearest` gave: the point."""
        return point

    def bound(self, duals: Doubles) -> tuple[Doubles, float]:
        """Duals y with Kᵀy = 0, near those given, and what they are worth: ⟨y, c⟩.

        f(effects) ≥ ⟨y, c⟩ / gauge(y) for every split.
        """
        feasible = duals - self._within(duals)
        return feasible, float((feasible * self._middle).sum())

    def _within(self, point: Doubles) -> Doubles:
        """The orthogonal projection on K's range."""
        ands, ors = point
        empty = ors[:, :1]
        rest = ors.copy()
        rest[:, 0] = 0
        slopes = self._and_adjoint(ands) + self._or_adjoint(rest) - empty * self._ends[0]
        return self._applied(self._solved(slopes))

    def _solved(self, slopes: Doubles) -> Doubles:
        scaled = slopes * self._diagonal
        solved: Doubles = scaled - (scaled @ self._ends.T) @ self._correction
        return solved

    def _applied(self, coefficients: Doubles) -> Doubles:
        """K of γ = V · coefficients."""
        image = np.stack([self._and(coefficients), self._or(coefficients)])
        image[1, :, 0] = -(coefficients @ self._ends[0])
        return image


def _ends(regions: int) -> Doubles:
    """Rows ∅ and N of V. Shape (2, 2^n)."""
    rows = np.ones((2, 1))
    for _ in range(regions):
        rows = (rows[:, :, None] * _BASIS[:, None, :]).reshape(2, -1)
    return rows
