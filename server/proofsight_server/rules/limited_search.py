"""Terms of a unit that hold on the images seen, instead of on every input there could be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.rules.columns import packed
from proofsight_server.rules.implicant_search import Caps, Clock, Formula, Term
from proofsight_server.rules.threshold_unit import Pair
from proofsight_server.symbols.feature import Bools

Words = NDArray[np.uint64]


def limited_search(
    pairs: Sequence[Pair],
    bits: Bools,
    wanted: Bools,
    *,
    caps: Caps,
    min_support: int = 1,
    margin: int | None = None,
) -> Formula:
    """The shortest terms that no image refutes.

    A term is kept if the unit is on the wanted side for every image that satisfies it, at least
    `min_support` images do, and no shorter kept term is part of it.  (Our reading of the idea of
    https://patents.google.com/patent/US6353816B1/en.)

    Parameters
    ----------
    pairs
        The literals of the side, by decreasing weight.
    bits, wanted
        (images, n) inputs, and (images,) whether the unit itself is on that side.
    caps
        Where the search ends.
    min_support
        Images that must satisfy a term.
    margin
        End so many literals after the shortest term was found, if that is before the caps.

    Raises
    ------
    BadOption
        A support below 1.
    BadTensor
        Not one answer per image.
    """
    if min_support < 1:
        raise BadOption(
            f"min_support is {min_support}; a term that no image satisfies says nothing, so give 1 "
            "or more",
            option="min_support",
        )
    if len(wanted) != len(bits):
        raise BadTensor(f"{len(wanted)} answers for {len(bits)} images; give one each")
    literals = _Literals(pairs, bits, wanted, min_support)
    kept: list[Term] = []
    clock = Clock(caps.seconds)
    open_terms: list[tuple[int, ...]] = [()]
    if literals.accepts_all():
        return Formula(((),), "complete", 0)
    shortest: int | None = None
    for length in range(1, len(pairs) + 1):
        last = None if shortest is None or margin is None else shortest + margin
        if length > min(caps.order or length, last or length):
            return Formula(tuple(kept), "order", shortest)
        found, open_terms, late = literals.extended(open_terms, clock)
        if late:
            return Formula(tuple(kept), "time", shortest)
        if found and shortest is None:
            shortest = length
        kept += [tuple(pairs[at] for at in term) for term in found]
        if caps.terms is not None and len(kept) > caps.terms:
            return Formula(tuple(kept[: caps.terms]), "terms", shortest)
        if not open_terms:
            break
    return Formula(tuple(kept), "complete", shortest)


class _Literals:
    """Where each literal holds, 64 images to a word."""

    def __init__(self, pairs: Sequence[Pair], bits: Bools, wanted: Bools, min_support: int) -> None:
        columns = [bits[:, at] == polarity for at, polarity in pairs]
        self._holds = packed(np.array(columns, dtype=np.bool_).reshape(len(pairs), len(bits)))
        self._against = packed(~wanted[None])[0]
        self._wanted = wanted
        self._min_support = min_support

    def accepts_all(self) -> bool:
        """Whether the term without literals is kept."""
        return bool(self._wanted.all()) and len(self._wanted) >= self._min_support

    def extended(
        self, terms: Sequence[tuple[int, ...]], clock: Clock
    ) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]], bool]:
        """Terms of one literal more: those kept, those still open, and whether time was over.

        Both are in the order of the search.  A term is looked at only if all terms of one literal
        less are open, so that none of them was kept.
        """
        known = set(terms)
        found: list[tuple[int, ...]] = []
        left: list[tuple[int, ...]] = []
        for term in terms:
            images = self._images(term)
            start = term[-1] + 1 if term else 0
            together = self._holds[start:] & images
            support = np.bitwise_count(together).sum(axis=1, dtype=np.int64)
            refuted = (together & self._against).any(axis=1)
            for place in np.flatnonzero(support >= self._min_support).tolist():
                longer = (*term, start + place)
                if clock.over():
                    return found, left, True
                if all(longer[:k] + longer[k + 1 :] in known for k in range(len(term))):
                    (left if refuted[place] else found).append(longer)
        return found, left, False

    def _images(self, term: tuple[int, ...]) -> Words:
        images: Words = np.bitwise_and.reduce(self._holds[list(term)], axis=0)
        return images
