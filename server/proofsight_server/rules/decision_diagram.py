"""The exact decision diagram of a unit: for counting and for reference, not for reading."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from math import ceil, inf
from typing import Self

import numpy as np

from proofsight_server.rules.threshold_unit import Pair, Side, ThresholdUnit
from proofsight_server.symbols.feature import Bools

EXACT = 32  # inputs up to which the weights stay as they are
LEVELS = 15  # the greatest rounded weight: 4 bits

_FALSE, _TRUE = 0, 1


@dataclass(frozen=True, slots=True)
class DecisionDiagram:
    """A reduced, ordered diagram: each node asks for one literal.

    Attributes
    ----------
    pairs
        The literals in the order in which they are asked for.
    level, high, low
        Per node the place of its literal, and the node that follows where the literal holds, and
        where it does not.  Nodes 0 and 1 are the answers off and on, and stand behind all levels;
        other nodes follow those they lead to.
    root
        The first node.
    inputs
        Number of inputs of the unit, those without a weight included.
    exact
        Whether it is that of the unit itself, and not of one with weights rounded to 4 bits.
    """

    pairs: tuple[Pair, ...]
    level: tuple[int, ...]
    high: tuple[int, ...]
    low: tuple[int, ...]
    root: int
    inputs: int
    exact: bool

    @classmethod
    def of(cls, unit: ThresholdUnit) -> Self:
        """The diagram of a unit: of its own weights up to 32 inputs, of rounded ones beyond."""
        side = unit.side(on=True)
        exact = len(side) <= EXACT
        grown = _Growth(side if exact else _rounded(side, unit.tolerance))
        root = grown.node(0, grown.side.threshold)
        return cls(
            grown.side.pairs,
            tuple(grown.level),
            tuple(grown.high),
            tuple(grown.low),
            root,
            len(unit.weights),
            exact,
        )

    def __len__(self) -> int:
        """The number of nodes, the two answers left out."""
        return len(self.level) - 2

    @property
    def models(self) -> int:
        """For how many of the 2^n inputs of 0 and 1 it is on, exactly."""
        counts = [0, 1]
        for level, high, low in zip(self.level[2:], self.high[2:], self.low[2:], strict=True):
            # A skipped level doubles, and its own node asks for one of two.
            counts.append(
                (counts[high] << (self.level[high] - level - 1))
                + (counts[low] << (self.level[low] - level - 1))
            )
        above = self.level[self.root] + self.inputs - len(self.pairs)
        return counts[self.root] << above

    @property
    def share(self) -> float:
        """The share of all inputs of 0 and 1 for which it is on."""
        return self.models / (1 << self.inputs)

    def on(self, bits: Bools) -> Bools:
        """Whether it is on, (images,), for inputs (images, n)."""
        level, high, low = map(np.array, (self.level, self.high, self.low))
        node = np.full(len(bits), self.root)
        for place, (at, polarity) in enumerate(self.pairs):
            asked = level[node] == place
            holds = bits[:, at] == polarity
            node = np.where(asked, np.where(holds, high[node], low[node]), node)
        answer: Bools = node == _TRUE
        return answer

    def agreement(self, unit: ThresholdUnit, bits: Bools) -> float:
        """Share of inputs (images, n) for which it says what the unit does; for rounded ones."""
        return float((self.on(bits) == unit.on(bits)).mean())


@dataclass(frozen=True, slots=True)
class _Interval:
    """The thresholds, low < t ≤ high, that one node serves at one level."""

    low: float
    high: float
    node: int


class _Growth:
    """The nodes as they are made, each after those that it leads to.

    Node (i, t) is for "the literals from i on must reach t".  Per level the intervals that are
    served already lie sorted, so that a threshold is looked up before a node is made for it.
    """

    def __init__(self, side: Side) -> None:
        self.side = side
        n = len(side)
        self._rest = [*accumulate(reversed(side.weights), initial=0.0)][::-1]
        self._highs: list[list[float]] = [[] for _ in range(n + 1)]
        self._served: list[list[_Interval]] = [[] for _ in range(n + 1)]
        self.level, self.high, self.low = [n, n], [_FALSE, _TRUE], [_FALSE, _TRUE]

    def node(self, level: int, target: float) -> int:
        """Return the node for a threshold of one level."""
        todo = [(level, target)]
        while todo:
            at, asked = todo[-1]
            if self._find(at, asked) is not None:
                todo.pop()
                continue
            weight = self.side.weights[at]
            high, low = self._find(at + 1, asked - weight), self._find(at + 1, asked)
            if high is None:
                todo.append((at + 1, asked - weight))
            elif low is None:
                todo.append((at + 1, asked))
            else:
                self._serve(at, weight, high, low)
        found = self._find(level, target)
        assert found is not None
        return found.node

    def _find(self, level: int, target: float) -> _Interval | None:
        if target <= 0:
            return _Interval(-inf, 0.0, _TRUE)
        if target > self._rest[level]:
            return _Interval(self._rest[level], inf, _FALSE)
        place = bisect_left(self._highs[level], target)
        if place < len(self._highs[level]):
            interval = self._served[level][place]
            if interval.low < target:
                return interval
        return None

    def _serve(self, level: int, weight: float, high: _Interval, low: _Interval) -> None:
        if high.node == low.node:
            node = high.node
        else:
            node = len(self.level)
            self.level.append(level)
            self.high.append(high.node)
            self.low.append(low.node)
        interval = _Interval(
            max(high.low + weight, low.low), min(high.high + weight, low.high), node
        )
        place = bisect_left(self._highs[level], interval.high)
        self._highs[level].insert(place, interval.high)
        self._served[level].insert(place, interval)


def _rounded(side: Side, tolerance: float) -> Side:
    """The side with whole weights of 0 to 15, in proportion to the greatest."""
    scale = LEVELS / side.weights[0]
    weights = [round(weight * scale) for weight in side.weights]
    kept = [at for at, weight in enumerate(weights) if weight]
    return Side(
        tuple(side.pairs[at] for at in kept),
        tuple(float(weights[at]) for at in kept),
        float(ceil(side.threshold * scale - tolerance * scale)),
    )
