"""Primitives: refits and selections against brute force, and what explanations promise."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import minimize

from proofsight_server.errors import BadOption
from proofsight_server.interactions import extract, from_effects
from proofsight_server.interactions.explanation import compact, lossless
from proofsight_server.interactions.masks import Doubles, orders
from proofsight_server.interactions.premise import premise
from proofsight_server.interactions.primitive import (
    Primitive,
    candidates,
    design,
    effects_of,
    primitives_at,
    ranking,
    salient,
)
from proofsight_server.interactions.refit import refit
from proofsight_server.interactions.selection import Target, select
from tests.interactions.slow_effects import places_of

FOUR = (Primitive("and", 3), Primitive("and", 8), Primitive("or", 6), Primitive("or", 15))


def table(regions: int, seed: int = 0) -> Doubles:
    rng = np.random.default_rng(seed)
    kept = (np.arange(1 << regions)[:, None] >> np.arange(regions)) & 1
    return np.maximum(kept @ rng.normal(size=(regions, 8)) + 0.3, 0) @ rng.normal(size=8) * 3


def test_an_and_fires_where_all_its_regions_are_kept_and_an_or_where_any_is() -> None:
    masks = np.arange(8)
    assert Primitive("and", 5).fires(masks).tolist() == [m & 5 == 5 for m in range(8)]
    assert Primitive("or", 5).fires(masks).tolist() == [m & 5 != 0 for m in range(8)]
    assert Primitive("or", 5).regions == (0, 2)
    assert design((), 3).shape == (8, 0)


def test_every_primitive_has_a_place_and_none_is_missed() -> None:
    effects = np.random.default_rng(0).normal(size=32)
    places = ranking(effects)
    assert len(places) == candidates(4)
    assert (np.diff(np.abs(effects[places])) <= 0).all()
    named = primitives_at(places, 4)
    assert all(one.mask and (one.kind == "and" or one.order > 1) for one in named)
    assert np.array_equal(places_of(named, 4), places)


def test_salient_effects_are_above_a_share_of_the_largest_strictly() -> None:
    effects = np.zeros(16)
    effects[[1, 3, 5, 0]] = [10, -0.5, 0.51, 99]
    assert salient(effects).tolist() == [1, 5]
    with pytest.raises(BadOption, match=r"0\.\.1"):
        salient(effects, share=1.5)


def test_least_squares_is_the_least_sum_of_squares_with_the_bias_given() -> None:
    v = table(4)
    found = refit(v, FOUR)
    columns = design(FOUR, 4).astype(float)

    def cost(effects: Doubles) -> float:
        return float(((v - v[0] - columns @ effects) ** 2).sum())

    assert cost(found.effects) <= minimize(cost, np.zeros(4)).fun + 1e-9
    assert np.allclose(found.residual, v - v[0] - columns @ found.effects)
    assert np.isclose(found.r2, 1 - cost(found.effects) / ((v - v.mean()) ** 2).sum())
    assert found.residual[0] == 0


def test_minimax_has_the_least_worst_error() -> None:
    v = table(4)
    found, squares = refit(v, FOUR, "minimax"), refit(v, FOUR)
    assert found.worst <= squares.worst + 1e-9
    for step in np.random.default_rng(0).normal(size=(200, 4)):
        moved = v - v[0] - design(FOUR, 4) @ (found.effects + 0.05 * step)
        assert found.worst <= np.abs(moved).max() + 1e-9
    assert refit(v, (), "minimax").worst == np.abs(v - v[0]).max()


def test_primitives_that_depend_on_each_other_are_refitted_all_the_same() -> None:
    v = table(3)
    both = (Primitive("and", 1), Primitive("and", 2), Primitive("and", 3), Primitive("or", 3))
    assert np.isclose(refit(v, both).r2, refit(v, both[:3]).r2)


def test_another_fit_is_refused() -> None:
    with pytest.raises(BadOption, match="least_squares, minimax"):
        refit(table(3), FOUR, "lasso")


@pytest.mark.parametrize("method", ["prune", "grow"])
def test_a_selection_is_the_smallest_beginning_that_meets_the_target(method: str) -> None:
    v = table(6)
    effects = effects_of(extract(v, gap=1e-2))[0]
    for target in (Target(40, r2=0.95), Target(40, max_error=3.0)):
        found = select(v, effects, target, method=method)
        assert target.met(found)
        fewer = Target(len(found.primitives) - 1, target.r2, target.max_error)
        if method == "grow":
            assert not target.met(select(v, effects, fewer, method=method))
    assert len(select(v, effects, Target(7), method=method).primitives) == 7


def test_pruning_finds_what_brute_force_finds_among_a_planted_few() -> None:
    truth = (Primitive("and", 7), Primitive("or", 24), Primitive("and", 17))
    v = design(truth, 5) @ np.array([2.0, -3.0, 1.5])
    noisy = v + np.random.default_rng(0).normal(size=32) * 0.05
    pool = (*truth, Primitive("and", 3), Primitive("or", 12), Primitive("or", 17))
    effects = np.zeros(64)
    effects[places_of(pool, 5)] = [1, 1, 1, 2, 2, 2]  # the wrong ones look larger
    found = select(noisy, effects, Target(3))
    best = max(combinations(pool, 3), key=lambda few: refit(noisy, few).r2)
    assert set(found.primitives) == set(best) == set(truth)


def test_a_target_that_is_not_met_gives_the_most_and_says_so() -> None:
    v = table(6)
    found = extract(v, gap=1e-2)
    told = compact(v, found, 0, Target(3, r2=1.0))
    assert not told.met
    assert len(told.sum.primitives) == 3
    assert compact(v, found, 0, Target(60, r2=0.9)).met


def test_compact_primitives_come_by_size() -> None:
    v = table(6)
    told = compact(v, extract(v, gap=1e-2), 0, Target(10))
    assert told.mode == "compact"
    assert (np.diff(np.abs(told.sum.effects)) <= 0).all()


def test_a_lossless_explanation_is_the_table() -> None:
    v = table(5)
    told = lossless(v, extract(v, box=0), 0)
    again = v[0] + design(told.sum.primitives, 5) @ told.sum.effects
    assert told.met
    assert np.allclose(again, v, atol=1e-9)
    assert np.isclose(told.sum.r2, 1)


def test_a_lossless_explanation_of_much_or_within_a_box_is_refused() -> None:
    with pytest.raises(BadOption, match="extract with box 0"):
        lossless(table(5), extract(table(5), gap=0.1), 0)
    with pytest.raises(BadOption, match="at most 8 regions, not 9"):
        lossless(table(9), extract(table(9), box=0, gap=0.5), 0)


@pytest.mark.parametrize(
    ("options", "told"),
    [({"most": 0}, "1 primitive"), ({"r2": 1.1}, "at most 1"), ({"max_error": -1.0}, "0 or more")],
)
def test_targets_that_cannot_be_are_refused(options: dict[str, float], told: str) -> None:
    with pytest.raises(BadOption, match=told):
        Target(**options)  # type: ignore[arg-type]  # floats for all
    with pytest.raises(BadOption, match="prune, grow"):
        select(table(3), np.zeros(16), Target(2), method="guess")


def test_the_premise_is_checked_on_means_by_size_in_the_direction_of_the_score() -> None:
    rising = from_effects(np.eye(1, 8, 7)[0], np.zeros(8))
    assert premise(rising).monotone
    assert premise(-rising).monotone
    humped = np.where(orders(3) == 1, 5.0, orders(3) * 1.0)
    assert premise(humped).means.tolist() == [0, 5, 2, 3]
    assert str(premise(humped)) == "violates monotonicity"
