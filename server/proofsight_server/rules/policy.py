"""Which of the rules that fire decides: each policy as an order of rules, or as a sum."""

from __future__ import annotations

import numpy as np

from proofsight_server.rules.program import ClassHead, PointsHead, Program, Rule
from proofsight_server.symbols.feature import Bools, Ints


def priority(program: Program) -> tuple[int, ...]:
    """Class rules, the one that decides if it fires first: every policy is such an order."""
    rank = {name: place for place, name in enumerate(program.order())}

    def place(number: int) -> tuple[float, int, int]:
        rule = program.rules[number]
        first = rank[rule.head.name] if isinstance(rule.head, ClassHead) else 0
        if program.policy == "ordered":
            return (0, 0, number)
        if program.policy == "exclusive":
            return (0, first, number)
        return (-_confidence(rule), first, number)

    deciding = [n for n, rule in enumerate(program.rules) if isinstance(rule.head, ClassHead)]
    return tuple(sorted(deciding, key=place))


def _confidence(rule: Rule) -> float:
    value = dict(rule.stats).get("confidence", 0)
    return float(value) if isinstance(value, int | float) else 0.0


class Scores:
    """The points of each class, for programs whose policy is `points`."""

    def __init__(self, program: Program) -> None:
        index = {name: number for number, name in enumerate(program.classes)}
        heads = [rule.head for rule in program.rules]
        self._lines = [n for n, head in enumerate(heads) if isinstance(head, PointsHead)]
        self._points = np.zeros((len(self._lines), len(index)), dtype=np.int64)
        for line, number in enumerate(self._lines):
            head = heads[number]
            assert isinstance(head, PointsHead)
            self._points[line, index[head.name]] = head.points
        self._bases = np.zeros(len(index), dtype=np.int64)
        for name, points in program.bases:
            self._bases[index[name]] = points
        self._order = np.array([index[name] for name in program.contenders()], dtype=np.int64)

    def __call__(self, fires: Bools) -> Ints:
        """(n, classes) from (rules, n)."""
        scores: Ints = fires[self._lines].T.astype(np.int64) @ self._points + self._bases
        return scores

    def best(self, scores: Ints) -> Ints:
        """(n,) the class with the most points; -1 where there are no classes."""
        if not len(self._order):
            return np.full(len(scores), -1, dtype=np.int64)
        best: Ints = self._order[scores[:, self._order].argmax(axis=1)]
        return best
