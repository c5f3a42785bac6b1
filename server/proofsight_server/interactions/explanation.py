"""What is told of one network's table: a set of primitives and how exact its sum is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from proofsight_server.errors import BadOption
from proofsight_server.interactions.joint import Interactions
from proofsight_server.interactions.masks import Doubles
from proofsight_server.interactions.primitive import effects_of, primitives_at, ranking
from proofsight_server.interactions.refit import Refit, r_squared
from proofsight_server.interactions.selection import Target, select

Mode = Literal["lossless", "compact"]

MOST_LOSSLESS: Final = 8  # regions: 2^(n+1) primitives
_NOTHING: Final = 1e-12  # of the largest effect: rounding


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """A network's primitives, the largest first, and whether they met what was asked for.

    `compact` is a chosen few with refitted effects; `lossless` is every effect, and exact.
    """

    mode: Mode
    sum: Refit
    met: bool


def compact(
    table: Doubles,
    interactions: Interactions,
    network: int,
    target: Target,
    *,
    method: str = "prune",
    fit: str = "least_squares",
) -> Explanation:
    """Few primitives, see `select`. `table`: (2^n,), row `network` of those extracted from."""
    found = select(table, effects_of(interactions)[network], target, method=method, fit=fit)
    order = np.argsort(-np.abs(found.effects), kind="stable")
    ordered = Refit(
        tuple(found.primitives[place] for place in order),
        found.effects[order],
        found.bias,
        found.residual,
        found.r2,
    )
    return Explanation("compact", ordered, target.met(ordered))


def check_lossless(regions: int, box: float) -> None:
    """Refuse more than 8 regions, and a box, within which effects are not exact."""
    if regions > MOST_LOSSLESS:
        raise BadOption(
            f"lossless explanations are of at most {MOST_LOSSLESS} regions, not {regions}: nobody "
            "reads more primitives; take a compact one"
        )
    if box:
        raise BadOption(f"effects within a box of {box:g} are not exact; extract with box 0")


def lossless(table: Doubles, interactions: Interactions, network: int) -> Explanation:
    """Every effect that is not 0.

    Raises
    ------
    BadOption
        For more than 8 regions, and effects extracted within a box, which are not exact.
    """
    check_lossless(interactions.regions, interactions.box)
    effects = effects_of(interactions)[network]
    ranked = ranking(effects)
    places = ranked[np.abs(effects[ranked]) > _NOTHING * np.abs(effects).max()]
    residual = np.atleast_2d(interactions.residual)[network]
    whole = Refit(
        primitives_at(places, interactions.regions),
        effects[places],
        float(table[0]),
        residual,
        r_squared(table, residual),
    )
    return Explanation("lossless", whole, True)
