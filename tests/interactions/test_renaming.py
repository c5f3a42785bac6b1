"""Renamed regions: the same effects at other places, so that networks share less than they did."""

from __future__ import annotations

import numpy as np
import pytest

from proofsight_server.interactions import and_effects, extract
from proofsight_server.interactions.masks import orders
from proofsight_server.interactions.renaming import derangement, renamed
from proofsight_server.interactions.sharing import sharing
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
