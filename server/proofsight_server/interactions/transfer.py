"""Whether primitives that some networks share explain a network that was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from proofsight_server.errors import BadOption
from proofsight_server.interactions.joint import Interactions
from proofsight_server.interactions.masks import Doubles, orders, regions_of
from proofsight_server.interactions.primitive import (
    Primitive,
    effects_of,
    primitives_at,
    ranking,
)
from proofsight_server.interactions.refit import refit


@dataclass(frozen=True, slots=True)
class Transfer:
    """R² over all masks of a network's table, its effects refitted on given primitives.

    Attributes
    ----------
    r2
        On the primitives of the other networks.
    random
        On random primitives of the same kinds and orders, one for each draw.
    own
        On as many of the network's own largest primitives.
    """

    r2: float
    random: tuple[float, ...]
    own: float


def transfer(
    table: Doubles,
    primitives: Sequence[Primitive],
    own: Interactions,
    rng: np.random.Generator,
    *,
    draws: int = 20,
) -> Transfer:
    """Refit primitives of other networks to a network, beside random ones and its own.

    Parameters
    ----------
    table
        (2^n,), the scores of the network that was left out.
    primitives
        What the others share.
    own
        The network's own interactions, extracted from `table` alone.
    draws
        Random sets, from 1.

    Raises
    ------
    BadOption
        For no draws.
    """
    if draws < 1:
        raise BadOption(f"transfer is compared with 1 random set or more, not {draws}")
    regions = regions_of(len(table))
    mine = primitives_at(ranking(effects_of(own)[0])[: len(primitives)], regions)
    sets = [_random_like(primitives, regions, rng) for _ in range(draws)]
    return Transfer(
        r2=refit(table, primitives).r2,
        random=tuple(refit(table, drawn).r2 for drawn in sets),
        own=refit(table, mine).r2,
    )


def _random_like(
    primitives: Sequence[Primitive], regions: int, rng: np.random.Generator
) -> list[Primitive]:
    """Different primitives, as many of each kind and order as are given."""
    sizes = orders(regions)
    counts: dict[tuple[str, int], int] = {}
    for primitive in primitives:
        key = primitive.kind, primitive.order
        counts[key] = counts.get(key, 0) + 1
    drawn = []
    for (kind, order), count in counts.items():
        masks = rng.choice(np.flatnonzero(sizes == order), count, replace=False)
        drawn += [Primitive("and" if kind == "and" else "or", int(mask)) for mask in masks]
    return drawn
