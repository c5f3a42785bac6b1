"""What is chosen per target, and what scoring is said to take."""

from __future__ import annotations

import pytest

from proofsight_server.circuits import ScoreOptions, parse_target, score, select, target_network
from proofsight_server.circuits.automatic import Candidate, automatic, considered
from proofsight_server.circuits.connecting import select_connected
from proofsight_server.circuits.estimate import estimate
from proofsight_server.circuits.evaluation import evaluate
from proofsight_server.circuits.force import ForceOptions, force
from proofsight_server.circuits.masked import contributions_for, masked
from proofsight_server.errors import BadOption
from tests.circuits.small_networks import SHAPE, pictures, small_network


def test_the_chosen_circuit_is_the_most_faithful_on_the_images_set_aside() -> None:
    network = target_network(small_network("residual"), parse_target("last:1"), SHAPE)
    scored, chosen = pictures(4, 0), pictures(6, 1)
    seen: list[tuple[int, int]] = []
    best = automatic(
        network, scored, chosen, keep=0.2, criteria=("kernel_mask", "force:kernel_mask"), rounds=2,
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    # Each combination is made by hand, and measured.
    dense = score(network, scored, criteria="kernel_mask")["kernel_mask"]
    expected: dict[str, float] = {}
    for ablation in ("zero", "mean"):
        left = contributions_for(network, ablation, scored)
        options = ForceOptions(2, "kernel_mask")
        forced = force(network, scored, keep=0.2, options=options, contributions=left).scores
        for criterion, scores in (("kernel_mask", dense), ("force:kernel_mask", forced)):
            for name, mask in (
                (criterion, select(scores, keep=0.2)),
                (f"{criterion}, connected", select_connected(scores, keep=0.2)),
            ):
                (found,) = evaluate([masked(network, mask, left)], chosen)
                expected[name + (", mean ablation" if left else "")] = found.absolute_r
    assert dict(best.strengths) == pytest.approx(expected, abs=1e-6)
    name = str(best.candidate)
    assert best.strengths[name] == max(best.strengths.values())
    left = contributions_for(network, best.candidate.ablation, scored)
    (found,) = evaluate([masked(network, best.mask, left)], chosen)
    assert found.absolute_r == pytest.approx(best.strengths[name], abs=1e-6)
    assert best.scores.criterion == best.candidate.criterion
    assert seen[-1][0] == seen[-1][1] == 4 * (1 + 2 * 2)


def test_force_is_scored_again_in_the_network_that_its_ablation_leaves() -> None:
    network = target_network(small_network("normed"), parse_target("conv3:1"), SHAPE)
    images = pictures(4)
    left = contributions_for(network, "mean", images)
    options = ForceOptions(1, "kernel_mask")
    zero = force(network, images, keep=0.2, options=options)
    mean = force(network, images, keep=0.2, options=options, contributions=left)
    assert any((zero.scores[name] != mean.scores[name]).any() for name in zero.scores)
    assert (zero.scores.provenance["ablation"], mean.scores.provenance["ablation"]) == (
        "zero",
        "mean",
    )


def test_what_is_fixed_is_not_chosen() -> None:
    network = target_network(small_network("normed"), parse_target("conv3:1"), SHAPE)
    best = automatic(
        network, pictures(2), pictures(2, 1), keep=0.3, criteria=("snip",),
        selections=("connected",), ablations=("mean",),
    )  # fmt: skip
    assert best.candidate == Candidate("snip", "connected", "mean")
    assert list(best.strengths) == ["snip, connected, mean ablation"]


def test_no_collapse_is_chosen_where_some_candidate_is_none() -> None:
    network = target_network(small_network("chain", seed=1), parse_target("features.5:0"), SHAPE)
    keep = 3 / network.wiring.total()
    best = automatic(network, pictures(3), pictures(4, 1), keep=keep, rounds=2)
    assert 0.0 in best.strengths.values()
    assert not best.mask.collapsed


def test_force_is_tried_where_few_kernels_are_kept() -> None:
    assert "force:kernel_mask" in considered(0.05)
    assert set(considered(0.1)) == {"kernel_mask", "actgrad", "snip", "magnitude"}


def test_of_equal_candidates_the_first_is_taken() -> None:
    network = target_network(small_network("normed"), parse_target("conv3:1"), SHAPE)
    best = automatic(network, pictures(2), pictures(2, 1), keep=1, criteria=("snip", "kernel_mask"))
    assert best.candidate == Candidate("snip", "ranked", "zero")


def test_a_candidate_that_is_none_is_refused_by_name() -> None:
    network = target_network(small_network("chain"), parse_target("features.5:0"), SHAPE)
    for criteria in (("sparsity",), ("force:magnitude",), ()):
        with pytest.raises(BadOption, match="candidates"):
            automatic(network, pictures(1), pictures(1, 1), keep=0.5, criteria=criteria)
    with pytest.raises(BadOption, match="keep"):
        automatic(network, pictures(1), pictures(1, 1), keep=1.5)


def test_what_scoring_takes_grows_with_images_and_not_with_batches_of_them() -> None:
    network = target_network(small_network("chain"), parse_target("features.5:0"), SHAPE)
    options = ScoreOptions(batch=4)
    few, many = (estimate(network, images, ["snip"], options) for images in (4, 400))
    assert many.multiplications == 100 * few.multiplications
    assert many.memory == few.memory > estimate(network, 1, ["snip"], options).memory
    assert few.kernels == network.wiring.total()
    assert estimate(network, 4, ["magnitude"], options).multiplications == 0
    scores = score(network, pictures(4), criteria="snip", options=options)["snip"]
    assert select(scores, keep=1).kept == few.kernels
