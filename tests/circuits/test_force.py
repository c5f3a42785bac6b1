"""FORCE: the schedule, rounds, and kernels that return."""

from __future__ import annotations

import numpy as np
import pytest

from proofsight_server.circuits import parse_target, score, select, target_network
from proofsight_server.circuits.force import ForceOptions, force, schedule
from proofsight_server.circuits.masked import masked
from proofsight_server.circuits.passes import kernel_scores, precise
from proofsight_server.errors import BadOption
from tests.circuits.small_networks import SHAPE, pictures, small_network


def test_the_schedule_falls_and_ends_at_k() -> None:
    assert schedule(1000, 10, 10) == [631, 399, 252, 159, 100, 64, 40, 26, 16, 10]
    assert schedule(10000, 100, 2) == [1000, 100]
    assert schedule(57, 3, 1) == [3]
    assert schedule(57, 0, 3)[-1] == 0
    assert schedule(57, 57, 4) == [57] * 4
    for total, wanted in ((1000, 7), (33, 32), (12, 1)):
        steps = schedule(total, wanted, 7)
        assert steps == sorted(steps, reverse=True) and steps[0] <= total


def test_one_round_scores_once_in_what_the_dense_scores_leave() -> None:
    module, images = small_network("residual"), pictures(3)
    network = target_network(module, parse_target("last:1"), SHAPE)
    options = ForceOptions(rounds=1)
    forced = force(network, images, keep=0.3, options=options)
    dense = score(network, images, criteria="snip")["snip"]
    exact, doubles = precise(network, images, options.score)
    left = select(dense, budget=-(-3 * network.wiring.total() // 10))
    arrays = kernel_scores(
        exact, doubles, ["snip"], options.score, parameters=masked(exact, left).parameters
    )["snip"]
    for name, array in forced.scores.items():
        np.testing.assert_allclose(array, np.where(network.wiring.counted()[name], arrays[name], 0))
    again = force(network, images, keep=0.3, options=options, dense=dense)
    assert all(np.array_equal(again.mask[name], forced.mask[name]) for name in forced.mask)


def test_a_kernel_revives() -> None:
    module, images = small_network("residual", seed=3), pictures(4)
    network = target_network(module, parse_target("last:1"), SHAPE)
    dense = score(network, images, criteria="snip")["snip"]
    forced = force(network, images, keep=0.1, options=ForceOptions(rounds=4), dense=dense)
    wanted = -(-network.wiring.total() // 10)
    first = select(dense, budget=schedule(network.wiring.total(), wanted, 4)[0])
    pinned = force(
        network, images, keep=0.3, options=ForceOptions(rounds=4, revive=False), dense=dense
    )
    assert any((forced.mask[name] & ~first[name]).any() for name in first)
    assert not any(((pinned.scores[name] > 0) & ~first[name]).any() for name in first)
    assert forced.mask.kept <= wanted


def test_all_and_none_are_full_and_empty() -> None:
    module, images = small_network("chain"), pictures(2)
    options = ForceOptions(rounds=2)
    full = force(module, images, "features.5:1", keep=1, options=options)
    assert full.mask.kept == full.mask.wiring.total()
    none = force(module, images, "features.5:1", keep=0, options=options)
    assert none.mask.kept == 0 and none.mask.collapsed


def test_progress_runs_over_all_passes() -> None:
    seen: list[tuple[int, int]] = []
    force(
        small_network("chain"), pictures(3), "features.5:1", keep=0.5,
        options=ForceOptions(rounds=2), progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert seen == [(3, 9), (6, 9), (9, 9)]


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(BadOption, match="round"):
        ForceOptions(rounds=0)
    with pytest.raises(BadOption, match="magnitude"):
        ForceOptions(criterion="magnitude")  # type: ignore[arg-type]
    with pytest.raises(BadOption, match="keep"):
        force(small_network("chain"), pictures(1), "features.5:1", keep=1.5)
