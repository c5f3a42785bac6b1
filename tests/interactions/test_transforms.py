"""AND and OR effects: the definitions, the inverses, and what holds for any table."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsight_server.errors import BadTensor
from proofsight_server.interactions import and_effects, from_effects, or_effects, shapley_values
from proofsight_server.interactions.masks import Doubles, members, orders
from proofsight_server.interactions.primitive import Primitive
from tests.interactions.slow_effects import slow_and, slow_or, slow_scores, subsets


def dyadic(rng: np.random.Generator, regions: int) -> Doubles:
    """A table whose effects are exact in float64."""
    return rng.integers(-(1 << 20), 1 << 20, size=1 << regions) / 1024


tables = st.builds(
    lambda seed, regions: dyadic(np.random.default_rng(seed), regions),
    st.integers(0, 2**32 - 1),
    st.integers(1, 6),
)


@given(v=tables)
@settings(max_examples=15, deadline=None)
def test_effects_are_those_of_the_definition_to_the_bit(v: Doubles) -> None:
    exact = [Fraction(x) for x in v.tolist()]
    assert [Fraction(x) for x in and_effects(v).tolist()] == slow_and(exact)
    assert [Fraction(x) for x in or_effects(v).tolist()] == slow_or(exact)


@given(v=tables, w=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_scores_of_effects_are_the_plain_sum_of_the_definition(v: Doubles, w: int) -> None:
    other = dyadic(np.random.default_rng(w), len(v).bit_length() - 1)
    exact = slow_scores([Fraction(x) for x in v.tolist()], [Fraction(x) for x in other.tolist()])
    assert [Fraction(x) for x in from_effects(v, other).tolist()] == exact


@given(v=tables, seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_every_split_of_a_table_matches_it_on_all_masks(v: Doubles, seed: int) -> None:
    ands = dyadic(np.random.default_rng(seed), len(v).bit_length() - 1)
    assert np.array_equal(from_effects(and_effects(ands), or_effects(v - ands)), v)


@given(v=tables)
@settings(max_examples=20, deadline=None)
def test_effects_add_up_and_are_dual(
    v: Doubles,
) -> None:
    ands, ors = and_effects(v), or_effects(v)
    assert ands.sum() == v[-1]
    assert ors[1:].sum() == v[-1] - v[0]
    assert np.array_equal(ors[1:], -and_effects(v[::-1])[1:])
    for mask in range(1, len(v)):
        larger = [ands[t] for t in range(len(v)) if t & mask == mask]
        assert ors[mask] == (-1) ** (mask.bit_count() + 1) * sum(larger)


def test_an_or_is_the_alternating_sum_of_the_ands_of_its_regions() -> None:
    masks = np.arange(16)
    for mask in range(1, 16):
        signed = sum(
            (-1) ** (t.bit_count() + 1) * Primitive("and", t).fires(masks).astype(int)
            for t in subsets(mask)
            if t
        )
        assert np.array_equal(signed, Primitive("or", mask).fires(masks))


def test_a_dummy_region_is_in_no_effect_and_equal_regions_have_equal_effects() -> None:
    rng = np.random.default_rng(1)
    small = dyadic(rng, 3)
    v = np.concatenate([small, small])  # region 3 does nothing
    for effects in (and_effects(v), or_effects(v)):
        assert not effects[8:].any()
    masks = np.arange(8)
    swapped = (masks & 4) | ((masks & 1) << 1) | ((masks & 2) >> 1)
    symmetric = small + small[swapped]
    for effects in (and_effects(symmetric), or_effects(symmetric)):
        assert np.array_equal(effects, effects[swapped])


def test_networks_are_taken_apart_and_whole_numbers_stay_whole() -> None:
    v = np.random.default_rng(0).integers(-1000, 1000, (3, 2, 16))
    for transform in (and_effects, or_effects):
        effects = transform(v)
        assert effects.dtype == np.int64
        assert np.array_equal(effects[1, 1], transform(v[1, 1]))
    assert np.array_equal(v, np.random.default_rng(0).integers(-1000, 1000, (3, 2, 16)))


def test_shapley_values_come_out_the_same_from_effects_and_from_orderings() -> None:
    v = np.random.default_rng(2).normal(size=16)
    split = np.random.default_rng(3).normal(size=16)
    sizes = orders(4)
    weights = {k: 1 / (4 * [1, 3, 3, 1][k]) for k in range(4)}
    expected = [
        sum(weights[sizes[t]] * (v[t | 1 << i] - v[t]) for t in range(16) if not t >> i & 1)
        for i in range(4)
    ]
    values = shapley_values(and_effects(split), or_effects(v - split))
    assert np.allclose(values, expected, atol=1e-12)
    assert np.isclose(values.sum(), v[-1] - v[0])


def test_members_of_a_mask_are_its_set_bits() -> None:
    assert list(members(0b101001)) == [0, 3, 5]
    assert list(members(0)) == []


@pytest.mark.parametrize(
    ("v", "told"),
    [
        (np.ones(7), "7 entries"),
        (np.ones(1), "1 entries"),
        (np.ones(0), "0 entries"),
        (np.float64(3), "one number"),
        (np.array([1, np.nan, 2, 3]), "mask 1"),
        (np.array([[1.0, 2.0], [np.inf, 2.0]]), "mask 0"),
        (np.array(["a", "b"]), "real numbers"),
        (np.array([1j, 2]), "real numbers"),
        (np.zeros(1 << 17), "17 regions"),
    ],
)
def test_what_is_no_table_is_refused(v: Doubles, told: str) -> None:
    with pytest.raises(BadTensor, match=told):
        and_effects(v)
    with pytest.raises(BadTensor, match=told):
        or_effects(v)


def test_effects_of_different_shapes_are_refused() -> None:
    with pytest.raises(BadTensor, match=r"\(4,\).*\(8,\)"):
        from_effects(np.ones(4), np.ones(8))
    with pytest.raises(BadTensor, match=r"\(4,\).*\(2,\)"):
        shapley_values(np.ones(4), np.ones(2))
    assert shapley_values(np.ones(4), np.ones(4)).shape == (2,)
