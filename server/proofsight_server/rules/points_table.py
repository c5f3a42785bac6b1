"""A table of integer points per literal and class, and every way to change it by one step."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np

from proofsight_server.symbols.feature import Bools, Floats, Ints

_STEPS = (-2, -1, 1, 2)
_WEIGHT = 4  # an image counts more than an entry more or less


@dataclass(frozen=True, slots=True)
class Move:
    """One entry of the table changes by `step`; `column` p is the base."""

    column: int
    class_index: int
    step: int

    def undone(self) -> Move:
        """The move back."""
        return Move(self.column, self.class_index, -self.step)


class PointsTable:
    """Integer points (p + 1, classes), the last row the bases, scored on fixed images.

    A class wins with the most points, of equal ones the lowest index.  Changing one entry
    matters only where its bit is set, and there only through the margin, which is the same for
    all columns: so all changes at once are one product of matrices.

    Parameters
    ----------
    bits
        (n, p) of the images.
    target
        (n,) the class that should win.
    points
        (p + 1, classes).
    most
        No entry's absolute value exceeds this, bases apart.
    """

    def __init__(self, bits: Bools, target: Ints, points: Ints, most: int) -> None:
        self._bits = np.column_stack([bits, np.ones(len(bits), dtype=np.bool_)]).astype(np.float32)
        self._transposed = np.ascontiguousarray(self._bits.T)
        self._target = target
        self._most = most
        self.points = points.astype(np.int64)
        self._rows = np.arange(len(target))
        self._score()

    @property
    def images(self) -> int:
        """How many images there are."""
        return len(self._target)

    def copy(self) -> PointsTable:
        """The same, to be changed on its own."""
        twin = copy(self)
        twin.points, twin._scores = self.points.copy(), self._scores.copy()
        return twin

    @property
    def agreement(self) -> int:
        """Images on which the right class wins."""
        return int(self._right.sum())

    @property
    def used(self) -> int:
        """Entries that are not 0, bases apart."""
        return int(np.count_nonzero(self.points[:-1]))

    def gains(self) -> dict[int, Ints]:
        """By step, the change of agreement (p + 1, classes) where one entry changes by it."""
        after = np.concatenate([self._outcomes(step) for step in _STEPS], axis=1)
        table = np.rint(self._transposed @ after).astype(np.int64)
        parts = np.split(table, len(_STEPS), axis=1)
        return dict(zip(_STEPS, parts, strict=True))

    def removals(self) -> Ints:
        """The change of agreement (p, classes) where an entry becomes 0; 0 where it is."""
        changes = np.zeros_like(self.points[:-1])
        columns, chosen = np.nonzero(self.points[:-1])
        values = self.points[columns, chosen]
        for index, value in sorted(set(zip(chosen.tolist(), values.tolist(), strict=True))):
            entries = columns[(chosen == index) & (values == value)]
            after = self._outcome(index, -value)
            changes[entries, index] = np.rint(self._transposed[entries] @ after)
        return changes

    def best(self, count: int, *, size: int) -> list[Move]:
        """The `count` changes that gain most, or as much with fewer entries; none that does not.

        With `size` entries or more, none may be added.  Ties go to the change that leaves
        fewer entries, then to the first step, column, class.
        """
        points, grow = self.points[:-1], self.used < size
        keys = []
        for step, gains in self.gains().items():
            key = _WEIGHT * gains
            fits = np.abs(points + step) <= self._most
            key[:-1] += (points + step == 0).astype(np.int64) - (points == 0)
            key[:-1][~(fits & (grow | (points != 0)))] = 0
            keys.append(key)
        stacked = np.stack(keys).ravel()
        first = np.argsort(-stacked, kind="stable")[:count]
        moves = []
        for place in first[stacked[first] > 0]:
            step, rest = divmod(int(place), self.points.size)
            column, chosen = divmod(rest, self.points.shape[1])
            moves.append(Move(column, chosen, _STEPS[step]))
        return moves

    def adds(self, move: Move) -> bool:
        """Whether a move makes an entry of a 0."""
        entry = int(self.points[move.column, move.class_index])
        return move.column < len(self.points) - 1 and entry == 0

    def apply(self, move: Move) -> None:
        """Change the table by a move."""
        self.change(move.column, move.class_index, move.step)

    def change(self, column: int, chosen: int, step: int) -> None:
        """Change one entry and the scores by `step`."""
        self.points[column, chosen] += step
        self._scores[:, chosen] += step * self._bits[:, column].astype(np.int64)
        self._judge()

    def _score(self) -> None:
        self._scores = np.rint(self._bits @ self.points.astype(np.float32)).astype(np.int64)
        self._judge()

    def _judge(self) -> None:
        """Margins with ties broken: scores of no two classes are equal once scaled."""
        count = self._scores.shape[1]
        distinct = self._scores * count + (count - 1 - np.arange(count))
        self._own = distinct[self._rows, self._target]
        rivals = distinct.copy()
        rivals[self._rows, self._target] = np.iinfo(np.int64).min // 2
        self._first = rivals.argmax(axis=1)
        self._highest = rivals[self._rows, self._first]
        rivals[self._rows, self._first] = np.iinfo(np.int64).min // 2
        self._second = rivals.max(axis=1)
        self._distinct = distinct
        self._right = self._own > self._highest

    def _outcomes(self, step: int) -> Floats:
        """The change of right (n, classes), -1 to 1, where the score of a class changes by `step`."""
        count = self._scores.shape[1]
        return np.stack([self._outcome(index, step) for index in range(count)], axis=1)

    def _outcome(self, index: int, step: int) -> Floats:
        """The change of right (n,) in -1, 0, 1 where the score of one class changes by `step`."""
        change = step * self._scores.shape[1]
        others = np.where(self._first == index, self._second, self._highest)
        right = np.where(
            self._target == index,
            self._own + change > self._highest,
            self._own > np.maximum(self._distinct[:, index] + change, others),
        )
        change_of_right: Floats = right.astype(np.float32) - self._right.astype(np.float32)
        return change_of_right
