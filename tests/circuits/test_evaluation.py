"""Circuits on images: figures, curves over keep, and the choice between circuits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from proofsight_server.circuits import score, select
from proofsight_server.circuits.evaluation import choose, curve, evaluate
from proofsight_server.circuits.faithfulness import Faithfulness, MeasureOptions
from proofsight_server.circuits.masked import masked
from proofsight_server.circuits.moments import Moments
from proofsight_server.circuits.target import Logit, Target, Unit
from proofsight_server.circuits.target_network import TargetNetwork, target_network
from proofsight_server.errors import BadDataset, BadOption, BadTensor
from tests.circuits.small_networks import LAST, SHAPE, pictures, small_network

FEW = MeasureOptions(draws=50)


def cut_off(kind: str = "chain", target: Target | None = None) -> TargetNetwork:
    return target_network(small_network(kind), target or Unit(LAST[kind], 1), SHAPE)


def test_figures_are_those_of_all_maps_at_once_whatever_the_batch() -> None:
    network, x = cut_off("residual"), pictures(9)
    circuits = [
        masked(network, select(score(network, x)["kernel_mask"], keep=keep)) for keep in (0.6, 0.2)
    ]
    y = network(x).numpy()
    for batch in (1, 4, 9):
        found = evaluate(circuits, x, MeasureOptions(batch=batch, draws=50))
        for circuit, one in zip(circuits, found, strict=True):
            z = circuit(x).numpy()
            assert one.r == pytest.approx(np.corrcoef(y.ravel(), z.ravel())[0, 1], rel=1e-5)
            assert one.nmae == pytest.approx(np.abs(z - y).mean() / np.abs(y).mean(), rel=1e-5)
            assert one.images == 9 and not one.collapse and one.agreement is None
            assert one.r_interval is not None and one.r_interval[0] <= one.r <= one.r_interval[1]


def test_keeping_everything_is_wholly_faithful() -> None:
    network, x = cut_off("grouped"), pictures(6)
    (found,) = evaluate([masked(network, network.wiring.counted())], x, FEW)
    assert [found.r, found.slope, found.nmae] == pytest.approx([1, 1, 0])
    assert found.absolute_r == pytest.approx(1)


def test_a_collapse_counts_zero_whatever_its_constant_map_looks_like() -> None:
    network, x = cut_off(), pictures(6)
    empty = {name: np.zeros(node.shape, bool) for name, node in network.wiring.layers.items()}
    (found,) = evaluate([masked(network, empty)], x, FEW)
    assert found.collapse and found.absolute_r == 0
    assert found.constant and found.r == 0 and found.to_json()["collapse"] is True


def test_logits_also_say_how_often_the_decision_is_the_same() -> None:
    network, x = cut_off("normed", Logit(1)), pictures(20)
    mask = select(score(network, x)["kernel_mask"], keep=0.3)
    circuit = masked(network, mask)
    (found,) = evaluate([circuit], x, FEW)
    whole, part = network.output(x).argmax(1), circuit.logits(x).argmax(1)
    assert found.agreement == pytest.approx(float((whole == part).double().mean()))


def test_a_dead_target_is_told_and_no_figure_is_made_up() -> None:
    zero = Moments.of(np.zeros((3, 4)), np.ones((3, 4)))
    found = Faithfulness.of(zero, options=FEW)
    assert found.dead and found.r == 0
    assert (found.slope, found.nmae, found.slope_interval) == (None, None, None)


def test_a_curve_shows_both_kinds_of_images_and_grows_with_keep() -> None:
    network, x = cut_off("concatenated"), pictures(24)
    inside, outside = x[:12], x[12:]
    scores = score(network, inside)["kernel_mask"]
    seen: list[tuple[int, int]] = []
    levels = curve(
        network,
        {keep: select(scores, keep=keep) for keep in (1.0, 0.5, 0.02)},
        inside,
        outside,
        options=FEW,
        progress=lambda done, of: seen.append((done, of)),
    )
    assert [level.keep for level in levels] == [1.0, 0.5, 0.02]
    assert levels[0].held_out is not None and levels[0].held_out.r == pytest.approx(1)
    assert levels[0].effective_keep == 1 and levels[0].kernels == network.wiring.total()
    strengths = [level.in_sample.absolute_r for level in levels if level.in_sample is not None]
    assert strengths == sorted(strengths, reverse=True)
    assert levels[2].effective_keep <= levels[2].kernels / network.wiring.total()
    assert seen == [(12, 24), (24, 24)]
    (alone,) = curve(network, {0.5: select(scores, keep=0.5)}, None, outside, options=FEW)
    assert alone.in_sample is None and alone.to_json()["in_sample"] is None


def test_the_circuit_that_follows_best_is_chosen() -> None:
    network, x = cut_off("residual"), pictures(10)
    found = score(network, x, None, ["kernel_mask", "random"])
    circuits = {name: masked(network, select(found[name], keep=0.4)) for name in found}
    choice = choose(circuits, x)
    strengths = {n: evaluate([c], x, FEW)[0].absolute_r for n, c in circuits.items()}
    assert choice.name == max(strengths, key=lambda name: strengths[name])
    assert choice.strengths == pytest.approx(strengths)


def test_images_that_do_not_fit_and_circuits_of_different_networks_are_refused() -> None:
    network = cut_off()
    circuit = masked(network, network.wiring.counted())
    wrong: Tensor = torch.zeros(2, 3, 9, 9)
    with pytest.raises(BadTensor):
        evaluate([circuit], wrong)
    with pytest.raises(BadDataset, match="no image is left"):
        evaluate([circuit], pictures(0))
    with pytest.raises(BadOption, match="of one network"):
        evaluate([circuit, masked(cut_off(), network.wiring.counted())], pictures(2))
    with pytest.raises(BadOption, match="draws ≥ 1"):
        MeasureOptions(draws=0)
