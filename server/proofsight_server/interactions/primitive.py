"""Interaction primitives: an AND or an OR over some regions, and sets of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadOption
from proofsight_server.interactions.joint import Interactions
from proofsight_server.interactions.masks import Doubles, members, orders, regions_of
from proofsight_server.symbols.feature import Bools, Ints

Kind = Literal["and", "or"]
KINDS: tuple[Kind, Kind] = ("and", "or")


@dataclass(frozen=True, slots=True, order=True)
class Primitive:
    """Whether a mask keeps all regions of S (`and`), or any of them (`or`); S is `mask`, not ∅."""

    kind: Kind
    mask: int

    @property
    def order(self) -> int:
        """|S|."""
        return self.mask.bit_count()

    @property
    def regions(self) -> tuple[int, ...]:
        """S, ascending."""
        return tuple(members(self.mask))

    def fires(self, masks: npt.NDArray[np.integer]) -> Bools:
        """Whether it holds for each mask."""
        kept = masks & self.mask
        fires: Bools = kept == self.mask if self.kind == "and" else kept != 0
        return fires


def design(primitives: Sequence[Primitive], regions: int) -> Bools:
    """Which primitives fire for each mask. Shape (2^n, k)."""
    masks = np.arange(1 << regions)
    columns = [primitive.fires(masks) for primitive in primitives]
    return np.stack(columns, axis=1) if columns else np.zeros((len(masks), 0), dtype=np.bool_)


def effects_of(interactions: Interactions) -> Doubles:
    """Effects in the tables' units, AND before OR. Shape (m, 2 · 2^n)."""
    return np.concatenate(
        [np.atleast_2d(interactions.and_effects), np.atleast_2d(interactions.or_effects)], axis=1
    )


def candidates(regions: int) -> int:
    """How many primitives there are: ANDs of one region or more, and ORs of two or more."""
    return (2 << regions) - regions - 2


def ranking(effects: Doubles) -> Ints:
    """Places of primitives in effects (2 · 2^n,), the largest first; both ∅ are left out.

    Equal effects come by kind and mask, so that the ranking is the same everywhere.
    """
    half = len(effects) // 2
    ranked = np.argsort(-np.abs(effects), kind="stable")
    sizes = np.tile(orders(regions_of(half)), 2)
    proper = (sizes > 1) | ((sizes == 1) & (np.arange(len(effects)) < half))
    found: Ints = ranked[proper[ranked]].astype(np.int64)
    return found


def salient(effects: Doubles, *, share: float = 0.05) -> Ints:
    """Places of the effects (2 · 2^n,) above a share of the largest, the largest first.

    Raises
    ------
    BadOption
        For a share outside 0..1.
    """
    if not 0 <= share <= 1:
        raise BadOption(f"salient effects are above a share in 0..1 of the largest, not {share!r}")
    ranked = ranking(effects)
    sizes = np.abs(effects[ranked])
    found: Ints = ranked[sizes > share * sizes[0]]
    return found


def primitives_at(places: Iterable[int], regions: int) -> tuple[Primitive, ...]:
    """The primitives at places of effects (2 · 2^n,)."""
    return tuple(
        Primitive(KINDS[int(place) >> regions], int(place) & ((1 << regions) - 1))
        for place in places
    )
