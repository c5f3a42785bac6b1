from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsight_server.errors import BadOption
from proofsight_server.interactions.facts import UNIT, NetworkFacts, quantised, shared_by
from proofsight_server.interactions.image_explanation import Solving, explain_image
from proofsight_server.interactions.masks import Doubles
from proofsight_server.interactions.primitive import Primitive
from proofsight_server.interactions.refit import refit
from proofsight_server.interactions.regions import grid
from proofsight_server.interactions.selection import Target
from proofsight_server.interactions.tabulation import Asked, tabulate
from proofsight_server.interactions.transforms import from_effects
from tests.interactions.networks import subject


def drawn(seed: int, regions: int = 4) -> tuple[Doubles, list[Primitive]]:
    rng = np.random.default_rng(seed)
    primitives = [
        Primitive("and" if rng.random() < 0.5 else "or", int(mask))
        for mask in rng.choice(np.arange(1, 1 << regions), 5, replace=False)
    ]
    return rng.normal(0, 3, 1 << regions), primitives


def slow_sum(facts: NetworkFacts, mask: int) -> int:
    total = facts.bias
    for primitive, effect in facts.effects:
        kept = [region in primitive.regions for region in range(16) if mask >> region & 1]
        present = sum(kept)
        if present == primitive.order if primitive.kind == "and" else present:
            total += effect
    return total


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_the_bound_is_the_greatest_difference_over_all_masks_in_whole_numbers(seed: int) -> None:
    table, primitives = drawn(seed)
    facts = quantised("net", table, refit(table, primitives), frozenset(primitives[:2]))
    sums = [slow_sum(facts, mask) for mask in range(16)]
    assert facts.sums().tolist() == sums
    said = [round(float(value) * UNIT) for value in table]
    assert facts.scores.tolist() == said
    assert facts.bound == max(abs(v - s) for v, s in zip(said, sums, strict=True))
    assert facts.bias == said[0]


def test_rounding_adds_at_most_half_a_unit_for_each_effect_and_score() -> None:
    table, primitives = drawn(3)
    found = refit(table, primitives)
    facts = quantised("net", table, found, frozenset())
    assert facts.bound <= found.worst * UNIT + (len(primitives) + 2) / 2


def test_scores_that_are_no_logits_are_refused() -> None:
    table, primitives = drawn(1)
    with pytest.raises(BadOption, match="too large to be a logit"):
        quantised("net", table * 1e9, refit(table * 1e9, primitives), frozenset())


def test_primitives_of_several_networks_are_shared_and_their_signs_compared() -> None:
    scores = np.zeros(4, dtype=np.int64)
    both, turned, one = Primitive("and", 3), Primitive("or", 3), Primitive("and", 1)
    a = NetworkFacts("a", 0, ((both, 5), (turned, 3), (one, 1)), 0, 0, scores)
    b = NetworkFacts("b", 0, ((both, 2), (turned, -3)), 0, 0, scores)
    assert [(s.primitive, s.networks, s.same_sign) for s in shared_by([a, b])] == [
        (both, ("a", "b"), True),
        (turned, ("a", "b"), False),
    ]


def test_primitives_that_are_salient_in_all_networks_are_told_of_each() -> None:
    tables = tabulate([subject("a/1"), subject("b/1")], grid((8, 8), 2, 3), Asked())
    explanation = explain_image(tables, Solving(box=0, target=Target(12)))
    assert explanation.sharing is not None
    told = [{primitive for primitive, _ in facts.effects} for facts in explanation.networks]
    assert told[0] == told[1]  # the same network twice
    assert explanation.sharing.overlap.iou == 1
    assert all(len(facts.effects) <= 12 for facts in explanation.networks)
    for facts in explanation.networks:
        assert facts.bound == np.abs(facts.sums() - facts.scores).max()


def test_the_bound_of_shared_primitives_is_of_those_that_the_facts_say_all_networks_have() -> None:
    asked = [subject("a/1"), subject("b/1")]
    tables = tabulate(asked, grid((8, 8), 1, 2), Asked())
    ands = np.array([[0, 2, 0, 1], [0, 2, 0, 2e-7]])  # of b, and {0, 1} rounds to 0
    planted = replace(tables, tables=from_effects(ands, np.zeros_like(ands)))
    explanation = explain_image(planted, Solving(box=0, lossless=True, nulls=0))
    everywhere = frozenset(
        one.primitive for one in explanation.shared if len(one.networks) == len(asked)
    )
    assert Primitive("and", 3) not in everywhere
    for facts in explanation.networks:
        assert facts.shared_bound == np.abs(facts.sums(everywhere) - facts.scores).max()


def test_a_lossless_explanation_is_refused_before_the_work_where_it_cannot_be() -> None:
    with pytest.raises(BadOption, match="not exact; extract with box 0"):
        Solving(lossless=True).check(4)
    with pytest.raises(BadOption, match="at most 8 regions, not 9"):
        Solving(lossless=True, box=0).check(9)
    Solving(lossless=True, box=0).check(8)
    Solving().check(9)


def test_a_lossless_explanation_is_exact_up_to_rounding() -> None:
    tables = tabulate([subject()], grid((8, 8), 2, 2), Asked())
    explanation = explain_image(tables, Solving(box=0, lossless=True))
    (facts,) = explanation.networks
    assert facts.bound <= len(facts.effects) // 2 + 1
    assert explanation.sharing is None
    assert explanation.shared == ()
