"""Splits v_and + v_or = v + ε with |ε| within a box: the effects they have, and the nearest."""

from __future__ import annotations

from typing import Final

import numpy as np

from proofsight_server.interactions.exact_split import AND_STEP, ExactSplit
from proofsight_server.interactions.masks import Doubles
from proofsight_server.interactions.sum_projection import sum_projection
from proofsight_server.interactions.tensor_product import tensor_power
from proofsight_server.interactions.transforms import and_effects, or_effects, subset_sums

_SUM_WEIGHT: Final = 2.0  # κ: how stiffly sums are held to the box, beside effects to their prox


class BoxedSplit:
    """The effects that splits of tables can have, up to a noise box.

    A point has a third block, √κ · (v_and + v_or), which is clipped to the box.

    Parameters
    ----------
    tables
        (m, 2^n), 0 for the mask ∅.
    box
        (m,), the most that |ε| may be; ε is 0 for the mask ∅.
    """

    def __init__(self, tables: Doubles, box: Doubles) -> None:
        regions = tables.shape[-1].bit_length() - 1
        self._exact = ExactSplit(tables)
        self._tables = tables
        self._box = np.repeat(box[:, None], tables.shape[1], axis=1)
        self._box[:, 0] = 0
        self._scale = _SUM_WEIGHT**0.5
        self._least = self._scale * (tables - self._box)
        self._most = self._scale * (tables + self._box)
        self._projection = sum_projection(regions, len(tables), _SUM_WEIGHT)
        self._and_adjoint = tensor_power(AND_STEP.T, regions)

    def start(self, rng: np.random.Generator | None) -> Doubles:
        """The effects of equal halves, or of a random split, without noise."""
        return np.concatenate([self._exact.start(rng), self._scale * self._tables[None]])

    def nearest(self, point: Doubles) -> Doubles:
        """The point of some split that is nearest to a point, inside the box or not."""
        return self._projection(point)

    def clipped(self, extra: Doubles) -> Doubles:
        """The third block (1, m, 2^n), inside the box."""
        inside: Doubles = np.clip(extra, self._least, self._most)
        return inside

    def effects(self, point: Doubles) -> Doubles:
        """The effects of the split at a point, moved into the box by equal halves."""
        ands = subset_sums(point[0])
        sums = point[2] / self._scale
        moved = (point[2:] - self.clipped(point[2:]))[0] / (2 * self._scale)
        return np.stack([and_effects(ands - moved), or_effects(sums - ands - moved)])

    def bound(self, duals: Doubles) -> tuple[Doubles, float]:
        """Duals y with Kᵀy = 0, near those given, and what they are worth: ⟨s, v⟩ − Σ τ|s|.

        s = Aᵀy_and = Bᵀy_or.
        """
        feasible, worth = self._exact.bound(duals[:2])
        slopes = self._and_adjoint(feasible[0])
        return feasible, worth - float((self._box * np.abs(slopes)).sum())
