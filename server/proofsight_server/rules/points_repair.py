"""Integer points made better, or fewer, by steps on the points themselves."""

from __future__ import annotations

import numpy as np

from proofsight_server.rules.points_table import PointsTable

_EXCHANGED = 0.06  # of all lines, at once
_EXCHANGES = 12  # at most
_AT_ONCE = 8  # steps between two looks at all there are


def repaired(table: PointsTable, size: int) -> PointsTable:
    """The table with at most `size` lines, as good as steps and exchanges make it.

    Agreement never falls, but where there are more lines than `size` at the outset.
    """
    table = pruned(table, size)
    _climb(table, size)
    for _ in range(_EXCHANGES):
        exchanged = pruned(table, max(1, round(table.used * (1 - _EXCHANGED))))
        _climb(exchanged, size)
        if exchanged.agreement <= table.agreement:
            break
        table = exchanged
    return table


def pruned(table: PointsTable, size: int) -> PointsTable:
    """A copy with at most `size` lines: those go whose loss costs least, a few at a time."""
    table = table.copy()
    while (excess := table.used - size) > 0:
        points = table.points[:-1]
        losses = np.where(points == 0, np.inf, np.abs(points) * 1e-3 - table.removals())
        cheapest = np.argsort(losses, axis=None, kind="stable")[: max(1, excess // _AT_ONCE)]
        for place in cheapest:
            column, chosen = divmod(int(place), points.shape[1])
            table.change(column, chosen, -int(points[column, chosen]))
    return table


def _climb(table: PointsTable, size: int) -> None:
    """Take the best steps as long as any helps; the next best too, where they still help."""
    while moves := table.best(_AT_ONCE, size=size):
        for place, move in enumerate(moves):
            if not table.allows(move, size=size):
                continue
            before = table.agreement, -table.used
            table.apply(move)
            if place and (table.agreement, -table.used) <= before:
                table.apply(move.undone())
