"""Renamed regions: the same effects at other places, so that networks share less than they did."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from proofsight_server.errors import BadOption
from proofsight_server.interactions import and_effects, extract
from proofsight_server.interactions.masks import orders
from proofsight_server.interactions.renaming import derangement, renamed
from proofsight_server.interactions.sharing import sharing
from proofsight_server.interactions.sharing_null import null_of_renamed
from tests.interactions.test_joint import network_like


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_no_region_keeps_its_name_where_there_is_another(count: int) -> None:
    for seed in range(20):
        order = derangement(count, np.random.default_rng(seed))
        assert sorted(order.tolist()) == list(range(count))
        assert count == 1 or (order != np.arange(count)).all()


def test_effects_of_renamed_regions_are_the_same_ones_order_by_order() -> None:
    table = network_like(5, 1)[0]
    before, after = and_effects(table), and_effects(renamed(table, np.random.default_rng(0)))
    assert not np.allclose(before, after)
    for order in range(6):
        chosen = orders(5) == order
        assert np.allclose(np.sort(before[chosen]), np.sort(after[chosen]))


def test_a_network_shares_more_with_itself_than_with_itself_renamed() -> None:
    table = network_like(5, 1)[0]
    other = renamed(table, np.random.default_rng(0))
    for second, least, most in ((table, 1.0, 1.0), (other, 0.0, 0.9)):
        tables = np.stack([table, second])
        assert least <= sharing(tables, extract(tables, gap=1e-2)).weighted_iou <= most


def test_the_null_shares_less_than_twins_do_and_is_the_same_for_a_seed() -> None:
    table = network_like(5, 1)[0]
    tables = np.stack([table, table])
    solved = partial(extract, gap=1e-2)
    steps: list[tuple[int, int]] = []
    null, again = (
        null_of_renamed(
            tables,
            solved,
            2,
            np.random.default_rng(0),
            progress=lambda done, total: steps.append((done, total)),
        )
        for _ in range(2)
    )
    assert null is not None
    assert again is not None
    assert null.extractions == 2
    assert 0 < null.iou < 1 == sharing(tables, solved(tables)).overlap.iou
    assert 0 < null.weighted_iou < 0.9
    assert null.share == again.share
    assert len(null.r2) == 2
    assert steps == [(0, 2), (1, 2), (2, 2)] * 2


def test_no_null_is_drawn_where_none_is_asked_for_or_there_is_no_other_name() -> None:
    rng = np.random.default_rng(0)
    one_region = np.array([[0.0, 1.0], [0.0, 2.0]])
    assert null_of_renamed(one_region, extract, 3, rng) is None
    assert null_of_renamed(network_like(3, 2), extract, 0, rng) is None
    with pytest.raises(BadOption, match="from 0, not -1"):
        null_of_renamed(network_like(3, 2), extract, -1, rng)
