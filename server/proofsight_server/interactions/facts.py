"""Interactions as whole numbers, which a proof can add up: effects, bias, and a bound that holds.

Rounding moves a sum by at most half a unit per effect; the bound is measured afterwards, over all
masks and in whole numbers, so that it covers the rounding too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from proofsight_server.errors import BadOption
from proofsight_server.interactions.masks import Doubles
from proofsight_server.interactions.primitive import KINDS, Primitive
from proofsight_server.interactions.refit import Refit
from proofsight_server.interactions.transforms import from_effects
from proofsight_server.symbols.feature import Ints

UNIT: Final = 1_000_000  # per log-odds
_LARGEST: Final = 1e9  # log-odds, so that sums are exact in 64 bits


@dataclass(frozen=True, slots=True, eq=False)
class NetworkFacts:
    """What is stated of one network's score, in millionths of its unit.

    Attributes
    ----------
    network
        Its name.
    bias
        The score with nothing kept.
    effects
        One per primitive, the largest first.
    bound
        No mask's sum is farther than this from the network's score.
    shared_bound
        The same of the bias and the primitives that all networks share, alone.
    scores
        (2^n,) int64: the network's own scores.
    """

    network: str
    bias: int
    effects: tuple[tuple[Primitive, int], ...]
    bound: int
    shared_bound: int
    scores: Ints

    def sums(self, shared: frozenset[Primitive] | None = None) -> Ints:
        """(2^n,) int64: bias and effects that fire, of all primitives or of `shared` alone."""
        chosen = [(p, e) for p, e in self.effects if shared is None or p in shared]
        return _sums(self.bias, chosen, len(self.scores))


@dataclass(frozen=True, slots=True)
class SharedPrimitive:
    """A primitive that two networks or more have, and whether its effects have one sign."""

    primitive: Primitive
    networks: tuple[str, ...]
    same_sign: bool


def shared_by(networks: Sequence[NetworkFacts]) -> tuple[SharedPrimitive, ...]:
    """The primitives of two networks or more, those of most networks and largest effects first."""
    effects: dict[Primitive, dict[str, int]] = {}
    for facts in networks:
        for primitive, effect in facts.effects:
            effects.setdefault(primitive, {})[facts.network] = effect
    several = {one: found for one, found in effects.items() if len(found) > 1}
    ranked = sorted(
        several, key=lambda p: (-len(several[p]), -sum(map(abs, several[p].values())), p)
    )
    return tuple(
        SharedPrimitive(
            one,
            tuple(several[one]),
            len({effect > 0 for effect in several[one].values()}) == 1,
        )
        for one in ranked
    )


def rounded_effects(found: Refit) -> tuple[tuple[Primitive, int], ...]:
    """Primitives and their effects in whole numbers, the largest first; those of 0 are dropped."""
    rounded = [
        (primitive, round(float(effect) * UNIT))
        for primitive, effect in zip(found.primitives, found.effects, strict=True)
    ]
    return tuple(
        sorted(((p, e) for p, e in rounded if e), key=lambda pair: (-abs(pair[1]), pair[0]))
    )


def quantised(
    network: str, table: Doubles, found: Refit, shared: frozenset[Primitive]
) -> NetworkFacts:
    """The facts of one network.

    Parameters
    ----------
    table
        (2^n,) its scores.
    found
        The primitives that are told of it, with their effects.
    shared
        Those that all networks have, none of whose `rounded_effects` is 0.

    Raises
    ------
    BadOption
        A score is above 1e9, which is no logit.
    """
    if np.abs(table).max() > _LARGEST:
        raise BadOption(
            f"{network}: a score of {np.abs(table).max():.3g} is too large to be a logit; facts "
            f"hold up to {_LARGEST:g}"
        )
    scores = np.rint(table * UNIT).astype(np.int64)
    bias = int(scores[0])
    effects = rounded_effects(found)
    common = [(p, e) for p, e in effects if p in shared]
    return NetworkFacts(
        network,
        bias,
        effects,
        int(np.abs(scores - _sums(bias, effects, len(scores))).max()),
        int(np.abs(scores - _sums(bias, common, len(scores))).max()),
        scores,
    )


def _sums(bias: int, effects: Sequence[tuple[Primitive, int]], masks: int) -> Ints:
    rows = np.zeros((2, masks), dtype=np.int64)
    for primitive, effect in effects:
        rows[KINDS.index(primitive.kind), primitive.mask] += effect
    sums: Ints = from_effects(rows[0], rows[1]).astype(np.int64) + bias
    return sums
