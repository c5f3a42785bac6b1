"""Trees on bits, against scikit-learn's and against every split tried by hand."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier

from proofsight_server.rules.bit_tree import grow_on_bits
from proofsight_server.rules.columns import Columns
from proofsight_server.rules.path import Path
from proofsight_server.symbols.feature import Bools
from tests.strategies import random_generators


def decided(paths: tuple[Path, ...], bits: Bools) -> list[int]:
    """The label of the one path that holds, one image and one literal at a time."""
    labels = []
    for row in bits:
        holding = [p for p in paths if all(row[column] == sign for column, sign in p.literals)]
        assert len(holding) == 1
        labels.append(holding[0].label)
    return labels


def entropy(rows: list[int]) -> float:
    shares = [rows.count(value) / len(rows) for value in set(rows)]
    return -sum(share * math.log(share) for share in shares) * len(rows)


@settings(max_examples=60, deadline=None)
@given(rng=random_generators(), leaves=st.integers(2, 12))
def test_a_tree_fits_as_well_as_scikit_learn_s(rng: np.random.Generator, leaves: int) -> None:
    bits = rng.random((200, 8)) < 0.4
    target = (bits[:, 1] + 2 * (bits[:, 4] & bits[:, 2])) * (rng.random(200) > 0.1)
    paths = grow_on_bits(Columns(bits), target, leaves=leaves)
    assert len(paths) <= leaves
    tree = DecisionTreeClassifier(criterion="entropy", max_leaf_nodes=leaves, random_state=0)
    theirs = (tree.fit(bits, target).predict(bits) == target).mean()
    # The same greedy choice; equal gains may be settled otherwise.
    assert (np.array(decided(paths, bits)) == target).mean() >= theirs - 0.03


@settings(max_examples=60, deadline=None)
@given(rng=random_generators())
def test_the_first_split_is_the_best_of_all(rng: np.random.Generator) -> None:
    bits = rng.random((40, 5)) < 0.5
    target = rng.integers(0, 3, 40)
    paths = grow_on_bits(Columns(bits), target, leaves=2)
    costs = []
    for column in range(5):
        halves = [target[bits[:, column] == side].tolist() for side in (False, True)]
        costs.append(sum(entropy(half) for half in halves if half))
    gain = entropy(target.tolist()) - min(costs)
    if len(paths) == 1:
        # Nothing gains, or both halves have one label.
        assert paths[0].label == np.bincount(target).argmax()
    else:
        best = next(k for k in range(5) if costs[k] < min(costs) + 1e-9)
        assert {path.literals[0][0] for path in paths} == {best}
        assert gain > 0


def test_exactly_one_path_holds_on_any_bits_and_none_asks_twice() -> None:
    rng = np.random.default_rng(0)
    bits = rng.random((300, 8)) < 0.5
    target = (bits[:, 0] & bits[:, 3] | bits[:, 5]).astype(np.int64)
    paths = grow_on_bits(Columns(bits), target, leaves=16)
    everything = np.array(list(product((False, True), repeat=8)))
    truth = everything[:, 0] & everything[:, 3] | everything[:, 5]
    assert decided(paths, everything) == truth.astype(int).tolist()
    for path in paths:
        columns = [column for column, _ in path.literals]
        assert len(columns) == len(set(columns))


def test_a_target_that_never_changes_is_one_path() -> None:
    bits = np.random.default_rng(0).random((20, 3)) < 0.5
    for value in (0, 1, 7):
        target = np.full(20, value)
        assert grow_on_bits(Columns(bits), target, leaves=4) == (Path((), value),)


def test_equal_gains_go_to_the_first_column() -> None:
    first = np.random.default_rng(0).random(50) < 0.5
    bits = np.stack([first, first, ~first], axis=1)
    paths = grow_on_bits(Columns(bits), first.astype(np.int64), leaves=8)
    assert paths == (Path(((0, False),), 0), Path(((0, True),), 1))
