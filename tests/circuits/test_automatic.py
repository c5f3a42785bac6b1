"""The criterion chosen per target, and what scoring is said to take."""

from __future__ import annotations

import pytest

from proofsight_server.circuits import ScoreOptions, parse_target, score, select, target_network
from proofsight_server.circuits.automatic import CANDIDATES, automatic
from proofsight_server.circuits.estimate import estimate
from proofsight_server.circuits.evaluation import evaluate
from proofsight_server.circuits.masked import masked
from proofsight_server.errors import BadOption
from tests.circuits.small_networks import SHAPE, pictures, small_network


def test_the_chosen_circuit_is_the_most_faithful_on_the_images_set_aside() -> None:
    network = target_network(small_network("residual"), parse_target("last:1"), SHAPE)
    scored, chosen = pictures(4, 0), pictures(6, 1)
    seen: list[tuple[int, int]] = []
    best = automatic(
        network, scored, chosen, keep=0.2, rounds=2,
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert best.criterion in CANDIDATES and set(best.strengths) == set(CANDIDATES)
    assert best.strengths[best.criterion] == max(best.strengths.values())
    (found,) = evaluate([masked(network, best.mask)], chosen)
    assert abs(found.r) == pytest.approx(best.strengths[best.criterion], abs=1e-6)
    assert best.scores.criterion == best.criterion
    assert seen[-1][0] == seen[-1][1] == 4 * (1 + 3 * 2)


def test_of_equal_candidates_the_first_is_taken() -> None:
    network = target_network(small_network("normed"), parse_target("conv3:1"), SHAPE)
    best = automatic(
        network, pictures(2), pictures(2, 1), keep=1, candidates=("snip", "kernel_mask")
    )
    assert best.criterion == "snip"


def test_a_candidate_that_is_none_is_refused_by_name() -> None:
    network = target_network(small_network("chain"), parse_target("features.5:0"), SHAPE)
    for candidates in (("sparsity",), ("force:magnitude",), ()):
        with pytest.raises(BadOption, match="candidates"):
            automatic(network, pictures(1), pictures(1, 1), keep=0.5, candidates=candidates)


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
