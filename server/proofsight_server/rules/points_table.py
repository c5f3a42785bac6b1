"""A table of integer points per literal and class, and every way to change it by one step."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np

from proofsight_server.symbols.feature import Bools, Floats, Ints

_STEPS = (-2, -1, 1, 2)
_LEAST = np.iinfo(np.int64).min // 2
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
    all columns: so all changes at once are one product of matrices, over the few images whose
    margin is small enough.

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
        self._target = target
        self._most = most
        self.points = points.astype(np.int64)
        self._count = points.shape[1]
        # Scaled and with the index in them, scores of no two classes of an image are equal.
        scores = np.rint(self._bits @ points.astype(np.float32)).astype(np.int64)
        self._scores = scores * self._count + (self._count - 1 - np.arange(self._count))
        self._own, self._first, self._highest, self._second = np.zeros(
            (4, len(target)), dtype=np.int64
        )
        self._judge(np.arange(len(target)))

    @property
    def bits(self) -> Bools:
        """(n, p) of the images."""
        return self._bits[:, :-1] > 0

    @property
    def target(self) -> Ints:
        """(n,) the class that should win."""
        return self._target

    @property
    def images(self) -> int:
        """How many images there are."""
        return len(self._target)

    def copy(self) -> PointsTable:
        """The same, to be changed on its own."""
        twin = copy(self)
        for name in ("points", "_scores", "_own", "_first", "_highest", "_second"):
            setattr(twin, name, getattr(self, name).copy())
        return twin

    @property
    def agreement(self) -> int:
        """Images on which the right class wins."""
        return int(np.count_nonzero(self._own > self._highest))

    @property
    def used(self) -> int:
        """Entries that are not 0, bases apart."""
        return int(np.count_nonzero(self.points[:-1]))

    def gains(self) -> dict[int, Ints]:
        """By step, the change of agreement (p + 1, classes) where one entry changes by it."""
        rows = self._contested(max(_STEPS))
        after = [
            self._outcome(rows, index, step) for step in _STEPS for index in range(self._count)
        ]
        table = np.rint(self._bits[rows].T @ np.stack(after, axis=1)).astype(np.int64)
        parts = np.split(table, len(_STEPS), axis=1)
        return dict(zip(_STEPS, parts, strict=True))

    def removals(self) -> Ints:
        """The change of agreement (p, classes) where an entry becomes 0; 0 where it is."""
        changes = np.zeros_like(self.points[:-1])
        columns, chosen = np.nonzero(self.points[:-1])
        values = self.points[columns, chosen]
        rows = self._contested(int(np.abs(values).max(initial=0)))
        bits = self._bits[rows]
        for index, value in sorted(set(zip(chosen.tolist(), values.tolist(), strict=True))):
            entries = columns[(chosen == index) & (values == value)]
            after = self._outcome(rows, index, -value)
            changes[entries, index] = np.rint(after @ bits[:, entries])
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

    def allows(self, move: Move, *, size: int) -> bool:
        """Whether a move keeps the bounds on points and on the number of entries."""
        if move.column == len(self.points) - 1:
            return True
        entry = int(self.points[move.column, move.class_index])
        return abs(entry + move.step) <= self._most and (entry != 0 or self.used < size)

    def apply(self, move: Move) -> None:
        """Change the table by a move."""
        self.change(move.column, move.class_index, move.step)

    def change(self, column: int, chosen: int, step: int) -> None:
        """Change one entry and the scores by `step`."""
        self.points[column, chosen] += step
        rows = np.flatnonzero(self._bits[:, column])
        self._scores[rows, chosen] += step * self._count
        self._judge(rows)

    def _judge(self, rows: Ints) -> None:
        """Find the best two rivals of the right class on some images."""
        scores, target = self._scores[rows], self._target[rows]
        each = np.arange(len(rows))
        self._own[rows] = scores[each, target]
        scores[each, target] = _LEAST
        first = scores.argmax(axis=1)
        self._first[rows] = first
        self._highest[rows] = scores[each, first]
        scores[each, first] = _LEAST
        self._second[rows] = scores.max(axis=1)

    def _contested(self, step: int) -> Ints:
        """The images on which another class may win where one score changes by `step` or less."""
        return np.flatnonzero(np.abs(self._own - self._highest) <= step * self._count)

    def _outcome(self, rows: Ints, index: int, step: int) -> Floats:
        """The change of right (rows,) in -1, 0, 1 where one class's score changes by `step`."""
        change = step * self._count
        own, highest = self._own[rows], self._highest[rows]
        others = np.where(self._first[rows] == index, self._second[rows], highest)
        right = np.where(
            self._target[rows] == index,
            own + change > highest,
            own > np.maximum(self._scores[rows, index] + change, others),
        )
        turned: Floats = right.astype(np.float32) - (own > highest).astype(np.float32)
        return turned
