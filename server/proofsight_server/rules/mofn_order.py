"""In which order literals join the bodies of M-of-N rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal as OneOf

import numpy as np
import numpy.typing as npt

from proofsight_server.rules.mofn_search import wrong_at
from proofsight_server.symbols.feature import Bools, Ints

Doubles = npt.NDArray[np.float64]
Order = OneOf["weight", "weight*std", "gain", "greedy", "triples", "exhaustive"]

_PIECE = 1 << 23  # images × literals that are worked on at once


def by_score(scores: Doubles) -> Ints:
    """Indices by falling score, of equal ones the lower first."""
    return np.argsort(-scores, kind="stable")


def greedily(literals: Bools, target: Bools, longest: int, first: Sequence[int] = ()) -> Ints:
    """Indices in the order in which each leaves fewest errors with the best M, ties by index.

    Parameters
    ----------
    literals
        (images, n) bool.
    target
        (images,) bool.
    longest
        How many to choose, at most n.
    first
        Indices that are taken before any other.
    """
    chosen = list(first)[:longest]
    count = literals[:, chosen].sum(axis=1, dtype=np.int64)
    left = [index for index in range(literals.shape[1]) if index not in chosen]
    dense = literals.astype(np.float32)
    for size in range(len(chosen), min(longest, literals.shape[1])):
        # Images with count c, with and without the target, and those of them where a literal holds.
        place = count + (size + 1) * target
        totals = np.bincount(place, minlength=2 * (size + 1)).astype(np.int64)
        held = _held(dense, place, 2 * (size + 1))[:, left]
        off, on = (
            _joined(totals[part, None], held[part])
            for part in (slice(0, size + 1), slice(size + 1, None))
        )
        best = wrong_at(on.T, off.T).min(axis=1).argmin()
        chosen.append(left.pop(int(best)))
        count += literals[:, chosen[-1]]
    return np.array(chosen, dtype=np.int64)


def _joined(totals: Ints, held: Ints) -> Ints:
    """(size + 2, n): images by count once a literal has joined; `held` is where it holds."""
    grown = np.zeros((len(totals) + 1, held.shape[1]), dtype=np.int64)
    grown[:-1] = totals - held
    grown[1:] += held
    return grown


def _held(dense: npt.NDArray[np.float32], place: Ints, places: int) -> Ints:
    """(places, n): images of each place where each literal holds; exact below 2^24 images."""
    held = np.zeros((places, dense.shape[1]), dtype=np.int64)
    step = max(1, _PIECE // max(1, dense.shape[1]))
    for first in range(0, len(dense), step):
        own = place[first : first + step]
        hot = np.zeros((places, len(own)), dtype=np.float32)
        hot[own, np.arange(len(own))] = 1
        held += (hot @ dense[first : first + step]).astype(np.int64)
    return held
