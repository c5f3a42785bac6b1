"""Minimises the joint loss over splits: ADMM with exact steps, stopped by a duality gap.

Source: Boyd et al., https://doi.org/10.1561/2200000016 (§3.4: over-relaxation, balancing).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from proofsight_server.interactions.masks import Doubles
from proofsight_server.interactions.objective import Objective

_RELAXATION: Final = 1.6
_EVERY: Final = 25  # steps between two looks at the gap
_IMBALANCE: Final = 5.0  # of the two residuals, from which the penalty is changed
_PENALTY: Final = 30.0  # of normalised scores: thresholds of a few per cent of their span


class Split(Protocol):
    """Which effects are possible.

    A point is effects (2, m, 2^n), which the objective pulls at, and perhaps further blocks.
    """

    def start(self, rng: np.random.Generator | None) -> Doubles:
        """A possible point; a random one with `rng`."""

    def nearest(self, point: Doubles) -> Doubles:
        """The possible point nearest to one, further blocks free."""

    def clipped(self, extra: Doubles) -> Doubles:
        """Further blocks, within their bounds."""

    def effects(self, point: Doubles) -> Doubles:
        """Possible effects near a point that `nearest` gave, further blocks within bounds."""

    def bound(self, duals: Doubles) -> tuple[Doubles, float]:
        """Duals y of effects, near those given, and w, with f ≥ w / gauge(y) everywhere."""


@dataclass(frozen=True, slots=True, eq=False)
class Minimum:
    """Possible effects (2, m, 2^n), their loss, and a proven lower bound of every loss."""

    effects: Doubles
    value: float
    lower: float
    steps: int


def minimise(
    split: Split,
    objective: Objective,
    *,
    gap: float,
    max_steps: int,
    rng: np.random.Generator | None = None,
) -> Minimum:
    """The split of least loss to a relative duality gap, or the best of `max_steps` steps."""
    target = split.start(rng)
    dual = np.zeros_like(target)
    effects = split.effects(target)
    best = Minimum(effects, objective.value(effects), 0.0, 0)
    penalty = _PENALTY
    for step in range(1, max_steps + 1):
        point = split.nearest(target - dual)
        ahead = _RELAXATION * point + (1 - _RELAXATION) * target + dual
        before, target = target, _pulled(split, objective, ahead, 1 / penalty)
        dual = ahead - target
        if step % _EVERY and step < max_steps:
            continue
        best = _better(best, split, objective, point, penalty * dual, step)
        if best.value - best.lower <= gap * best.value:
            break
        if step < max_steps / 2:
            change = _balance(point - target, penalty * (target - before))
            penalty, dual = penalty * change, dual / change
    return best


def _pulled(split: Split, objective: Objective, point: Doubles, step: float) -> Doubles:
    return np.concatenate([objective.prox(point[:2], step), split.clipped(point[2:])])


def _better(
    best: Minimum, split: Split, objective: Objective, point: Doubles, duals: Doubles, step: int
) -> Minimum:
    """The better of two minima with the better of two lower bounds."""
    effects = split.effects(point)
    value = objective.value(effects)
    feasible, worth = split.bound(duals[:2])
    gauge = objective.gauge(feasible)
    lower = max(best.lower, worth / gauge if gauge else 0.0)
    if value < best.value:
        return Minimum(effects, value, lower, step)
    return Minimum(best.effects, best.value, lower, step)


def _balance(primal: Doubles, dual: Doubles) -> float:
    """What to multiply the penalty with, so that both residuals shrink alike."""
    ratio = float(np.linalg.norm(primal)), float(np.linalg.norm(dual))
    if ratio[0] > _IMBALANCE * ratio[1]:
        return 2.0
    return 0.5 if ratio[1] > _IMBALANCE * ratio[0] else 1.0
