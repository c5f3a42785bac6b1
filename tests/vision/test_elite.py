"""Elite BackProp: its weights, its penalty, its edges, and what it does to a network."""

from __future__ import annotations

from dataclasses import asdict
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from proofsight_server.errors import BadOption
from proofsight_server.vision.dataset import Split
from proofsight_server.vision.elite import EliteOptions, State, choose, elite_backprop
from proofsight_server.vision.elite_channels import (
    channel_means,
    class_profile,
    elite_of,
    elite_share,
    penalty,
    random_share,
)
from proofsight_server.vision.fitting import Batches, FitOptions, fit
from proofsight_server.vision.layers import LayerInfo, inspect, resolve
from proofsight_server.vision.network import Network
from proofsight_server.vision.small_cnn import SmallCNN
from tests.vision.networks import DataDependent, Residual, network

NAMES = ("a", "b", "c")


def slow_weights(profile: Tensor, k: int) -> list[list[float]]:
    """One class and channel at a time, as the paper says it."""
    weights = []
    for row in profile.tolist():
        order = sorted(range(len(row)), key=lambda channel: (-row[channel], channel))
        elite, least = set(order[:k]), row[order[k - 1]]
        weights.append(
            [0.0 if c in elite or least == 0 else value / least for c, value in enumerate(row)]
        )
    return weights


def profiles(seed: int, channels: int = 6) -> Tensor:
    generator = np.random.default_rng(seed)
    drawn = generator.integers(0, 5, (3, channels)) * generator.choice([0.5, 1.0])
    return torch.tensor(drawn, dtype=torch.float32)


@given(st.integers(0, 2000), st.integers(1, 5))
def test_weights_are_their_slow_twin_ties_and_dead_channels_included(seed: int, k: int) -> None:
    profile = profiles(seed)
    elite = elite_of(profile, torch.ones(3, dtype=torch.bool), k, NAMES)
    assert torch.allclose(elite.weights, torch.tensor(slow_weights(profile, k)))
    assert ((elite.weights >= 0) & (elite.weights <= 1)).all()
    assert (elite.members.sum(1) == k).all()
    assert elite.dead == tuple(c for c in range(6) if (profile[:, c] == 0).all())
    assert not elite.weights[:, list(elite.dead)].any()


@given(st.integers(0, 200))
def test_repeating_the_images_of_a_class_changes_no_weight(seed: int) -> None:
    generator = np.random.default_rng(seed)
    means = torch.from_numpy(generator.random((9, 6)).astype(np.float32))
    labels = torch.tensor([0, 0, 0, 1, 1, 1, 2, 2, 2])
    again = torch.cat([means, means[labels == 1]]), torch.cat([labels, labels[labels == 1]])
    one = elite_of(*class_profile(means, labels, 3), 2, NAMES)
    two = elite_of(*class_profile(*again, 3), 2, NAMES)
    assert torch.allclose(one.weights, two.weights, atol=1e-6)
    assert torch.equal(one.members, two.members)


def test_the_profile_is_the_mean_of_each_class() -> None:
    means = torch.tensor([[1.0, 2.0], [3.0, 4.0], [10.0, 0.0]])
    profile, present = class_profile(means, torch.tensor([0, 0, 2]), 3)
    assert profile.tolist() == [[2.0, 3.0], [0.0, 0.0], [10.0, 0.0]]
    assert present.tolist() == [True, False, True]


def test_a_class_whose_kth_channel_is_dead_gets_no_penalty_and_a_warning() -> None:
    profile = torch.tensor([[3.0, 0.0, 0.0], [3.0, 2.0, 1.0], [1.0, 2.0, 0.0]])
    elite = elite_of(profile, torch.ones(3, dtype=torch.bool), 2, NAMES)
    assert elite.weights.tolist() == [[0, 0, 0], [0, 0, 0.5], [0, 0, 0]]
    assert elite.warnings == ("fewer than 2 channels are active for a: it gets no penalty",)


def test_a_class_without_images_gets_no_elite_and_a_warning() -> None:
    profile = torch.tensor([[3.0, 1.0, 2.0], [0.0, 0.0, 0.0]])
    elite = elite_of(profile, torch.tensor([True, False]), 1, ("a", "b"))
    assert not elite.weights[1].any() and not elite.members[1].any()
    assert elite.warnings == ("b has no training images: it gets no penalty",)


def test_k_must_leave_a_channel_to_be_penalised() -> None:
    profile, present = torch.rand(3, 4), torch.ones(3, dtype=torch.bool)
    elite_of(profile, present, 3, NAMES)
    with pytest.raises(BadOption, match="K is 4, but the layer has 4 channels"):
        elite_of(profile, present, 4, NAMES)


def test_the_penalty_is_the_formula_and_a_doubled_batch_leaves_it_equal() -> None:
    weights = torch.tensor([[0.0, 0.5], [1.0, 0.0]])
    means, labels = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([0, 1])
    assert float(penalty(means, labels, weights)) == pytest.approx((0.5 * 2 + 1.0 * 3) / 2)
    twice = penalty(means.repeat(2, 1), labels.repeat(2), weights)
    assert float(twice) == pytest.approx(float(penalty(means, labels, weights)))


def test_the_penalty_pulls_at_nothing_that_is_elite_or_dead() -> None:
    profile = torch.tensor([[4.0, 2.0, 1.0, 0.0]])
    elite = elite_of(profile, torch.ones(1, dtype=torch.bool), 1, ("a",))
    means = torch.rand(5, 4, requires_grad=True)
    penalty(means, torch.zeros(5, dtype=torch.int64), elite.weights).backward()  # type: ignore[no-untyped-call]
    assert means.grad is not None
    assert means.grad[0].tolist() == pytest.approx([0, 0.5 / 5, 0.25 / 5, 0])


def test_the_elite_share_does_not_change_with_scale() -> None:
    members = torch.tensor([[True, False], [False, True]])
    means, labels = torch.tensor([[3.0, 1.0], [1.0, 5.0]]), torch.tensor([0, 1])
    assert elite_share(means, labels, members) == pytest.approx(0.8)
    assert elite_share(means * 7, labels, members) == pytest.approx(0.8)
    assert elite_share(means * 0, labels, members) == 0


@pytest.mark.parametrize("k", [1, 2, 4])
def test_channels_at_random_have_the_share_that_all_choices_have_on_average(k: int) -> None:
    means = profiles(3, channels=5)
    labels = torch.tensor([0, 0, 1])
    shares = []
    for chosen in product(combinations(range(5), k), repeat=2):
        members = torch.zeros((2, 5), dtype=torch.bool)
        for row, own in zip(members, chosen, strict=True):
            row[list(own)] = True
        shares.append(elite_share(means, labels, members))
    assert random_share(k, 5) == pytest.approx(np.mean(shares))


def test_means_are_of_magnitudes_in_maps_and_units() -> None:
    map = torch.tensor([[[[1.0, -3.0]], [[0.0, 0.0]]]])
    assert channel_means(map).tolist() == [[2.0, 0.0]]
    assert channel_means(torch.tensor([[1.0, -3.0]])).tolist() == [[1.0, 3.0]]


def test_the_sparsest_within_the_allowed_drop_is_chosen_else_the_control() -> None:
    def state(share: float, accuracy: float) -> State:
        return State(0.1, share, 1.0, 0, accuracy)

    control, good, sparser, worst = (
        state(0.2, 0.99),
        state(0.5, 0.986),
        state(0.6, 0.985),
        state(0.9, 0.98),
    )
    assert choose([control, good, sparser, worst], 0.005) == 2
    assert choose([control, good, worst], 0.0) == 0
    assert choose([control, worst, good], 1.0) == 1


def test_a_control_is_trained_once_beside_whatever_is_swept() -> None:
    assert EliteOptions(strength=0.1).strengths == (0.1,)
    assert EliteOptions(sweep=(0.1, 0.3)).strengths == (0.0, 0.1, 0.3)
    assert EliteOptions(sweep=(0.0, 0.1)).strengths == (0.0, 0.1)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ({"k": 0}, {"k": 1}),
        ({"strength": -0.1}, {"strength": 0.0}),
        ({"strength": float("nan")}, {"strength": 0.5}),
        ({"sweep": (0.1, -1.0)}, {"sweep": (0.1, 1.0)}),
        ({"max_drop": 1.1}, {"max_drop": 1.0}),
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, Any], right: dict[str, Any]) -> None:
    EliteOptions(**right)
    with pytest.raises(BadOption):
        EliteOptions(**wrong)


# --- on a network -------------------------------------------------------------


def data(net: Network, count: int = 48, seed: int = 0) -> Batches:
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = generator.integers(0, 90, (count, 8, 8, 1), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, int(label) * 3 : int(label) * 3 + 2] += 150
    return Batches(net, Split(images, labels, tuple(map(str, range(count)))))


def learn(net: Network) -> None:
    """Elite BackProp is for networks that have learnt."""
    net.module.requires_grad_(True)
    images = data(net)
    fit(
        net.module,
        images,
        images,
        lambda x, labels: nn.functional.cross_entropy(net.module(x), labels),
        FitOptions(8, batch=16, learning_rate=1e-2, jitter=0),
        generator=torch.Generator().manual_seed(0),
        phase="train",
    )


def tuned(
    net: Network, options: EliteOptions, fitting: FitOptions | None = None, **more: Any
) -> tuple[Any, Any]:
    (layer,) = resolve(net)
    learn(net)
    fitting = fitting or FitOptions(4, batch=16, learning_rate=1e-2, jitter=0, keep="last")
    return elite_backprop(net, layer, data(net), data(net, 24, 1), options, fitting, seed=0, **more)


def test_fine_tuning_raises_the_share_and_leaves_what_comes_after_the_layer() -> None:
    net = network(SmallCNN(1, 3, ((4,), (12,))))
    module: Any = net.module
    learn(net)
    (layer,) = resolve(net)
    head = module.head.weight.detach().clone()
    first = module.features[0].weight.detach().clone()
    fitting = FitOptions(6, batch=16, learning_rate=1e-2, jitter=0, keep="last")
    elite, report = elite_backprop(
        net, layer, data(net), data(net, 24, 1), EliteOptions(k=2, strength=0.5), fitting, seed=0
    )
    assert report.after.share > report.before.share + 0.1
    assert report.after.strength == 0.5 and report.tried == (report.after,)
    assert report.control is None, "there is none without a sweep"
    assert report.random_share == pytest.approx(2 / 12)
    assert torch.equal(module.head.weight, head) and module.head.weight.requires_grad
    assert not torch.equal(module.features[0].weight, first)
    assert not net.module.training
    assert elite.weights.shape == (3, 12)
    assert [epoch.phase for epoch in report.epochs] == ["elite"] * 6


def test_one_step_is_the_one_worked_out_by_hand() -> None:
    """The gradient of loss and penalty from one forward pass, against autograd on the formula."""
    net = network(
        nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3)
        )
    )
    twin = network(
        nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3)
        )
    )
    images = data(net, 6)
    x, labels = images.at(torch.arange(6))
    options = FitOptions(1, batch=6, learning_rate=1e-3, weight_decay=0, jitter=0, keep="last")
    (layer,) = resolve(net)
    net.module.requires_grad_(True)
    elite, _ = elite_backprop(
        net, layer, images, images, EliteOptions(k=1, strength=0.7), options, seed=0
    )
    plain: Any = twin.module
    convolution = plain[0]
    convolution.requires_grad_(True)
    maps = torch.relu(convolution(x))
    means = maps.abs().mean((2, 3))
    loss: Any = nn.functional.cross_entropy(plain[4](means), labels)
    for index, label in enumerate(labels):
        for channel in range(3):
            loss = loss + 0.7 / 6 * elite.weights[label, channel] * means[index, channel]
    loss.backward()
    # AdamW's first step is the learning rate times the sign; a cycle of one step is at its peak.
    expected = twin.module.state_dict()["0.weight"] - 1e-3 * convolution.weight.grad.sign()
    assert torch.allclose(net.module.state_dict()["0.weight"], expected, atol=1e-7)


def test_a_sweep_tries_a_control_of_equal_length_first_and_keeps_one_of_its_runs() -> None:
    net = network(SmallCNN(1, 3, ((4,), (12,))))
    steps: list[tuple[int, int]] = []
    _, report = tuned(
        net,
        EliteOptions(k=2, sweep=(0.5, 2.0), max_drop=1.0),
        on_batch=lambda *step: steps.append(step),
    )
    assert [state.strength for state in report.tried] == [0.0, 0.5, 2.0]
    assert report.control == report.tried[0]
    assert report.after == max(report.tried, key=lambda state: state.share)
    assert steps == [(number, 36) for number in range(1, 37)]
    # What is kept is what was measured.
    again = network(SmallCNN(1, 3, ((4,), (12,))))
    _, alone = tuned(again, EliteOptions(k=2, strength=report.after.strength))
    assert asdict(alone.after) == asdict(report.after)


@pytest.mark.parametrize("make", [Residual, DataDependent])
def test_it_works_where_the_layer_ends_in_a_function_and_where_nothing_can_be_traced(
    make: type[nn.Module],
) -> None:
    net = network(make())
    layer: LayerInfo = next(info for info in inspect(net) if info.layer.module == "conv1")
    learn(net)
    images = data(net)
    options = FitOptions(6, batch=16, learning_rate=1e-2, jitter=0, keep="last")
    _, report = elite_backprop(
        net, layer, images, images, EliteOptions(k=1, strength=0.5), options, seed=0
    )
    assert report.after.share > report.before.share


def test_batch_norm_keeps_updating() -> None:
    net = network(SmallCNN(1, 3, ((4,), (12,))))
    learn(net)
    module: Any = net.module
    before = module.features[1].running_mean.clone()
    (layer,) = resolve(net)
    options = FitOptions(1, batch=16, jitter=0, keep="last")
    elite_backprop(net, layer, data(net), data(net), EliteOptions(k=2), options, seed=0)
    assert not torch.equal(module.features[1].running_mean, before)
