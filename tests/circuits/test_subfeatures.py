"""Sub-features: planted routes are found, and groups that mean nothing are not split."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from proofsight_server.circuits.grouping import GroupingOptions, group
from proofsight_server.circuits.masked import MaskedNetwork, masked
from proofsight_server.circuits.routes import most_active, peaks, routes
from proofsight_server.circuits.selectivity import (
    Control,
    cross_errors,
    overlap,
    selectivities,
    separation,
    shuffled,
)
from proofsight_server.circuits.splitting import SplitOptions, split
from proofsight_server.circuits.subfeature_options import SubfeatureOptions
from proofsight_server.circuits.subfeatures import subfeatures
from proofsight_server.circuits.target import Unit
from proofsight_server.circuits.target_network import target_network
from proofsight_server.errors import BadDataset, BadOption

GROUPS = (np.arange(12), np.arange(12, 24))
OPTIONS = SubfeatureOptions(keeps=(0.5, 0.33))


def two_routes() -> MaskedNetwork:
    """A target that reads image channel 0 through four filters and channel 1 through four."""
    root = nn.Sequential(nn.Conv2d(2, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))
    generator = torch.Generator().manual_seed(0)
    for tensor in root.parameters():
        tensor.data = torch.rand(tensor.shape, generator=generator) + 0.5
    first, last = root[0], root[2]
    assert isinstance(first, nn.Conv2d) and isinstance(last, nn.Conv2d)
    assert first.bias is not None and last.bias is not None
    first.weight.data[:4, 1] *= 0.01
    first.weight.data[4:, 0] *= 0.01
    first.bias.data[:] = 0
    last.bias.data[:] = 0
    network = target_network(root.eval().requires_grad_(False), Unit("2", 0), (2, 6, 6))
    return masked(network, network.wiring.counted())


def images(apart: bool) -> Tensor:
    """24 images; where they are apart, each half has one channel of its own."""
    drawn = torch.rand((24, 2, 6, 6), generator=torch.Generator().manual_seed(1))
    if apart:
        drawn[:12, 1] *= 0.01
        drawn[12:, 0] *= 0.01
    return drawn


def test_routes_add_up_to_one_in_each_layer_and_show_planted_groups() -> None:
    general = two_routes()
    found = routes(general.network, images(apart=True))
    assert found.shape == (24, 9)
    assert np.allclose(found[:, :8].sum(axis=1), 1) and np.allclose(found[:, 8], 1)
    grouping = group(found, GroupingOptions(most=2, draws=5))
    assert {tuple(members.tolist()) for members in grouping.groups} == {
        tuple(range(12)),
        tuple(range(12, 24)),
    }


def test_planted_routes_have_circuits_of_their_own() -> None:
    seen: list[int] = []
    found = subfeatures(
        two_routes(), images(apart=True), GROUPS, OPTIONS,
        progress=lambda done, of: seen.append(of - done),
    )  # fmt: skip
    assert found.split and found.control.p == pytest.approx(1 / 21)
    level = found.levels[1]
    assert (np.diagonal(level.errors) < 0.1).all() and (level.errors[[0, 1], [1, 0]] > 0.8).all()
    own = [int(mask["2"][0, :4].sum()) - int(mask["2"][0, 4:].sum()) for mask in level.circuits]
    assert own == [4, -4]
    assert level.overlaps[0, 1]["2"] == 0
    assert found.chosen == (0.33, 0.33)
    assert seen[-1] == 0 and len(found.control.shuffled) == 20


def test_groups_that_mean_nothing_are_not_split() -> None:
    found = subfeatures(two_routes(), images(apart=False), GROUPS, OPTIONS)
    assert not found.split and found.reason.startswith("no split found")


def test_kernels_outside_the_general_circuit_belong_to_no_group() -> None:
    general = two_routes()
    mask = {name: array.copy() for name, array in general.mask.items()}
    mask["2"][0, 1] = False
    found = subfeatures(masked(general.network, mask), images(apart=True), GROUPS, OPTIONS)
    assert not any(m["2"][0, 1] for level in found.levels for m in level.circuits)


def test_the_most_active_images_come_first() -> None:
    general, x = two_routes(), images(apart=True)
    values, positions = peaks(general.network, x, batch=5)
    maps = general.network(x).flatten(1)
    assert values == pytest.approx(maps.amax(1).numpy())
    assert np.array_equal(positions, maps.argmax(1).numpy())
    assert values[most_active(general.network, x, 4)].tolist() == sorted(values, reverse=True)[:4]
    with pytest.raises(BadOption, match="at least one image"):
        most_active(general.network, x, 0)


def test_cross_errors_are_changes_over_sizes() -> None:
    original = np.array([1.0, -2.0, 4.0])
    circuits = np.array([[1.0, -1.0, 0.0], [0.0, 0.0, 4.0]])
    found = cross_errors(original, circuits, (np.array([0, 1]), np.array([2])))
    assert found.tolist() == [[1 / 3, 1.0], [1.0, 0.0]]
    assert selectivities(found).tolist() == [[0.0, 1 - 1 / 3], [1.0, 0.0]]
    assert separation(found) == pytest.approx((2 / 3 + 1) / 2)
    silent = cross_errors(np.zeros(2), np.ones((2, 2)), (np.array([0]), np.array([1])))
    assert np.isnan(silent).all() and not Control(math.nan, (0.0,)).separated


def test_overlap_is_intersection_over_union_per_layer() -> None:
    left = {"a": np.array([[True, True]]), "b": np.zeros((1, 1), bool)}
    right = {"a": np.array([[True, False]]), "b": np.zeros((1, 1), bool)}
    assert overlap(left, right) == {"a": 0.5, "b": None}
    with pytest.raises(BadOption, match="same layers"):
        overlap(left, {"a": right["a"]})


def test_shuffled_groups_have_the_sizes_and_members_of_the_groups() -> None:
    groups = (np.array([1, 5, 7]), np.array([2, 9]))
    deals = shuffled(groups, 20, np.random.default_rng(0))
    assert len(deals) == 20 and len({tuple(deal[0].tolist()) for deal in deals}) > 1
    for deal in deals:
        assert [len(part) for part in deal] == [3, 2]
        assert sorted(np.concatenate(deal).tolist()) == [1, 2, 5, 7, 9]


def test_a_control_separates_only_above_every_draw() -> None:
    assert Control(0.5, (0.1, 0.4)).separated and Control(0.5, (0.1, 0.4)).p == pytest.approx(1 / 3)
    assert not Control(0.5, (0.1, 0.5)).separated
    assert not Control(-0.1, (-0.3, -0.2)).separated


def test_groups_and_options_that_make_no_sense_are_refused() -> None:
    general, x = two_routes(), images(apart=True)
    with pytest.raises(BadOption, match="two groups"):
        subfeatures(general, x, GROUPS[:1], OPTIONS)
    with pytest.raises(BadDataset, match="none in two"):
        subfeatures(general, x, (np.arange(4), np.arange(3, 8)), OPTIONS)
    with pytest.raises(BadDataset, match="names image 24"):
        subfeatures(general, x, (np.arange(4), np.arange(20, 25)), OPTIONS)
    with pytest.raises(BadOption, match="20 draws at least"):
        SubfeatureOptions(draws=19)


def test_the_protocol_finds_planted_routes_without_being_told() -> None:
    options = SplitOptions(24, GroupingOptions(most=2, draws=5), OPTIONS)
    found = split(two_routes(), images(apart=True), options=options)
    assert found.found and found.subfeatures is not None
    groups = [members.tolist() for members in found.subfeatures.groups]
    assert sorted(groups) == [list(range(12)), list(range(12, 24))]
    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert document["circuits"]["p"] < 0.05 and document["grouping"]["sizes"] == [12, 12]
    given = split(two_routes(), images(apart=True), GROUPS, options)
    assert given.found and given.grouping is None


def test_without_routes_of_their_own_the_answer_is_no_split_found() -> None:
    options = SplitOptions(24, GroupingOptions(most=2, draws=5), OPTIONS)
    found = split(two_routes(), images(apart=False), options=options)
    assert not found.found and found.reason.startswith("no split found")
    assert found.to_json()["reason"] == found.reason
    with pytest.raises(BadOption, match="look at 20 at least"):
        SplitOptions(19)
