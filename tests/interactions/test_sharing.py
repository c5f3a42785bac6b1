"""What networks share, beside chance: random sets share nothing beyond it, equal ones all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.interactions import Interactions, extract, from_effects
from proofsight_server.interactions.masks import Doubles
from proofsight_server.interactions.primitive import Primitive, candidates
from proofsight_server.interactions.sharing import agreement, membership, overlap, sharing
from proofsight_server.interactions.transfer import transfer
from tests.interactions.slow_effects import places_of
from tests.interactions.test_joint import network_like


def with_effects(ands: Doubles, ors: Doubles) -> tuple[Doubles, Interactions]:
    """Tables that have these effects (m, 2^n), and interactions that say so."""
    tables = from_effects(ands, ors)
    some = extract(network_like(3, 1), gap=0.5)
    return tables, replace(
        some, and_effects=ands, or_effects=ors, scales=np.ones(len(tables)), residual=0 * tables
    )


def effects(*networks: dict[tuple[str, int], float]) -> tuple[Doubles, Interactions]:
    both = np.zeros((2, len(networks), 16))
    for row, given in enumerate(networks):
        for (kind, mask), effect in given.items():
            both[0 if kind == "and" else 1, row, mask] = effect
    return with_effects(both[0], both[1])


def test_figures_of_a_case_that_can_be_counted_by_hand() -> None:
    tables, found = effects(
        {("and", 3): 2.0, ("or", 6): 1.0, ("and", 8): -1.0},
        {("and", 3): 1.0, ("or", 6): -1.0, ("or", 12): 3.0, ("and", 1): 0.01},
    )
    told = sharing(tables, found)
    count = candidates(4)
    assert told.overlap.candidates == count == 26
    assert told.overlap.sizes == (3, 3)
    assert told.overlap.shared == 2
    assert told.overlap.share == (2 / 3, 2 / 3)
    assert told.overlap.chance == (3 / count, 3 / count)
    assert np.allclose(told.overlap.corrected, (2 / 3 - 3 / count) / (1 - 3 / count))
    assert told.overlap.iou == 2 / 4
    assert told.shared == (Primitive("and", 3), Primitive("or", 6))
    assert told.specific == ((Primitive("and", 8),), (Primitive("or", 12),))
    assert told.same_sign == 0.5
    assert np.isclose(told.same_sign_chance or 0, 2 / 3 * 2 / 3 + 1 / 3 * 1 / 3)
    assert np.isclose(told.weighted_iou, 1 / (2 + 1 + 1 + 1 + 3 + 0.01))
    assert told.by_kind["and"].sizes == (2, 1)
    assert told.by_kind["and"].candidates == 15
    assert told.by_kind["or"].candidates == 11
    assert told.orders_all[0, 0].tolist() == [0, 0, 3, 0, 0]
    assert told.orders_all[0, 1].tolist() == [0, -1, 0, 0, 0]
    assert told.orders_shared[1, 0].tolist() == [0, 0, 1, 0, 0]
    assert all(one.primitives == told.shared for one in told.refits)


def test_random_sets_share_what_chance_says() -> None:
    rng = np.random.default_rng(0)
    count = 2000
    corrected: list[float] = []
    ious, chances = [], []
    for _ in range(40):
        sets = [rng.choice(count, size, replace=False) for size in (400, 900, 1500)]
        told = overlap(membership(sets, count), count)
        corrected += told.corrected
        ious.append(told.iou)
        chances.append(told.iou_chance)
    assert abs(np.mean(corrected)) < 0.01
    assert abs(np.mean(ious) - np.mean(chances)) < 0.005


def test_equal_sets_share_all_and_empty_ones_nothing() -> None:
    everything = overlap(np.ones((2, 10), dtype=bool), 10)
    assert everything.corrected == (1.0, 1.0)
    same = overlap(np.arange(10)[None].repeat(2, axis=0) < 4, 10)
    assert same.share == same.corrected == (1.0, 1.0)
    assert same.iou == 1
    empty = overlap(np.zeros((2, 10), dtype=bool), 10)
    assert empty.share == (0.0, 0.0)
    assert empty.iou == 0


def test_the_joint_loss_shares_more_than_networks_apart() -> None:
    tables = network_like(6, 2, seed=3)
    joint = sharing(tables, extract(tables, gap=1e-2), top=20)
    apart = sharing(tables, [extract(row, gap=1e-2) for row in tables], top=20)
    assert joint.overlap.sizes == apart.overlap.sizes == (20, 20)
    assert joint.overlap.shared > apart.overlap.shared


def test_where_nothing_is_shared_there_is_no_sign_and_no_variance_explained() -> None:
    tables, found = effects({("and", 3): 1.0}, {("or", 6): 1.0})
    told = sharing(tables, found)
    assert told.same_sign is None
    assert told.shared == ()
    assert all(one.r2 <= 0 for one in told.refits)


def test_what_cannot_be_compared_is_refused() -> None:
    tables = network_like(4, 2)
    found = extract(tables, gap=0.1)
    with pytest.raises(BadTensor, match="two networks or more"):
        sharing(tables[:1], found)
    with pytest.raises(BadTensor, match="2 networks and tables of shape"):
        sharing(network_like(4, 3), found)
    with pytest.raises(BadOption, match="from 1"):
        sharing(tables, found, top=0)
    assert sharing(tables, found, top=1).overlap.sizes == (1, 1)


def test_an_extraction_agrees_with_itself() -> None:
    found = extract(network_like(4, 2), gap=0.1)
    assert agreement(found, found) == (1.0, 1.0)


def test_primitives_of_a_table_explain_it_better_than_random_ones_like_them() -> None:
    truth = (Primitive("and", 7), Primitive("or", 24), Primitive("and", 17), Primitive("or", 10))
    planted = np.zeros(64)
    planted[places_of(truth, 5)] = [2, -3, 1.5, 2]
    table = from_effects(planted[:32], planted[32:])
    own = extract(table, box=0)
    told = transfer(table, truth, own, np.random.default_rng(0))
    assert np.isclose(told.r2, 1)
    assert np.isclose(told.own, 1)
    assert len(told.random) == 20
    assert max(told.random) < 0.999
    assert told == transfer(table, truth, own, np.random.default_rng(0))
    with pytest.raises(BadOption, match="1 random set"):
        transfer(table, truth, own, np.random.default_rng(0), draws=0)
