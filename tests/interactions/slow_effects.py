"""Effects from their definitions, in rationals and with dense matrices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

import numpy as np
from scipy.optimize import linprog

from proofsight_server.interactions.masks import Doubles
from proofsight_server.interactions.primitive import KINDS, Primitive
from proofsight_server.symbols.feature import Ints


def subsets(mask: int) -> Iterator[int]:
    """All subsets of a mask, itself and ∅ included."""
    subset = mask
    while True:
        yield subset
        if not subset:
            return
        subset = (subset - 1) & mask


def slow_and(v: Sequence[Fraction]) -> list[Fraction]:
    """I_and(S) = Σ_{T⊆S} (−1)^{|S|−|T|} v(T)."""
    return [_alternating(v, mask, 0) for mask in range(len(v))]


def slow_or(v: Sequence[Fraction]) -> list[Fraction]:
    """I_or(S) = −Σ_{T⊆S} (−1)^{|S|−|T|} v(N−T), and v(∅) for ∅."""
    every = len(v) - 1
    return [v[0], *(-_alternating(v, mask, every) for mask in range(1, len(v)))]


def slow_scores(ands: Sequence[Fraction], ors: Sequence[Fraction]) -> list[Fraction]:
    """v(T) = Σ_{S⊆T} I_and(S) + I_or(∅) + Σ_{S∩T≠∅} I_or(S)."""
    return [
        sum((ands[s] for s in range(len(ands)) if s & t == s), ors[0])
        + sum(ors[s] for s in range(len(ors)) if s & t)
        for t in range(len(ands))
    ]


def dense(regions: int) -> tuple[Doubles, Doubles]:
    """The matrices A and B of the two transforms. Shapes (2^n, 2^n)."""
    units = [[Fraction(int(i == j)) for j in range(1 << regions)] for i in range(1 << regions)]
    ands = np.array([slow_and(unit) for unit in units], dtype=np.float64).T
    ors = np.array([slow_or(unit) for unit in units], dtype=np.float64).T
    return ands, ors


def slow_loss(
    ands: Doubles, ors: Doubles, scales: Doubles, of_maximum: float, of_sum: float
) -> float:
    """The joint loss of effects (m, 2^n), row by row."""
    total = 0.0
    for effects in (ands / scales[:, None], ors / scales[:, None]):
        for row in effects.T:
            total += of_maximum * max(abs(row)) + of_sum * sum(abs(row))
    return total


def least_loss(tables: Doubles, box: Doubles, of_maximum: float, of_sum: float) -> float:
    """The least joint loss of normalised tables (m, 2^n), by a linear program (HiGHS).

    Variables are v_and and v_or of each network, a bound of each effect, and one of each row;
    `box` (m,) bounds the noise of each score but that of ∅.
    """
    networks, masks = tables.shape
    ands, ors = dense(masks.bit_length() - 1)
    wide = networks * masks
    effects = np.kron(np.eye(networks), np.block([[ands, 0 * ors], [0 * ands, ors]]))
    sizes = np.eye(2 * wide)
    rows = np.kron(np.ones((networks, 1)), np.eye(2 * masks))
    none, no_rows = np.zeros_like(sizes), np.zeros((2 * wide, 2 * masks))
    upper = np.block(
        [[effects, -sizes, no_rows], [-effects, -sizes, no_rows], [none, sizes, -rows]]
    )
    sums = np.kron(np.eye(networks), np.hstack([np.eye(masks), np.eye(masks)]))
    sums = np.hstack([sums, np.zeros((wide, 2 * wide + 2 * masks))])
    noise = np.repeat(box, masks) * np.tile(np.arange(masks) > 0, networks)
    solved = linprog(
        np.concatenate(
            [np.zeros(2 * wide), of_sum * np.ones(2 * wide), of_maximum * np.ones(2 * masks)]
        ),
        A_ub=np.vstack([upper, sums, -sums]),
        b_ub=np.concatenate([np.zeros(6 * wide), tables.ravel() + noise, noise - tables.ravel()]),
        bounds=[(None, None)] * (2 * wide) + [(0, None)] * (2 * wide + 2 * masks),
        method="highs",
    )
    assert solved.success
    return float(solved.fun)


def _alternating(v: Sequence[Fraction], mask: int, flipped: int) -> Fraction:
    """Σ_{T⊆S} (−1)^{|S|−|T|} v(T xor flipped)."""
    signed = [
        (-1) ** (mask.bit_count() - subset.bit_count()) * v[subset ^ flipped]
        for subset in subsets(mask)
    ]
    return sum(signed, Fraction(0))


def places_of(primitives: Iterable[Primitive], regions: int) -> Ints:
    """Where primitives are in effects (2 · 2^n,)."""
    places = [(KINDS.index(p.kind) << regions) + p.mask for p in primitives]
    return np.array(places, dtype=np.int64)
