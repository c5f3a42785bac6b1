"""What networks have in common: overlaps of their primitives, each beside its chance level.

Sets that are dense overlap by chance, and the matching of scores is an identity that holds for
any function: neither is evidence that networks agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.interactions.joint import Interactions
from proofsight_server.interactions.masks import Doubles, orders
from proofsight_server.interactions.primitive import (
    KINDS,
    Kind,
    Primitive,
    candidates,
    effects_of,
    primitives_at,
    ranking,
    salient,
)
from proofsight_server.interactions.refit import Refit, refit
from proofsight_server.symbols.feature import Bools, Ints


@dataclass(frozen=True, slots=True)
class Overlap:
    """How sets of m networks overlap, over `candidates` primitives that could have been in them.

    Attributes
    ----------
    sizes
        (m,) primitives of each network.
    shared
        How many are in all of them.
    share, chance
        (m,) shared / size, and what it is for independent random sets of these sizes.
    corrected
        (m,) (share − chance) / (1 − chance): 0 by chance, 1 where all are shared.
    iou, iou_chance
        Intersection over union of all networks, and for random sets (of the expectations).
    """

    candidates: int
    sizes: tuple[int, ...]
    shared: int
    share: tuple[float, ...]
    chance: tuple[float, ...]
    corrected: tuple[float, ...]
    iou: float
    iou_chance: float


@dataclass(frozen=True, slots=True, eq=False)
class Sharing:
    """The figures of one image.

    Attributes
    ----------
    overlap, by_kind
        Of all salient primitives, and of the ANDs and ORs apart.
    shared
        The primitives of all networks, the largest first.
    specific
        (m,) of each network, those that no other network has.
    same_sign, same_sign_chance
        Share of the shared ones whose effects have one sign, and what it is for signs drawn as
        often positive as in each network's set; None where none is shared.
    weighted_iou
        Σ min / Σ max over all primitives of the positive and negative parts of normalised effects.
    orders_all, orders_shared
        (m, 2, n + 1): sums of positive and of negative effects by order.
    refits
        (m,) each network's table refitted on the shared primitives alone.
    """

    overlap: Overlap
    by_kind: dict[Kind, Overlap]
    shared: tuple[Primitive, ...]
    specific: tuple[tuple[Primitive, ...], ...]
    same_sign: float | None
    same_sign_chance: float | None
    weighted_iou: float
    orders_all: Doubles
    orders_shared: Doubles
    refits: tuple[Refit, ...]


def sharing(
    tables: Doubles,
    interactions: Interactions | Sequence[Interactions],
    *,
    top: int | None = None,
    share: float = 0.05,
) -> Sharing:
    """Measure what networks have in common on one image.

    Parameters
    ----------
    tables
        (m, 2^n) as they were given to `extract`, m ≥ 2.
    interactions
        Of all networks jointly, or one of each network that was extracted by itself.
    top
        Takes each network's `top` largest effects as salient,
    share
        or else those above this share of the network's largest.

    Raises
    ------
    BadTensor
        For one network only, or tables that are not those of the interactions.
    BadOption
        For `top` below 1, or a share outside 0..1.
    """
    effects, scales = _gathered(tables, interactions)
    if top is not None and top < 1:
        raise BadOption(f"top is a number of primitives from 1, not {top}")
    sets = [ranking(row)[:top] if top else salient(row, share=share) for row in effects]
    regions = tables.shape[1].bit_length() - 1
    member = membership(sets, effects.shape[1])
    common = member.all(axis=0)
    sizes = (np.abs(effects) / scales[:, None]).sum(axis=0)
    shared = np.flatnonzero(common)
    shared = shared[np.argsort(-sizes[shared], kind="stable")]
    named = primitives_at(shared, regions)
    alone = member & (member.sum(axis=0) == 1)
    agreeing = np.abs(np.sign(effects[:, shared]).sum(axis=0)) == len(effects)
    half = 1 << regions
    return Sharing(
        overlap=overlap(member, candidates(regions)),
        by_kind={
            kind: overlap(part, half - 1 if kind == "and" else half - 1 - regions)
            for kind, part in zip(KINDS, (member[:, :half], member[:, half:]), strict=True)
        },
        shared=named,
        specific=tuple(primitives_at(np.flatnonzero(row), regions) for row in alone),
        same_sign=float(agreeing.mean()) if len(shared) else None,
        same_sign_chance=_sign_chance(effects, member) if len(shared) else None,
        weighted_iou=_weighted_iou(effects / scales[:, None]),
        orders_all=order_profile(effects),
        orders_shared=order_profile(effects * common),
        refits=tuple(refit(table, named) for table in tables),
    )


def overlap(member: Bools, count: int) -> Overlap:
    """How sets overlap. `member`: (m, …) whether each candidate is in each; `count` candidates."""
    sizes = member.sum(axis=1)
    shared, union = int(member.all(axis=0).sum()), int(member.any(axis=0).sum())
    rates = sizes / count
    chances = [float(np.delete(rates, network).prod()) for network in range(len(sizes))]
    shares = [shared / size if size else 0.0 for size in sizes]
    either = 1 - float((1 - rates).prod())
    return Overlap(
        candidates=count,
        sizes=tuple(int(size) for size in sizes),
        shared=shared,
        share=tuple(shares),
        chance=tuple(chances),
        corrected=tuple(
            (found - chance) / (1 - chance) if chance < 1 else 1.0
            for found, chance in zip(shares, chances, strict=True)
        ),
        iou=shared / union if union else 0.0,
        iou_chance=float(rates.prod()) / either if either else 0.0,
    )


def membership(sets: Sequence[Ints], length: int) -> Bools:
    """Whether each of `length` places is in each set. Shape (m, length)."""
    member = np.zeros((len(sets), length), dtype=np.bool_)
    for row, places in zip(member, sets, strict=True):
        row[places] = True
    return member


def order_profile(effects: Doubles) -> Doubles:
    """Sums of positive and of negative effects by order. Shapes (m, 2 · 2^n) to (m, 2, n + 1)."""
    regions = effects.shape[1].bit_length() - 2
    sizes = np.tile(orders(regions), 2)
    return np.array(
        [
            [
                np.bincount(sizes, np.maximum(sign * row, 0), regions + 1) * sign
                for sign in (1.0, -1.0)
            ]
            for row in effects
        ]
    )


def agreement(one: Interactions, other: Interactions, *, top: int = 100) -> tuple[float, ...]:
    """Share of each network's `top` largest primitives that two extractions both have."""
    return tuple(
        len(np.intersect1d(ranking(mine)[:top], ranking(theirs)[:top])) / len(ranking(mine)[:top])
        for mine, theirs in zip(effects_of(one), effects_of(other), strict=True)
    )


def _gathered(
    tables: Doubles, interactions: Interactions | Sequence[Interactions]
) -> tuple[Doubles, Doubles]:
    """Effects (m, 2 · 2^n) and scales (m,) of joint or separate extractions."""
    parts = [interactions] if isinstance(interactions, Interactions) else list(interactions)
    effects = np.concatenate([effects_of(part) for part in parts])
    scales = np.concatenate([part.scales for part in parts])
    if tables.ndim != 2 or len(tables) < 2:
        raise BadTensor(f"sharing takes two networks or more; tables have shape {tables.shape}")
    if effects.shape != (len(tables), 2 * tables.shape[1]):
        raise BadTensor(
            f"interactions are of {len(effects)} networks and tables of shape {tables.shape}; give "
            "the tables that they were extracted from"
        )
    return effects, scales


def _sign_chance(effects: Doubles, member: Bools) -> float:
    positive = np.array([(row[mine] > 0).mean() for row, mine in zip(effects, member, strict=True)])
    return float(positive.prod() + (1 - positive).prod())


def _weighted_iou(effects: Doubles) -> float:
    parts = np.concatenate([np.maximum(effects, 0), np.maximum(-effects, 0)], axis=1)
    union = float(parts.max(axis=0).sum())
    return float(parts.min(axis=0).sum()) / union if union else 0.0
