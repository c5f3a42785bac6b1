"""Minimises the joint loss over splits: ADMM with exact steps, stopped by a duality gap.

Sources: Boyd et al., https://doi.org/10.1561/2200000016 (§3.4: over-relaxation, balancing);
Friedlander & Tseng, https://doi.org/10.1137/060675320 (curvature that does not move the optimum).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np

from proofsight_server.interactions.masks import Doubles
from proofsight_server.interactions.objective import Objective

_RELAXATION: Final = 1.6
_EVERY: Final = 25  # steps between two looks at the gap
_IMBALANCE: Final = 5.0  # of the two residuals, from which the penalty is changed
# of √gap: what the terms are worth that choose one of many optima, see _settled
_SLOPE: Final = 2.0
_CURVATURE: Final = 0.25
_STIFFNESS: Final = 0.5  # of loss / ‖effects‖²: the penalty while they choose
_STRENGTHS: Final = (1.0, 0.25, 0.0625)  # which they are tried with, until the gap is kept
_SETTLING: Final = 32.0  # of 1 / √gap: steps with each strength at most
_STILL: Final = 2e-5  # of the largest effect: effects that move by less have settled
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
    """Possible effects (2, m, 2^n), their loss, and a proven lower bound of every loss.

    `settled`: of the effects with such a loss, they are those that every start leads to.
    """

    effects: Doubles
    value: float
    lower: float
    steps: int
    settled: bool = False

    def within(self, gap: float) -> bool:
        """Whether the loss is proven to be so near the least, relatively."""
        return self.value - self.lower <= gap * self.value


def minimise(
    split: Split,
    objective: Objective,
    *,
    gap: float,
    max_steps: int,
    rng: np.random.Generator | None = None,
) -> Minimum:
    """The split of least loss to a relative duality gap, or the best of `max_steps` steps.

    Many splits may have that loss: A₁ + A₂ is as dear as AND₁₂ + OR₁₂.  Once half the gap is
    reached, or the steps that it takes are all that is left, the loss is tilted towards low orders
    and ANDs, and curved.  What is returned is the one minimum of that loss, to which every start
    leads; its loss without the two is within the gap.
    """
    state = _State(split, objective, rng)
    effects = split.effects(state.target)
    best = Minimum(effects, objective.value(effects), 0.0, 0)
    latest = max(max_steps // 2, max_steps - len(_STRENGTHS) * _longest(gap))
    while state.steps < latest and not best.within(gap / 2):
        best = _advanced(best, state, latest)
        if state.steps < max_steps / 2:
            state.balance()
    settled = _settled(best, copy.copy(state), gap, max_steps)
    state.steps = settled.steps
    while state.steps < max_steps and not (settled.within(gap) or best.within(gap)):
        best = _advanced(best, state, max_steps)
        settled = replace(settled, lower=best.lower)
    told = settled if settled.within(gap) or settled.value < best.value else best
    return replace(told, steps=state.steps)


class _State:
    """Where ADMM is: the target of the prox, the scaled dual, and the penalty between them."""

    def __init__(self, split: Split, objective: Objective, rng: np.random.Generator | None) -> None:
        self.split, self.objective = split, objective
        self.target = split.start(rng)
        self.point = self.before = self.target
        self.dual = np.zeros_like(self.target)
        self.penalty = _PENALTY
        self.curvature = 0.0
        self.steps = 0

    def advance(self, steps: int) -> None:
        """Take some steps."""
        for _ in range(steps):
            self.point = self.split.nearest(self.target - self.dual)
            ahead = _RELAXATION * self.point + (1 - _RELAXATION) * self.target + self.dual
            pulled = self.objective.prox(ahead[:2], 1 / self.penalty, self.curvature)
            self.before = self.target
            self.target = np.concatenate([pulled, self.split.clipped(ahead[2:])])
            self.dual = ahead - self.target
        self.steps += steps

    def balance(self) -> None:
        """Change the penalty so that both residuals shrink alike."""
        primal = float(np.linalg.norm(self.point - self.target))
        dual = self.penalty * float(np.linalg.norm(self.target - self.before))
        change = 1.0
        if primal > _IMBALANCE * dual:
            change = 2.0
        elif dual > _IMBALANCE * primal:
            change = 0.5
        self._set_penalty(self.penalty * change)

    def settle(self, share: float, most: int) -> bool:
        """Take steps with curvature, at most so many, until effects move no more: whether so.

        ½ curvature · ‖effects‖² is worth a share of the loss at the effects that are found: it
        depends on the tables, and not on where the search began.
        """
        last = self.steps + most
        while self.steps < last:
            before = self.target[:2]
            if not before.any():
                return True
            steepness = self.objective.value(before) / float((before**2).sum())
            self.curvature = 2 * share * steepness
            self._set_penalty(_STIFFNESS * steepness)
            self.advance(min(_EVERY, last - self.steps))
            moved = float(np.abs(self.target[:2] - before).max())
            if moved <= _STILL * float(np.abs(before).max()):
                return True
        return False

    def _set_penalty(self, penalty: float) -> None:
        self.penalty, self.dual = penalty, self.dual * (self.penalty / penalty)


def _longest(gap: float) -> int:
    """How many steps each strength may take to settle."""
    return int(_SETTLING / gap**0.5)


def _settled(best: Minimum, state: _State, gap: float, max_steps: int) -> Minimum:
    """The minimum of the tilted and curved loss, as much of both as the gap allows.

    Both terms raise the loss by about their square, so that they are as strong as √gap allows.
    """
    objective, settled = state.objective, best
    for strength in _STRENGTHS:
        chosen = strength * gap**0.5
        state.objective = objective.tilted(_SLOPE * chosen)
        steps = min(_longest(gap), max_steps - state.steps)
        still = state.settle(_CURVATURE * chosen, steps) or steps == _longest(gap)
        effects = state.split.effects(state.point)
        settled = Minimum(effects, objective.value(effects), best.lower, state.steps, still)
        if settled.within(gap):
            break
    return settled


def _advanced(best: Minimum, state: _State, last: int) -> Minimum:
    """The better of two minima with the better of two lower bounds, some steps later."""
    state.advance(min(_EVERY, last - state.steps))
    split, objective = state.split, state.objective
    effects = split.effects(state.point)
    value = objective.value(effects)
    feasible, worth = split.bound(state.penalty * state.dual[:2])
    gauge = objective.gauge(feasible)
    lower = max(best.lower, worth / gauge if gauge else 0.0)
    if value < best.value:
        return Minimum(effects, value, lower, state.steps)
    return Minimum(best.effects, best.value, lower, state.steps)
