"""Prime implicants and all that is said of one unit, against every input there is."""

from __future__ import annotations

import warnings
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.rules.approximation import implicants
from proofsight_server.rules.counting_bounds import counting_bounds
from proofsight_server.rules.decision_diagram import DecisionDiagram
from proofsight_server.rules.implicant_search import Caps, Formula, search
from proofsight_server.rules.limited_search import limited_search
from proofsight_server.rules.threshold_unit import ThresholdUnit
from tests.rules.slow_implicants import every_input, forward, holds, prime_implicants, says

Drawn = tuple[list[float], float]

whole = st.integers(-4, 4).map(float)
real = st.floats(-3, 3, allow_subnormal=False).map(lambda value: round(value, 3))


def units(most: int) -> st.SearchStrategy[Drawn]:
    """Weights and bias; whole ones often, so that sums meet the threshold exactly."""
    numbers = st.sampled_from([whole, real])
    return numbers.flatmap(lambda n: st.tuples(st.lists(n, max_size=most), n))


def terms(formula: Formula) -> list[frozenset[tuple[int, bool]]]:
    return [frozenset(term) for term in formula.terms]


def capped(drawn: Drawn, order: int) -> list[frozenset[tuple[int, bool]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return implicants(*drawn, max_order=order)


@settings(max_examples=80, deadline=None)
@given(units(5))
def test_they_are_the_minimal_terms_of_both_polarities_that_no_input_refutes(drawn: Drawn) -> None:
    inputs, on = forward(*drawn)
    found = implicants(*drawn)
    assert len(found) == len(set(found))
    assert set(found) == set(prime_implicants(inputs, on))
    off = search(ThresholdUnit.of(*drawn).side(on=False), Caps())
    assert set(terms(off)) == set(prime_implicants(inputs, ~on))


@settings(max_examples=60, deadline=None)
@given(units(9))
def test_the_uncut_formula_is_the_unit_and_a_cut_one_grows_towards_it(drawn: Drawn) -> None:
    inputs, on = forward(*drawn)
    before = np.zeros(len(inputs), dtype=np.bool_)
    for order in range(1, len(drawn[0]) + 1):
        now = says(capped(drawn, order), inputs)
        assert not (now & ~on).any()
        assert not (before & ~now).any()
        before = now
    assert (says(implicants(*drawn), inputs) == on).all()


@pytest.mark.parametrize("n", [12, 16])
def test_on_sixteen_inputs_no_cut_formula_says_yes_where_the_unit_says_no(n: int) -> None:
    rng = np.random.default_rng(n)
    unit = ThresholdUnit.of(np.abs(rng.normal(size=n)) * rng.choice([-1, 1], n), rng.normal())
    inputs = every_input(n)
    on = unit.on(inputs)
    for wanted, side in ((on, unit.side(on=True)), (~on, unit.side(on=False))):
        for order in range(side.least or 1, (side.least or 1) + 3):
            found = terms(search(side, Caps(order=order, terms=300)))
            assert not (says(found, inputs) & ~wanted).any()


@settings(max_examples=80, deadline=None)
@given(units(9), st.integers(1, 9), st.integers(1, 20))
def test_a_capped_search_gives_the_first_of_the_list_and_says_what_ended_it(
    drawn: Drawn, order: int, most: int
) -> None:
    side = ThresholdUnit.of(*drawn).side(on=True)
    whole_list = search(side, Caps())
    assert whole_list.status == "complete"
    assert [len(term) for term in whole_list.terms] == sorted(map(len, whole_list.terms))
    by_order = search(side, Caps(order=order))
    assert by_order.terms == tuple(term for term in whole_list.terms if len(term) <= order)
    assert by_order.status == ("complete" if by_order.terms == whole_list.terms else "order")
    by_number = search(side, Caps(terms=most))
    assert by_number.terms == whole_list.terms[:most]
    assert by_number.status == ("terms" if len(whole_list.terms) > most else "complete")
    shortest = whole_list.terms[0] if whole_list.terms else None
    assert side.least == whole_list.shortest == (None if shortest is None else len(shortest))


def test_a_search_out_of_time_keeps_the_lengths_it_finished() -> None:
    weights = np.random.default_rng(0).random(80) + 0.5
    side = ThresholdUnit.of(weights, -weights.sum() * 0.5).side(on=True)
    formula = search(side, Caps(seconds=1e-9))
    assert (formula.terms, formula.status, formula.shortest) == ((), "time", side.least)


@pytest.mark.parametrize("m", [0, 1, 3, 5, 6])
def test_m_of_n_equal_weights_have_every_set_of_m_as_a_term(m: int) -> None:
    found = implicants([1.0] * 5, -float(m))
    assert len(found) == comb(5, m)
    assert all(len(term) == m for term in found)


def test_terms_come_by_length_and_then_by_the_greater_weight() -> None:
    assert implicants([1.0, 4.0, 2.0, -2.0], -2.5) == [
        frozenset({(1, True), (2, True)}),
        frozenset({(1, True), (3, False)}),
        frozenset({(1, True), (0, True)}),
        frozenset({(2, True), (3, False), (0, True)}),
    ]


def test_a_unit_that_never_changes_is_the_empty_term_or_no_term() -> None:
    assert implicants([1.0, -1.0], 1.0) == [frozenset()]
    assert implicants([1.0, -1.0], -1.5) == []
    assert implicants([0.0, 0.0], 0.0) == [frozenset()]
    assert implicants([], -1.0) == []


def test_an_input_of_weight_zero_stands_in_no_term() -> None:
    assert implicants([0.0, 2.0, 0.0], -1.0) == [frozenset({(1, True)})]


def test_an_order_below_the_shortest_term_leaves_none_and_names_the_least() -> None:
    with pytest.warns(UserWarning, match="the shortest has 3: give max_order=3 or more"):
        assert implicants([1.0] * 4, -3.0, max_order=2) == []
    assert len(implicants([1.0] * 4, -3.0, max_order=3)) == 4


@pytest.mark.parametrize(
    ("weights", "bias"),
    [
        ([1.0, np.nan], 0.0),
        ([1.0, np.inf], 0.0),
        ([1.0], np.nan),
        ([[1.0]], 0.0),
        (["a"], 0.0),
        ([1j], 0.0),
        ([[1.0], [1.0, 2.0]], 0.0),
        ([10**400], 0.0),
        (None, 0.0),
        ([1.0], "b"),
        ([1.0], None),
        ([1.0], [0.0]),
        ([1e308, 1e308], -1e308),
    ],
)
def test_weights_that_are_no_vector_of_numbers_are_refused(weights: Any, bias: Any) -> None:
    with pytest.raises(BadTensor):
        implicants(weights, bias)
    assert implicants([9e307, 7e307], -1e307) == [{(0, True)}, {(1, True)}]


@pytest.mark.parametrize("weights", [[1, -2], (True, -2), np.array([1, -2], dtype=np.int8)])
@pytest.mark.parametrize("bias", [-1, np.float32(-1), np.array(-1.0)])
def test_numbers_of_any_type_are_weights(weights: Any, bias: Any) -> None:
    assert implicants(weights, bias) == [{(1, False), (0, True)}]


@pytest.mark.parametrize("cap", [0, -1, 1.5, True, "3", np.nan])
@pytest.mark.parametrize("name", ["max_order", "max_terms"])
def test_a_cap_that_is_no_whole_number_from_one_is_refused(name: str, cap: Any) -> None:
    with pytest.raises(BadOption, match="give a whole number from 1, or none"):
        implicants([1.0], 0.0, **{name: cap})
    accepted: tuple[Any, ...] = (1, np.int64(1), 10**30)
    for most in accepted:
        assert len(implicants([1.0], -1.0, **{name: most})) == 1


@settings(max_examples=60, deadline=None)
@given(units(7), st.sampled_from([0.25, 2.0, 64.0]))
def test_scaling_a_unit_changes_nothing(drawn: Drawn, factor: float) -> None:
    weights, bias = drawn
    assert implicants(weights, bias) == implicants([w * factor for w in weights], bias * factor)


@settings(max_examples=60, deadline=None)
@given(units(6).filter(lambda drawn: bool(drawn[0])), st.data())
def test_complementing_an_input_flips_its_polarity_and_nothing_else(
    drawn: Drawn, data: st.DataObject
) -> None:
    weights, bias = [round(w * 1000) for w in drawn[0]], round(drawn[1] * 1000)
    at = data.draw(st.integers(0, len(weights) - 1))
    flipped = [-w if place == at else w for place, w in enumerate(weights)]
    found = implicants(np.array(flipped, dtype=np.float64), float(bias + weights[at]))
    back = [frozenset((i, p != (i == at)) for i, p in term) for term in found]
    assert back == implicants(np.array(weights, dtype=np.float64), float(bias))


@settings(max_examples=80, deadline=None)
@given(units(7))
def test_diagrams_and_bounds_say_what_the_unit_says(drawn: Drawn) -> None:
    inputs, on = forward(*drawn)
    unit = ThresholdUnit.of(*drawn)
    assert (unit.on(inputs) == on).all()
    diagram = DecisionDiagram.of(unit)
    assert diagram.exact
    assert diagram.models == on.sum()
    assert (diagram.on(inputs) == on).all()
    for wanted, side in ((on, unit.side(on=True)), (~on, unit.side(on=False))):
        bounds = counting_bounds(side)
        count = np.zeros(len(inputs), dtype=np.int64)
        for at, polarity in side.pairs:
            count += inputs[:, at] == polarity
        n = len(side)
        certain = [m for m in range(n + 1) if wanted[count >= m].all()]
        assert bounds.implies == min(certain, default=n + 1)
        needed = [m for m in range(1, n + 2) if (count >= m)[wanted].all()]
        assert bounds.implied == max(needed, default=0)


@settings(max_examples=40, deadline=None)
@given(units(6), st.data())
def test_bounds_of_some_literals_hold_whatever_the_others_do(
    drawn: Drawn, data: st.DataObject
) -> None:
    inputs, on = forward(*drawn)
    side = ThresholdUnit.of(*drawn).side(on=True)
    body = data.draw(st.sets(st.sampled_from(side.pairs))) if side.pairs else set()
    bounds = counting_bounds(side, body)
    count = np.zeros(len(inputs), dtype=np.int64)
    for at, polarity in body:
        count += inputs[:, at] == polarity
    assert on[count >= bounds.implies].all()
    assert (count >= bounds.implied)[on].all()


def test_bounds_refuse_a_literal_against_its_weight() -> None:
    side = ThresholdUnit.of([1.0, 1.0], -1.0).side(on=True)
    with pytest.raises(BadOption, match="input 1 being 0 does not count"):
        counting_bounds(side, {(1, False)})


def test_a_diagram_of_many_inputs_is_that_of_rounded_weights() -> None:
    rng = np.random.default_rng(3)
    whole_weights = rng.integers(-15, 16, 40).astype(np.float64)
    whole_weights[0] = 15
    unit = ThresholdUnit.of(whole_weights, -3.0)
    diagram = DecisionDiagram.of(unit)
    bits = rng.random((500, 40)) < 0.5
    assert not diagram.exact
    assert diagram.agreement(unit, bits) == 1  # nothing to round
    other = ThresholdUnit.of(whole_weights + rng.normal(size=40) * 0.2, -3.0)
    assert 0.9 < DecisionDiagram.of(other).agreement(other, bits) <= 1


@settings(max_examples=60, deadline=None)
@given(units(5), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_limited_terms_are_the_minimal_ones_that_no_image_refutes(
    drawn: Drawn, support: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    bits = rng.random((20, len(drawn[0]))) < 0.5
    unit = ThresholdUnit.of(*drawn)
    for on in (True, False):
        wanted = unit.on(bits) == on
        wanted ^= rng.random(20) < 0.1  # the unit itself, of which the bits are only a rounding
        pairs = unit.side(on=on).pairs
        found = limited_search(pairs, bits, wanted, caps=Caps(), min_support=support)
        assert set(terms(found)) == set(prime_implicants(bits, wanted, pairs, support))


def test_limited_terms_of_all_inputs_are_the_prime_implicants() -> None:
    unit = ThresholdUnit.of([2.0, -1.0, 1.5, 0.5], -1.0)
    inputs, on = forward([2.0, -1.0, 1.5, 0.5], -1.0)
    side = unit.side(on=True)
    assert limited_search(side.pairs, inputs, on, caps=Caps()) == search(side, Caps())


def test_limited_terms_are_at_most_so_much_longer_than_the_shortest() -> None:
    inputs, on = forward([2.0, -1.0, 1.5, 0.5, 0.7], -2.5)
    pairs = ThresholdUnit.of([2.0, -1.0, 1.5, 0.5, 0.7], -2.5).side(on=True).pairs
    every = terms(limited_search(pairs, inputs, on, caps=Caps()))
    lengths = sorted({len(term) for term in every})
    assert len(lengths) > 1
    near = limited_search(pairs, inputs, on, caps=Caps(), margin=0)
    assert terms(near) == [term for term in every if len(term) == lengths[0]]
    assert (near.status, near.shortest) == ("order", lengths[0])


def test_limited_search_refuses_terms_without_support() -> None:
    with pytest.raises(BadOption, match="min_support"):
        limited_search([], np.ones((2, 0), bool), np.ones(2, bool), caps=Caps(), min_support=0)


@settings(max_examples=60, deadline=None)
@given(units(5), st.floats(0.1, 0.9), st.integers(0, 2**32 - 1))
def test_no_input_in_between_refutes_a_box_term(drawn: Drawn, cut: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    unit = ThresholdUnit.of(*drawn)
    inputs = rng.random((300, len(drawn[0])))
    inputs[:100] = np.round(inputs[:100])  # corners, too
    for on in (True, False):
        found = terms(search(unit.side(on=on, cuts=cut), Caps()))
        for term in found:
            assert (unit.on(inputs)[holds(term, inputs > cut)] == on).all()


@settings(max_examples=60, deadline=None)
@given(units(8))
def test_the_two_sides_never_hold_together_and_leave_no_input_out(drawn: Drawn) -> None:
    inputs, _ = forward(*drawn)
    unit = ThresholdUnit.of(*drawn)
    on, off = (says(terms(search(unit.side(on=on), Caps())), inputs) for on in (True, False))
    assert (on ^ off).all()
