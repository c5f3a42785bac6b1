"""A paired test without assumptions about distributions, and many of them at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from proofsight_server.symbols.reduction import Doubles

DRAWS = 9999
_EXACT = 13  # 2 ** 13 sign patterns are fewer than the draws
_ROUNDING = 1e-9  # a share of the sum, by which equal sums may differ


def sign_flip(differences: Doubles, generator: np.random.Generator, draws: int = DRAWS) -> float:
    """The one-sided p value of the paired sign-flip permutation test.

    The hypothesis is that each difference would as likely have had the other sign, so that the
    two things compared are exchangeable in each pair; p is the share of sign patterns whose sum
    is at least the one seen.  All patterns are tried where they are few, else `draws` of them,
    the one seen counted along, so that p is never 0.

    Parameters
    ----------
    differences
        (n,), one per pair; zeros say nothing.  Without others p is 1.
    generator
        Of the draws.

    References
    ----------
    Pitman's test for matched pairs; Phipson and Smyth, Permutation P-values Should Never Be
    Zero, https://arxiv.org/abs/1603.05766.
    """
    telling = differences[differences != 0]
    count = len(telling)
    if count == 0:
        return 1.0
    seen = float(telling.sum()) - _ROUNDING * float(np.abs(telling).sum())
    if count <= _EXACT:
        patterns = np.arange(2**count)[:, None] >> np.arange(count) & 1
        return float(((1 - 2 * patterns) @ telling >= seen).mean())
    signs = generator.integers(0, 2, size=(draws, count), dtype=np.int8)
    greater = int(((1 - 2 * signs) @ telling >= seen).sum())
    return (1 + greater) / (1 + draws)


def holm(values: Sequence[float]) -> list[float]:
    """P values adjusted for their number by Holm's step-down method, in the given order.

    Calling significant what is at most α then errs anywhere with probability α at most, however
    the tests depend on each other.
    """
    order = sorted(range(len(values)), key=lambda at: values[at])
    adjusted = [0.0] * len(values)
    least = 0.0
    for rank, at in enumerate(order):
        least = max(least, min(1.0, (len(values) - rank) * values[at]))
        adjusted[at] = least
    return adjusted
