"""Which kernels are kept: exact counts, ties, zeros, and refusals."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsight_server.circuits import Mask, effective, parse_target, ranks, score, select
from proofsight_server.circuits.scores import Doubles
from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.symbols.feature import Bools
from tests.circuits.small_networks import pictures, small_network
from tests.strategies import random_generators


def drawn(rng: np.random.Generator, levels: int = 0) -> dict[str, Doubles]:
    shapes = {"a": (4, 3), "b": (5, 4), "c": (2, 5)}
    if not levels:
        return {name: rng.random(shape) for name, shape in shapes.items()}
    return {name: rng.integers(0, levels, shape) / levels for name, shape in shapes.items()}


def kept(mask: Mapping[str, Bools]) -> int:
    return sum(int(array.sum()) for array in mask.values())


def test_k_is_the_ceiling_of_the_decimal_that_was_written() -> None:
    scores = {"a": np.arange(1.0, 101).reshape(10, 10)}
    for keep, count in ((0.07, 7), (0.29, 29), (0.571, 58), (0.0001, 1), (Decimal("0.28"), 28)):
        assert kept(select(scores, keep=keep)) == count
    assert kept(select(scores, keep=Fraction(1, 3))) == 34
    assert kept(select(scores, keep=np.float64(0.07))) == 7


def test_the_strongest_of_all_layers_together_are_kept() -> None:
    scores = {"a": np.array([[0.1, 0.9]]), "b": np.array([[0.5], [0.2]])}
    mask = select(scores, keep=0.5)
    assert mask["a"].tolist() == [[False, True]] and mask["b"].tolist() == [[True], [False]]


def test_all_and_none_are_full_and_empty_whatever_the_scores() -> None:
    scores = {"a": np.zeros((2, 3)), "b": np.ones((4, 2))}
    assert all(array.all() for array in select(scores, keep=1).values())
    assert not any(array.any() for array in select(scores, keep=0).values())


@pytest.mark.parametrize("keep", [-0.01, 1.0001, float("nan"), float("inf"), "half", None])
def test_a_keep_that_is_no_share_is_refused(keep: float) -> None:
    with pytest.raises(BadOption):
        select({"a": np.ones((2, 2))}, keep=keep)
    with pytest.raises(ValueError):
        select({"a": np.ones((2, 2))}, keep=keep)


def test_a_score_that_is_not_finite_is_refused() -> None:
    with pytest.raises(BadTensor, match="layer b"):
        select({"a": np.ones((2, 2)), "b": np.array([[1, np.nan]])}, keep=0.5)


def test_ties_are_kept_all_or_none_or_by_place() -> None:
    scores = {"a": np.array([[3.0, 2, 2, 2, 1]])}
    assert kept(select(scores, keep=0.4)) == 4
    assert kept(select(scores, keep=0.4, threshold="strict")) == 1
    by_place = select(scores, keep=0.4, ties="index")
    assert by_place["a"].tolist() == [[True, True, False, False, False]]


def test_a_score_of_zero_is_kept_only_to_fill_up_from_the_last_layer() -> None:
    network = small_network("normed")
    scores = score(network, pictures(1), "conv3:0", "magnitude")["magnitude"]
    dead = {name: array * (name == "conv1") for name, array in scores.items()}
    scores = type(scores)(dead, scores.wiring)
    wanted = 12 + 6
    never = select(scores, budget=wanted)
    assert never.kept == 12 and never.shortfall == 6
    filled = select(scores, budget=wanted, zeros="fill")
    assert filled.kept == wanted and filled.shortfall == 0 and filled["conv3"].all()


def test_a_share_below_one_that_comes_to_all_kernels_keeps_no_score_of_zero() -> None:
    scores = {"a": np.array([[0.0, 2, 1]]), "b": np.zeros((1, 1))}
    mask = select(scores, keep=0.9)
    assert mask["a"].tolist() == [[False, True, True]] and not mask["b"].any()
    assert kept(select(scores, keep=0.9, threshold="strict")) == 2
    assert kept(select(scores, keep=0.9, zeros="fill")) == 4
    assert kept(select(scores, keep=1, threshold="strict")) == kept(select(scores, budget=4)) == 4


def test_a_budget_is_never_exceeded_and_may_be_more_than_there_is() -> None:
    scores = {"a": np.ones((3, 3))}
    assert kept(select(scores, budget=4)) == 4
    assert kept(select(scores, budget=100)) == 9
    for budget in (-1, 2.5, True):
        with pytest.raises(BadOption):
            select(scores, budget=budget)  # type: ignore[arg-type]


def test_a_held_share_takes_the_fewest_kernels() -> None:
    scores = {"a": np.array([[4.0, 3, 2, 1]])}
    for share, count in ((0, 0), (0.4, 1), (0.41, 2), (0.7, 2), (0.9, 3), (1, 4)):
        assert kept(select(scores, cum_score=share)) == count
    with pytest.raises(BadOption, match="negative"):
        select({"a": np.array([[1.0, -1]])}, cum_score=0.5)


def test_multiplications_stay_within_their_share() -> None:
    network, images = small_network("residual"), pictures(1)
    scores = score(network, images, "last:0", "kernel_mask")["kernel_mask"]
    macs = {name: node.macs for name, node in scores.wiring.layers.items()}
    total = sum(macs[name] * int(a.sum()) for name, a in scores.wiring.counted().items())
    mask = select(scores, macs=0.3)
    assert 0 < sum(macs[name] * int(array.sum()) for name, array in mask.items()) <= 0.3 * total
    assert select(scores, macs=1).kept == scores.wiring.total()
    with pytest.raises(BadOption, match="network"):
        select({"a": np.ones((2, 2))}, macs=0.5)


def test_just_one_amount_is_asked_for() -> None:
    with pytest.raises(BadOption):
        select({"a": np.ones((2, 2))})
    with pytest.raises(BadOption):
        select({"a": np.ones((2, 2))}, keep=0.5, budget=1)
    with pytest.raises(BadOption, match="zeros is one of never, fill"):
        select({"a": np.ones((2, 2))}, keep=0.5, zeros="always")  # type: ignore[call-overload]


@given(random_generators(), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_masks_are_nested_in_keep(rng: np.random.Generator, levels: int) -> None:
    scores = drawn(rng, levels)
    masks = [select(scores, keep=keep) for keep in (0, 0.05, 0.3, 0.31, 0.9, 1)]
    for smaller, larger in itertools.pairwise(masks):
        assert all(not (smaller[name] & ~larger[name]).any() for name in scores)


@given(random_generators(), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_ranks_are_the_order_in_which_kernels_are_kept(
    rng: np.random.Generator, levels: int
) -> None:
    scores = drawn(rng, levels)
    order = ranks(scores)
    everything = sorted(int(rank) for array in order.values() for rank in array.ravel())
    assert everything == list(range(1, 43))
    mask = select(scores, keep=0.4, ties="index")
    positive = {name: scores[name] > 0 for name in scores}
    assert all(np.array_equal(mask[n], (order[n] <= 17) & positive[n]) for n in scores)


def test_a_mask_of_a_network_knows_its_share_and_its_collapse() -> None:
    network, images = small_network("residual"), pictures(1)
    scores = score(network, images, parse_target("last:0"), "kernel_mask")["kernel_mask"]
    mask = select(scores, keep=0.5)
    assert isinstance(mask, Mask) and 0.5 <= mask.keep < 0.51 and not mask.collapsed
    assert effective(mask).kept <= mask.kept
    assert select(scores, keep=0).collapsed and not select(scores, keep=1).collapsed
