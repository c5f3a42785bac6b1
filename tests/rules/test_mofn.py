"""M-of-N rules: cuts, the search, complexity, orders, and the exact small case."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.rules.complexity import complexities, complexity, dnf_literals
from proofsight_server.rules.cuts import TIE, best_cuts, class_cuts
from proofsight_server.rules.mofn import ORDERS, MofN, best_rule
from proofsight_server.rules.mofn_order import Order
from proofsight_server.rules.mofn_search import NEVER, errors_of_prefixes
from proofsight_server.rules.mofn_triples import best_triple
from proofsight_server.symbols.feature import Bools, Floats, Ints
from tests.strategies import random_generators

Doubles = npt.NDArray[np.float64]
FEW = settings(max_examples=20, deadline=None)


def entropy(labels: Ints | Bools) -> float:
    shares = np.unique(labels, return_counts=True)[1] / max(1, len(labels))
    return float(-(shares * np.log(shares)).sum())


def slow_cut(column: Floats, labels: Ints | Bools) -> tuple[float | None, float]:
    """Every partition recounted from its definition."""
    values = np.unique(column)
    found: list[tuple[float, float]] = []
    for low, high in pairwise(values):
        middle = np.float32((float(low) + float(high)) / 2)
        cut = float(low if middle >= high else middle)
        above = column > np.float32(cut)
        gain = entropy(labels) - sum(
            side.mean() * entropy(labels[side]) for side in (above, ~above)
        )
        found.append((gain, cut))
    best = max((gain for gain, _ in found), default=0.0)
    if best <= TIE:
        return None, 0.0
    return min(cut for gain, cut in found if gain >= best - 1e-10), best


def random_table(rng: np.random.Generator, images: int, inputs: int) -> Floats:
    """Values with many ties, of both signs."""
    return (rng.normal(size=(images, inputs)).round(1) * rng.integers(0, 2, inputs)).astype(
        np.float32
    )


@FEW
@given(random_generators())
def test_cuts_are_those_of_recounting_every_partition(rng: np.random.Generator) -> None:
    values = random_table(rng, 30, 4)
    targets = rng.random((30, 3)) < rng.random(3)
    found = best_cuts(values, targets)
    classes = rng.integers(0, 4, 30)
    of_class = class_cuts(values, classes)
    for number in range(4):
        for target in range(3):
            cut, gain = slow_cut(values[:, number], targets[:, target])
            assert found.gain[number, target] == pytest.approx(gain, abs=1e-12)
            assert found.usable[number, target] == (cut is not None)
            if cut is not None:
                assert found.cut[number, target] == cut
        cut, gain = slow_cut(values[:, number], classes)
        assert of_class.gain[number, 0] == pytest.approx(gain, abs=1e-12)
        assert cut is None or of_class.cut[number, 0] == cut


@FEW
@given(random_generators())
def test_a_rising_map_keeps_the_partition_and_a_negated_target_keeps_the_gain(
    rng: np.random.Generator,
) -> None:
    values, targets = random_table(rng, 40, 3), rng.random((40, 2)) < 0.4
    found = best_cuts(values, targets)
    risen = best_cuts(np.exp(values.astype(np.float64)), targets)
    negated = best_cuts(values, ~targets)
    np.testing.assert_allclose(risen.gain, found.gain, atol=1e-12)
    np.testing.assert_allclose(negated.gain, found.gain, atol=1e-12)
    for number, target in zip(*np.nonzero(found.usable), strict=True):
        above = values[:, number] > np.float32(found.cut[number, target])
        again = np.exp(values[:, number].astype(np.float64)) > risen.cut[number, target]
        np.testing.assert_array_equal(above, again)


def test_a_cut_lies_below_the_upper_value_where_nothing_lies_between() -> None:
    low = np.float32(1)
    high = np.nextafter(low, np.float32(2))
    found = best_cuts(np.array([[low], [high]]), np.array([[False], [True]]))
    assert found.cut[0, 0] == low


def test_constant_inputs_and_targets_have_no_cut() -> None:
    values = np.array([[0.0, 1.0], [0.0, 2.0], [0.0, 3.0]], dtype=np.float32)
    targets = np.array([[True, True], [False, True], [False, True]])
    assert best_cuts(values, targets).usable.tolist() == [[False, False], [True, False]]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused_by_image_and_input(bad: float) -> None:
    values = np.zeros((3, 2), dtype=np.float32)
    values[1, 1] = bad
    with pytest.raises(BadTensor, match=r"input 1 in image 1 is (nan|inf)"):
        best_cuts(values, np.zeros((3, 1), dtype=np.bool_))


@pytest.mark.parametrize(
    ("inputs", "literals", "m", "expected"),
    [
        (8, 2, 1, 0.1230), (8, 2, 2, 0.1230), (8, 3, 1, 0.1950), (8, 3, 2, 0.3180),
        (8, 5, 3, 0.6036), (16, 2, 1, 0.0601), (16, 3, 2, 0.1552), (16, 5, 3, 0.2947),
        (16, 10, 5, 0.6185), (128, 3, 1, 0.0122), (128, 5, 3, 0.0377), (128, 10, 5, 0.0791),
        (1, 1, 1, 0.0), (128, 1, 1, 0.0), (8, 3, 0, 0.0), (8, 3, 4, 0.0),
    ],
)  # fmt: skip
def test_complexity_is_that_of_the_published_formula(
    inputs: int, literals: int, m: int, expected: float
) -> None:
    assert complexity(inputs, literals, m) == pytest.approx(expected, abs=5e-5)
    assert complexities(inputs, literals)[literals, m] == pytest.approx(expected, abs=5e-5)


def test_complexity_is_a_share_that_rises_with_the_body() -> None:
    table = complexities(30, 30)
    assert table.min() == 0
    assert table.max() == pytest.approx(1)
    for m in range(1, 30):
        assert (np.diff(table[m:, m]) > 0).all()
        assert table[m, 1] == pytest.approx(table[m, m])
    assert [dnf_literals(m, 3) for m in (1, 2, 3)] == [3, 6, 3]


@FEW
@given(random_generators())
def test_errors_are_those_of_evaluating_each_rule_alone(rng: np.random.Generator) -> None:
    literals, target = rng.random((25, 5)) < 0.6, rng.random(25) < 0.4
    table = errors_of_prefixes(literals, target, inputs=9)
    doubled = errors_of_prefixes(np.tile(literals, (2, 1)), np.tile(target, 2), inputs=9)
    assert table.errors[0, :2].tolist() == [int((~target).sum()), int(target.sum())]
    for size in range(1, 6):
        for m in range(1, size + 1):
            holds = literals[:, :size].sum(axis=1) >= m
            assert table.errors[size, m] == (holds != target).sum()
    rules = table.errors != NEVER
    assert rules.sum() == 2 + 15
    np.testing.assert_array_equal(doubled.errors[rules], 2 * table.errors[rules])


def slow_best(
    bits: Bools, target: Bools, weights: Doubles, beta: float, bodies: list[tuple[int, ...]]
) -> tuple[int, int, int, tuple[int, ...]]:
    """(errors, N, M, inputs) of the best rule over these bodies, rule by rule."""
    found = []
    for body in bodies:
        for m in range(1, len(body) + 1) if body else (0, 1):
            rule = MofN(m, tuple((i, bool(weights[i] > 0)) for i in body), 0, 0)
            errors = int((rule.holds(bits) != target).sum())
            cost = complexity(len(weights), len(body), m)
            loss = (1 - beta) * errors / len(bits) + beta * cost
            found.append((loss, (errors, len(body), m, body)))
    least = min(loss for loss, _ in found)
    return min(key for loss, key in found if loss <= least + 1e-12)


@FEW
@given(random_generators(), st.sampled_from([0.0, 1 / 11, 0.5, 1.0]))
def test_the_best_rule_is_that_of_trying_every_rule(rng: np.random.Generator, beta: float) -> None:
    bits = rng.random((20, 5)) < 0.5
    weights = rng.normal(size=5).round(1)
    weights[rng.integers(5)] = 0
    target = (bits @ weights > 0.2) ^ (rng.random(20) < 0.1)
    used = [i for i in range(5) if weights[i]]
    order = sorted(used, key=lambda i: -abs(weights[i]))
    prefixes = [tuple(order[:size]) for size in range(len(order) + 1)]
    sets = [body for size in range(len(used) + 1) for body in combinations(used, size)]
    bodies: dict[Order, list[tuple[int, ...]]] = {"weight": prefixes, "exhaustive": sets}
    for name, tried in bodies.items():
        rule = best_rule(bits, target, weights, beta=beta, order=name)
        found = (round(rule.error * 20), len(rule.literals), rule.m)
        assert (*found, tuple(i for i, _ in rule.literals)) == slow_best(
            bits, target, weights, beta, tried
        )
        assert all(polarity == (weights[i] > 0) for i, polarity in rule.literals)


@FEW
@given(random_generators(), st.sampled_from(ORDERS))
def test_no_order_beats_all_bodies_nor_loses_to_a_constant(
    rng: np.random.Generator, order: Order
) -> None:
    bits = rng.random((40, 6)) < rng.random(6)
    weights = rng.normal(size=6)
    target = bits @ weights > weights.sum() / 2
    rule = best_rule(bits, target, weights, order=order)
    assert (rule.holds(bits) != target).mean() == pytest.approx(rule.error)
    assert rule.error >= best_rule(bits, target, weights, order="exhaustive").error
    assert rule.error <= min(target.mean(), 1 - target.mean())


@pytest.mark.parametrize("order", ORDERS)
def test_a_majority_is_found_by_every_order(order: Order) -> None:
    bits = np.array([[code >> i & 1 for i in range(7)] for code in range(128)], dtype=np.bool_)
    for m in (1, 4, 7):
        target = bits.sum(axis=1) >= m
        rule = best_rule(bits, target, np.ones(7), order=order)
        assert rule.error == 0
        np.testing.assert_array_equal(rule.holds(bits), target)


@FEW
@given(random_generators(), st.sampled_from(["weight", "gain", "greedy"]))
def test_scale_and_the_order_of_inputs_do_not_matter_and_a_complement_flips_one_literal(
    rng: np.random.Generator, order: Order
) -> None:
    bits = rng.random((50, 5)) < 0.5
    weights = rng.permutation([0.3, -0.7, 1.1, -1.9, 2.3])
    target = bits @ weights > 0.1
    rule = best_rule(bits, target, weights, order=order)
    assert best_rule(bits, target, weights * 8, order=order) == rule
    if order == "weight":  # the others break ties by index
        places = rng.permutation(5)
        moved = best_rule(bits[:, places], target, weights[places], order=order)
        assert tuple((int(places[i]), p) for i, p in moved.literals) == rule.literals
    bits[:, 2], weights[2] = ~bits[:, 2], -weights[2]
    flipped = best_rule(bits, target, weights, order=order)
    assert flipped.literals == tuple((i, p != (i == 2)) for i, p in rule.literals)
    assert (flipped.m, flipped.error) == (rule.m, rule.error)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("on", [3, 7])
def test_where_only_simplicity_counts_the_more_frequent_constant_is_the_rule(
    order: Order, on: int
) -> None:
    bits = np.array([[code >> i & 1 for i in range(4)] for code in range(10)], dtype=np.bool_)
    rule = best_rule(bits, np.arange(10) < on, np.ones(4), beta=1.0, order=order)
    assert rule == MofN(int(on < 5), (), min(on, 10 - on) / 10, 0.0)


def test_constant_targets_and_units_without_weights_have_rules_without_literals() -> None:
    bits = np.array([[True, False], [False, True], [True, True]])
    for on, m in ((True, 0), (False, 1)):
        rule = best_rule(bits, np.full(3, on), np.array([1.0, -1.0]))
        assert rule == MofN(m, (), 0.0, 0.0)
        assert rule.holds(bits).tolist() == [on] * 3
    silent = best_rule(bits, np.array([True, True, False]), np.zeros(2))
    assert silent == MofN(0, (), 1 / 3, 0.0)


def test_exhaustive_takes_twenty_inputs_and_refuses_more_with_their_number() -> None:
    rng = np.random.default_rng(0)
    bits, target = rng.random((30, 21)) < 0.5, rng.random(30) < 0.5
    weights = np.ones(21)
    with pytest.raises(BadOption, match="at most 20 of them, and this target has 21: some 5 s"):
        best_rule(bits, target, weights, order="exhaustive")
    weights[3:13] = 0
    assert len(best_rule(bits, target, weights, order="exhaustive").literals) <= 11


@FEW
@given(random_generators(), st.integers(0, 7))
def test_no_body_of_three_literals_beats_the_one_that_triples_begin_with(
    rng: np.random.Generator, inputs: int
) -> None:
    literals = rng.random((30, inputs)) < rng.random(inputs)
    target = rng.random(30) < 0.3
    body = best_triple(literals, target)
    assert len(body) == len(set(body)) <= 3
    errors = [
        (len(columns), int(((literals[:, list(columns)].sum(axis=1) >= m) != target).sum()))
        for size in (1, 2, 3)
        for columns in combinations(range(inputs), size)
        for m in range(1, size + 1)
    ]
    least = min((wrong for _, wrong in errors), default=None)
    of_body = errors_of_prefixes(literals[:, list(body)], target, inputs=inputs).errors
    assert least is None or of_body[len(body)].min() == least
    rule = best_rule(literals, target, np.ones(inputs), order="triples")
    assert round(rule.error * 30) <= min(int(target.sum()), *(wrong for _, wrong in errors), 30)


def test_triples_are_of_at_most_256_inputs_and_more_are_refused_with_the_time() -> None:
    bits, target = np.zeros((4, 257), dtype=np.bool_), np.ones(4, dtype=np.bool_)
    with pytest.raises(BadOption, match=r"at most 256 inputs, .* 257: some 0 s a unit"):
        best_rule(bits, target, np.ones(257), order="triples")


@pytest.mark.parametrize(
    ("weights", "beta", "order", "error", "message"),
    [
        ([1.0, np.nan], 0.0, "weight", BadTensor, "weight 1 of the unit is nan"),
        ([1.0], 0.0, "weight", BadTensor, "one weight for each of 2 inputs"),
        ([1.0, "b"], 0.0, "weight", BadTensor, "weights are made of real numbers"),
        ([1.0, 1j], 0.0, "weight", BadTensor, "weights are made of real numbers"),
        ([1.0, 1.0], np.nan, "weight", BadOption, "beta .* lies in 0..1, not nan"),
        ([1.0, 1.0], True, "weight", BadOption, "beta .* lies in 0..1, not True"),
        ([1.0, 1.0], 1.5, "weight", BadOption, "beta .* lies in 0..1, not 1.5"),
        ([1.0, 1.0], 0.0, "size", BadOption, "an order is one of weight, .*not 'size'"),
    ],
)
def test_what_cannot_be_searched_is_refused(
    weights: list[float], beta: float, order: Order, error: type[Exception], message: str
) -> None:
    bits, target = np.zeros((4, 2), dtype=np.bool_), np.zeros(4, dtype=np.bool_)
    with pytest.raises(error, match=message):
        best_rule(bits, target, weights, beta=beta, order=order)
    assert best_rule(bits, target, [1.0, 1.0]).m == 1


def test_a_beta_of_any_float_type_is_one() -> None:
    bits = np.array([[1, 1], [1, 0], [0, 1], [0, 0]], dtype=np.bool_)
    target = np.array([1, 0, 0, 0], dtype=np.bool_)
    beta: Any = np.float32(0.25)
    expected = best_rule(bits, target, [2.0, 1.0], beta=0.25)
    assert best_rule(bits, target, [2.0, 1.0], beta=beta) == expected


@pytest.mark.parametrize(
    ("bits", "target"),
    [
        (np.zeros((0, 2), dtype=np.bool_), np.zeros(0, dtype=np.bool_)),
        (np.zeros((3, 2)), np.zeros(3, dtype=np.bool_)),
        (np.zeros((3, 2), dtype=np.bool_), np.zeros(2, dtype=np.bool_)),
        (np.zeros((3, 2), dtype=np.bool_), np.zeros(3)),
    ],
)
def test_tables_of_other_shapes_or_types_are_refused(bits: Bools, target: Bools) -> None:
    with pytest.raises(BadTensor, match=r"booleans? "):
        best_rule(bits, target, np.ones(2))


# (errors, M, N) per class; of the orders, exhaustive is best where it sees the same literals
KEPT: dict[Order, list[tuple[int, int, int]]] = {
    "weight": [(55, 2, 2), (54, 5, 5), (70, 6, 12)],
    "weight*std": [(55, 2, 2), (59, 5, 5), (70, 6, 12)],
    "gain": [(49, 1, 1), (76, 5, 6), (75, 2, 5)],
    "greedy": [(49, 1, 1), (49, 7, 7), (52, 4, 9)],
    "triples": [(49, 1, 1), (41, 7, 7), (63, 2, 5)],
    "exhaustive": [(49, 1, 1), (41, 7, 7), (57, 3, 7)],
}


def drawn_layer() -> tuple[Floats, Doubles, Bools]:
    """400 images' values of 16 dependent relu units, the weights above them, and the classes."""
    rng = np.random.default_rng(7)
    values = np.maximum(rng.standard_normal((400, 12)), 0).astype(np.float32)
    hidden = np.maximum(values @ rng.standard_normal((12, 16)), 0).astype(np.float32)
    weights = rng.standard_normal((3, 16))
    decisions = ((hidden - hidden.mean(axis=0)) @ weights.T).argmax(axis=1)
    return hidden, weights, decisions[:, None] == np.arange(3)


@pytest.mark.parametrize("order", ORDERS)
def test_a_drawn_layer_has_the_rules_that_were_kept_as_regression(order: Order) -> None:
    hidden, weights, targets = drawn_layer()
    cuts = best_cuts(hidden, targets)
    found = []
    for target, used in enumerate(cuts.usable.T):
        bits = hidden > np.where(used, cuts.cut[:, target], np.inf)
        rule = best_rule(
            bits, targets[:, target], np.where(used, weights[target], 0), beta=1 / 11, order=order
        )
        found.append((round(rule.error * 400), rule.m, len(rule.literals)))
    assert found == KEPT[order]
