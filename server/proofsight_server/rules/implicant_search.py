"""The prime implicants of one side of a unit, found by depth-first search over its weights."""

from __future__ import annotations

import sys
import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, compress, islice
from numbers import Integral
from typing import Literal as OneOf

import numpy as np
from numpy.typing import NDArray

from proofsight_server.errors import BadOption
from proofsight_server.rules.threshold_unit import Pair, Side

Status = OneOf["complete", "order", "terms", "time"]
Term = tuple[Pair, ...]

_BITS = 62  # literals that one signed word holds as a set
_GLANCE = 2048  # steps between two looks at the clock


@dataclass(frozen=True, slots=True)
class Formula:
    """Terms of which one must hold: by length, and within it by decreasing weight.

    Attributes
    ----------
    terms
        Literals by decreasing weight.  One empty term: always; none: never.
    status
        `complete`: no term is missing.  Else what ended the search: a length (`order`), their
        number (`terms`) or the `time`; then the formula is only sound, and misses positives.
    shortest
        Fewest literals of any term there is, kept or not; None where there is none.
    """

    terms: tuple[Term, ...]
    status: Status
    shortest: int | None

    @property
    def longest(self) -> int:
        """Most literals of a term that was kept; 0 where there is none."""
        return max(map(len, self.terms), default=0)


@dataclass(frozen=True, slots=True)
class Caps:
    """Where a search ends: literals per term, terms, processor seconds; None: nowhere."""

    order: int | None = None
    terms: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for noun, value in (("literals in a term", self.order), ("terms", self.terms)):
            whole = isinstance(value, Integral) and not isinstance(value, bool)
            if value is not None and not (whole and value >= 1):
                raise BadOption(
                    f"at most {value} {noun} is no bound; give a whole number from 1, or none"
                )
        if self.seconds is not None and not self.seconds > 0:
            raise BadOption(f"a time limit of {self.seconds} s is over at once; give more, or none")


class Clock:
    """Says when the seconds of a search are over; it looks at the time only now and then.

    They are the processor's, so that a busy machine finds as much as an idle one.
    """

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.thread_time() + seconds
        self._steps = 0

    def over(self) -> bool:
        """Whether the time is over."""
        self._steps += 1
        due = self._end is not None and self._steps % _GLANCE == 0
        return due and time.thread_time() > (self._end or 0)


def search(side: Side, caps: Caps) -> Formula:
    """The shortest prime implicants of a side; without caps all of them.

    A term is the set of literals of which the weights reach the threshold, whatever the other
    inputs are, and no smaller set does.  (Our derivation for the method of Tsukimoto, IJCAI-97,
    https://mlanthology.org/ijcai/1997/tsukimoto1997ijcai-extracting/.)
    """
    least = side.least
    if least is None or not least:
        return Formula(() if least is None else ((),), "complete", least)
    if caps == Caps() and len(side) <= _BITS:
        terms = tuple(map(tuple, compressed(side)))
        return Formula(terms, "complete", least)
    kept: list[Term] = []
    clock = Clock(caps.seconds)
    for length in range(least, len(side) + 1):
        if caps.order is not None and length > caps.order:
            return Formula(tuple(kept), "order", least)
        level = _Level(side, length, clock)
        room = None if caps.terms is None else caps.terms - len(kept)
        # One more than there is room for tells whether that is all; islice takes no more than this.
        found = list(islice(level.terms(), None if room is None else min(room + 1, sys.maxsize)))
        if level.late:
            return Formula(tuple(kept), "time", least)
        if room is not None and len(found) > room:
            return Formula((*kept, *found[:room]), "terms", least)
        kept += found
        if not level.longer:
            break
    return Formula(tuple(kept), "complete", least)


def compressed(side: Side) -> Iterator[compress[Pair]]:
    """Every prime implicant of a side of at most 62 literals, in the order of `search`.

    All sets of literals that can still become one grow together, a literal at a time; sets are
    words whose highest bit is the first literal.
    """
    n, threshold = len(side), side.threshold
    rest = [*accumulate(reversed(side.weights), initial=0.0)][::-1]
    sums, sets = np.zeros(1), np.zeros(1, dtype=np.int64)
    found: list[NDArray[np.int64]] = []
    for place, weight in enumerate(side.weights):
        bit = np.int64(1 << (n - 1 - place))
        grown, after = sums + weight, rest[place + 1]
        reached = grown >= threshold
        found.append(sets[reached] | bit)
        more = ~reached & (grown + after >= threshold)
        without = sums + after >= threshold
        sets = np.concatenate([sets[more] | bit, sets[without]])
        sums = np.concatenate([grown[more], sums[without]])
    terms = np.concatenate(found)
    terms = terms[np.lexsort((-terms, np.bitwise_count(terms)))]
    places = np.arange(n - 1, -1, -1, dtype=np.int64)
    for start in range(0, len(terms), _GLANCE):
        rows = (terms[start : start + _GLANCE, None] >> places & 1).tolist()
        for row in rows:
            yield compress(side.pairs, row)


class _Level:
    """The prime implicants of exactly `length` literals.

    `longer` says, once all were found, whether there are longer ones; `late`, that the time was
    over before.
    """

    def __init__(self, side: Side, length: int, clock: Clock) -> None:
        self._side = side
        self._length = length
        self._clock = clock
        self._prefix = [*accumulate(side.weights, initial=0.0)]
        self.longer = False
        self.late = False

    def terms(self) -> Iterator[Term]:
        """Yield them in the order of their first difference, the greater weight first."""
        pairs, weights = self._side.pairs, self._side.weights
        path: list[int] = []
        stack = [(self._open(0, 0.0, self._length), 0.0)]
        while stack:
            places, total = stack[-1]
            place = next(places, None)
            if place is None:
                stack.pop()
                if path:
                    path.pop()
            elif self._clock.over():
                self.late = True
                return
            elif len(path) + 1 == self._length:
                yield (*(pairs[at] for at in path), pairs[place])
            else:
                path.append(place)
                total += weights[place]
                left = self._length - len(path)
                stack.append((self._open(place + 1, total, left), total))

    def _open(self, start: int, total: float, left: int) -> Iterator[int]:
        """The next literals of a term that has `left` to come and weighs `total`.

        The weights fall, so that each question below has the answer yes up to some place.
        """
        weights, prefix, threshold = self._side.weights, self._prefix, self._side.threshold
        n = len(weights)
        # Up to here one literal more reaches the threshold, and the term is finished.
        done = bisect_left(range(n), True, start, key=lambda at: total + weights[at] < threshold)
        if left == 1:
            self.longer |= done < n and total + prefix[n] - prefix[done] >= threshold
            return iter(range(start, done))

        def hopeless(at: int) -> bool:
            return total + prefix[min(n, at + left)] - prefix[at] < threshold

        end = bisect_left(range(n), True, done, key=hopeless)
        self.longer |= end < n and total + prefix[n] - prefix[end] >= threshold
        return iter(range(done, end))
