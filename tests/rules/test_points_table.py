"""Every step on points is told with what it changes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsight_server.rules.points_repair import pruned, repaired
from proofsight_server.rules.points_table import Move, PointsTable

MOST = 6


def _table(seed: int, images: int = 60, columns: int = 7, classes: int = 4) -> PointsTable:
    rng = np.random.default_rng(seed)
    bits = rng.random((images, columns)) < 0.4
    points = rng.integers(-3, 4, (columns + 1, classes))
    return PointsTable(bits, rng.integers(0, classes, images), points, MOST)


def _agreement(table: PointsTable, points: np.ndarray) -> int:
    """Image by image, class by class: the most points win, of equal ones the first class."""
    right = 0
    for bits, wanted in zip(table.bits.tolist(), table.target.tolist(), strict=True):
        scores = [
            base + sum(int(line[c]) for line, bit in zip(points, bits, strict=False) if bit)
            for c, base in enumerate(points[-1].tolist())
        ]
        right += scores.index(max(scores)) == wanted
    return right


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_gains_and_removals_are_those_of_counting_again(seed: int) -> None:
    table = _table(seed)
    before = _agreement(table, table.points)
    assert table.agreement == before
    gains, removals = table.gains(), table.removals()
    for column, chosen in np.ndindex(*table.points.shape):
        for step, gained in gains.items():
            points = table.points.copy()
            points[column, chosen] += step
            assert gained[column, chosen] == _agreement(table, points) - before
        if column < len(table.points) - 1:
            points = table.points.copy()
            points[column, chosen] = 0
            assert removals[column, chosen] == _agreement(table, points) - before


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_a_table_keeps_count_while_it_changes(seed: int) -> None:
    table, rng = _table(seed), np.random.default_rng(seed)
    for _ in range(12):
        column, chosen = int(rng.integers(8)), int(rng.integers(4))
        table.apply(Move(column, chosen, int(rng.choice([-2, -1, 1, 2]))))
        assert table.agreement == _agreement(table, table.points)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_agreement_never_falls_along_the_repair(seed: int) -> None:
    table = _table(seed)
    size = table.used
    after = repaired(table, size)
    assert after.agreement >= table.agreement
    assert after.used <= size
    assert np.abs(after.points[:-1]).max() <= MOST


def test_a_repair_leaves_the_table_it_was_given() -> None:
    table = _table(3)
    before = table.points.copy()
    repaired(table, 5)
    assert np.array_equal(table.points, before)
    assert table.agreement == _agreement(table, before)


def test_pruning_takes_lines_of_the_least_worth() -> None:
    rng = np.random.default_rng(0)
    bits = rng.random((500, 5)) < 0.5
    target = bits[:, 2].astype(np.int64)
    points = np.zeros((6, 2), dtype=np.int64)
    points[2, 1], points[4, 1] = 3, 1
    points[-1, 0] = 2
    smaller = pruned(PointsTable(bits, target, points, MOST), 1)
    assert smaller.points[2, 1] == 3
    assert smaller.points[4, 1] == 0
    assert smaller.agreement == 500


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_first_line_to_go_is_the_one_whose_loss_costs_least(seed: int) -> None:
    table = _table(seed)
    kept = []
    for column, chosen in zip(*np.nonzero(table.points[:-1]), strict=True):
        points = table.points.copy()
        points[column, chosen] = 0
        kept.append(_agreement(table, points))
    assert pruned(table, table.used - 1).agreement == max(kept)
