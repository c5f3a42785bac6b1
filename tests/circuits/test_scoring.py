"""Scores of kernels: the fast reductions against their definitions, and what changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from proofsight_server.circuits import (
    ScoreOptions,
    Scores,
    parse_target,
    reductions,
    score,
    select,
    target_network,
)
from proofsight_server.circuits.evaluation import evaluate
from proofsight_server.circuits.masked import masked
from proofsight_server.circuits.passes import channel_scores
from proofsight_server.circuits.scores import Doubles
from proofsight_server.circuits.target import Logit
from proofsight_server.errors import BadModel, BadOption, BadTarget, BadTensor
from tests.circuits.slow_scores import slow_scores
from tests.circuits.small_networks import KINDS, LAST, SHAPE, pictures, small_network

DATA_DRIVEN = ("kernel_mask", "snip", "actgrad")
SUMS = ScoreOptions(reduce="sum")


def whole(scores: Scores) -> Doubles:
    return np.concatenate([array.ravel() for array in scores.values()])


def assert_same(one: Scores, other: Scores, tolerance: float = 1e-9) -> None:
    assert list(one) == list(other)
    for layer in one:
        np.testing.assert_allclose(one[layer], other[layer], rtol=tolerance, atol=1e-12)


def assert_near(array: Doubles, expected: Doubles, criterion: str) -> None:
    # The maps that actgrad adds up are single precision.
    tolerance = 1e-5 if criterion == "actgrad" else 1e-8
    np.testing.assert_allclose(array, expected, rtol=tolerance, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_of_a_channel_are_those_of_the_definitions(kind: str) -> None:
    module, images = small_network(kind), pictures(3)
    fast = score(module, images, f"{LAST[kind]}:2", DATA_DRIVEN, options=SUMS)
    slow = slow_scores(module, images, LAST[kind], lambda z: z[2].abs().sum())
    for criterion in DATA_DRIVEN:
        wiring = fast[criterion].wiring
        for layer, array in fast[criterion].items():
            expected = getattr(slow, criterion)[layer][wiring.layers[layer].rows]
            assert_near(array, expected, criterion)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_of_a_logit_are_those_of_the_definitions(kind: str) -> None:
    module, images = small_network(kind), pictures(2)
    fast = score(module, images, "logit:1", DATA_DRIVEN, options=SUMS)
    slow = slow_scores(module, images, None, lambda logits: logits[1])
    for criterion in DATA_DRIVEN:
        for layer, array in fast[criterion].items():
            rows = fast[criterion].wiring.layers[layer].rows
            expected = getattr(slow, criterion)[layer][rows]
            assert_near(array, expected, criterion)


LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "abs_sum": lambda y: y.abs().sum(),
    "sum": lambda y: y.sum(),
    "mean": lambda y: y.mean(),
    "max": lambda y: y.max(),
    "argmax": lambda y: y.flatten()[y.argmax()],
    "position": lambda y: y[y.shape[0] // 2, y.shape[1] // 2],
    "position(0,2)": lambda y: y[0, 2],
}


@pytest.mark.parametrize("loss", LOSSES)
def test_each_loss_is_what_its_name_says(loss: str) -> None:
    module, images = small_network("normed"), pictures(2)
    target = parse_target("conv3:1", loss=loss)
    fast = score(module, images, target, "kernel_mask")["kernel_mask"]
    slow = slow_scores(module, images, "conv3", lambda z: LOSSES[loss](z[1]))
    for layer, array in fast.items():
        rows = fast.wiring.layers[layer].rows
        np.testing.assert_allclose(array, slow.kernel_mask[layer][rows], rtol=1e-8, atol=1e-10)


def test_a_direction_weighs_the_channels_of_its_layer() -> None:
    module, images = small_network("residual"), pictures(2)
    fast = score(module, images, "last:3=-0.5,1=2,0=0", DATA_DRIVEN, options=SUMS)
    slow = slow_scores(module, images, "last", lambda z: (2 * z[1] - 0.5 * z[3]).abs().sum())
    for criterion in DATA_DRIVEN:
        assert list(fast[criterion].wiring.layers["last"].rows) == [1, 3]
        for layer, array in fast[criterion].items():
            rows = fast[criterion].wiring.layers[layer].rows
            expected = getattr(slow, criterion)[layer][rows]
            assert_near(array, expected, criterion)


def test_a_channel_is_a_direction_with_one_weight() -> None:
    module, images = small_network("grouped"), pictures(2)
    channel = score(module, images, "last:3", DATA_DRIVEN)
    direction = score(module, images, "last:3=1", DATA_DRIVEN)
    for criterion in DATA_DRIVEN:
        assert_same(channel[criterion], direction[criterion])


@pytest.mark.parametrize("target", ["last:2", "logit:0"])
def test_means_are_sums_divided_by_taps_or_positions(target: str) -> None:
    module, images = small_network("residual"), pictures(2)
    means = score(module, images, target, ("snip", "actgrad", "magnitude"))
    sums = score(module, images, target, ("snip", "actgrad", "magnitude"), options=SUMS)
    taps = means["snip"].wiring.layers["stem"].taps
    np.testing.assert_allclose(means["snip"]["stem"] * taps, sums["snip"]["stem"])
    np.testing.assert_allclose(means["magnitude"]["stem"] * taps, sums["magnitude"]["stem"])
    np.testing.assert_allclose(means["actgrad"]["stem"] * 81, sums["actgrad"]["stem"])


@pytest.mark.parametrize("kind", ["chain", "grouped"])
def test_the_effect_of_deleting_is_at_most_the_sums_over_taps_and_positions(kind: str) -> None:
    found = score(small_network(kind), pictures(3), f"{LAST[kind]}:1", DATA_DRIVEN, options=SUMS)
    kernel_mask = whole(found["kernel_mask"])
    assert (kernel_mask <= whole(found["snip"]) * (1 + 1e-9) + 1e-12).all()
    assert (kernel_mask <= whole(found["actgrad"]) * (1 + 1e-5) + 1e-12).all()


@pytest.mark.parametrize("precision", ["double", "single"])
def test_batches_order_and_threads_change_nothing(precision: str) -> None:
    module, images = small_network("concatenated"), pictures(9)
    order = torch.from_numpy(np.random.default_rng(3).permutation(9))
    threads = torch.get_num_threads()
    runs = []
    for batch, some, count in ((1, images, 1), (7, images[order], 2), (64, images.flip(0), 1)):
        torch.set_num_threads(count)
        options = ScoreOptions(batch=batch, precision=precision)  # type: ignore[arg-type]
        runs.append(score(module, some, "last:1", DATA_DRIVEN, options=options))
    torch.set_num_threads(threads)
    for run in runs[1:]:
        for criterion in DATA_DRIVEN:
            tolerance = 1e-7 if precision == "double" else 1e-3
            assert_same(run[criterion], runs[0][criterion], tolerance)


@pytest.mark.parametrize("kind", ["chain", "grouped"])
@pytest.mark.parametrize("cached", [1, 40, 300])
def test_maps_in_small_pieces_add_up_to_the_same(
    kind: str, cached: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, images = small_network(kind), pictures(2)
    whole = score(module, images, "logit:1", "actgrad")["actgrad"]
    monkeypatch.setattr(reductions, "_CACHED", cached)
    assert_same(score(module, images, "logit:1", "actgrad")["actgrad"], whole, 1e-5)


def test_scores_of_a_set_are_the_sum_of_those_of_its_images() -> None:
    module, images = small_network("normed"), pictures(4)
    together = score(module, images, "conv3:0", DATA_DRIVEN)
    alone = [score(module, image[None], "conv3:0", DATA_DRIVEN) for image in images]
    for criterion in DATA_DRIVEN:
        total = sum(whole(one[criterion]) for one in alone)
        np.testing.assert_allclose(whole(together[criterion]), total, rtol=1e-7)


def test_one_pass_gives_what_passes_alone_give() -> None:
    module, images = small_network("padded"), pictures(3)
    together = score(module, images, "conv5:0", DATA_DRIVEN)
    for criterion in DATA_DRIVEN:
        alone = score(module, images, "conv5:0", criterion)[criterion]
        assert_same(together[criterion], alone, 1e-12)


def test_linear_modules_are_kernels_where_the_head_is_made_of_them() -> None:
    module, images = small_network("chain").double(), pictures(2)
    target = parse_target("logit:2", head="kernels")
    found = score(small_network("chain"), images, target, "kernel_mask")["kernel_mask"]
    assert [found[layer].shape for layer in ("head.0", "head.2")] == [(6, 5), (1, 6)]
    total = np.zeros((6, 5))
    first = module.get_submodule("head.0")
    assert isinstance(first, nn.Linear)
    for image in images.double():
        mask = torch.ones(6, 5, 1, dtype=torch.float64, requires_grad=True)
        weight = (first.weight.reshape(6, 5, 4) * mask).reshape(6, 20)
        logits = torch.func.functional_call(module, {"head.0.weight": weight}, (image[None],))
        (gradient,) = torch.autograd.grad(logits[0, 2], mask)
        total += gradient[:, :, 0].abs().numpy()
    np.testing.assert_allclose(found["head.0"], total, rtol=1e-8, atol=1e-12)


def test_the_effect_of_deleting_is_a_difference_of_the_network_with_other_weights() -> None:
    module, images = small_network("residual"), pictures(1)
    network = target_network(module, parse_target("last:0", loss="sum"), SHAPE).double()
    found = score(module, images, network.target, "kernel_mask")["kernel_mask"]
    weight = network.modules["conv2"].weight
    step = 1e-5
    values = []
    for sign in (1, -1):
        changed = weight.clone()
        changed[3, 1] *= 1 + sign * step
        copied = network.root
        with torch.no_grad():
            kept = weight.clone()
            weight.copy_(changed)
            values.append(float(network(images.double()).sum()))
            weight.copy_(kept)
        assert copied is network.root
    assert found["conv2"][3, 1] == pytest.approx(abs(values[0] - values[1]) / (2 * step), rel=1e-5)


def test_minmax_brings_each_layer_to_one() -> None:
    module, images = small_network("normed"), pictures(2)
    options = ScoreOptions(layer_norm="minmax")
    found = score(module, images, "conv3:0", "actgrad", options=options)["actgrad"]
    for array in found.values():
        assert array.min() == 0 and array.max() == 1


def test_random_scores_follow_their_seed_and_are_never_zero() -> None:
    module, images = small_network("normed"), pictures(1)
    one, same = (score(module, images, "conv3:0", "random")["random"] for _ in range(2))
    other = score(module, images, "conv3:0", "random", options=ScoreOptions(seed=1))["random"]
    assert_same(one, same)
    assert (whole(one) != whole(other)).any() and (whole(one) > 0).all()


def test_routes_of_images_are_means_of_products_per_channel() -> None:
    module, images = small_network("grouped"), pictures(3)
    network = target_network(module, parse_target("last:1"), SHAPE)
    routes = channel_scores(network, images)
    assert {layer: array.shape for layer, array in routes.items()} == {
        layer: (3, len(node.rows)) for layer, node in network.wiring.layers.items()
    }
    with torch.no_grad():
        maps = network(images).double().abs().mean((1, 2)).numpy()
    np.testing.assert_allclose(routes["last"][:, 0], maps, rtol=1e-5)
    np.testing.assert_allclose(channel_scores(network, images[1:2])["stem"], routes["stem"][1:2])


def test_a_linear_layer_has_a_part_in_the_routes_to_a_logit() -> None:
    module, images = small_network("chain"), pictures(3)
    network = target_network(module, Logit(1, head="kernels"), SHAPE)
    routes = channel_scores(network, images)
    last = list(routes)[-1]
    assert isinstance(network.modules[last], nn.Linear)
    assert routes[last].shape == (3, 1) and (routes[last] > 0).all()


def test_networks_and_images_of_either_float_type_have_the_same_scores() -> None:
    module, images = small_network("normed"), pictures(3)
    single = score(module, images, "conv3:1", "kernel_mask")["kernel_mask"]
    module = module.double()
    for batch in (images, images.double()):
        double = score(module, batch, "conv3:1", "kernel_mask")["kernel_mask"]
        for layer, array in single.items():
            np.testing.assert_allclose(double[layer], array, rtol=1e-9)
    circuit = masked(
        target_network(module, parse_target("conv3:1"), SHAPE), select(double, keep=0.5)
    )
    assert circuit(images.double()).dtype == torch.float64
    with pytest.raises(BadTensor, match="takes float64 tensors"):
        evaluate([circuit], images)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_do_not_need_gradients_to_be_on(kind: str) -> None:
    module, images = small_network(kind), pictures(3)
    expected = score(module, images, f"{LAST[kind]}:2", DATA_DRIVEN)
    for context in (torch.no_grad(), torch.inference_mode()):
        with context:
            found = score(module, images, f"{LAST[kind]}:2", DATA_DRIVEN)
        for criterion in DATA_DRIVEN:
            assert_same(found[criterion], expected[criterion])


def test_nothing_of_the_network_is_changed() -> None:
    module, images = small_network("chain"), pictures(2)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with torch.no_grad():
        logits = module(images)
        score(module, images, "features.5:0", DATA_DRIVEN)
        assert torch.equal(module(images), logits)
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert not any(child._forward_hooks for child in module.modules())


def test_a_dead_target_is_refused_and_a_faint_one_is_not() -> None:
    module, images = small_network("normed"), pictures(2)
    conv = module.get_submodule("conv3")
    assert isinstance(conv, nn.Conv2d) and conv.bias is not None
    conv.weight[0] = 0
    conv.bias[0] = 0
    with pytest.raises(BadTarget, match="dead feature"):
        score(module, images, "conv3:0", "kernel_mask")
    conv.bias[0] = 0.5
    with pytest.raises(BadTarget, match="whatever the kernels do"):
        score(module, images, "conv3:0", "kernel_mask")
    conv.weight[0] = 1e-6
    assert score(module, images, "conv3:0", "kernel_mask")["kernel_mask"]["conv3"].any()


def test_images_that_do_not_fit_are_refused() -> None:
    module = small_network("chain")
    network = target_network(module, parse_target("features.5:0"), SHAPE)
    for images in (pictures(2)[:, :1], pictures(2).half(), pictures(0), pictures(2) * np.nan):
        with pytest.raises(BadTensor):
            score(network, images, criteria="snip")
    with pytest.raises(BadTensor):
        score(module, pictures(2)[0], "features.5:0", "snip")
    with pytest.raises(BadModel):
        score(module, pictures(2)[:, :1], "features.5:0", "snip")
    assert score(network, pictures(2), criteria="snip")


def test_a_criterion_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(BadOption, match="kernel_mask"):
        score(small_network("chain"), pictures(1), "features.5:0", ["snip", "sparsity"])
    with pytest.raises(BadOption, match="reduce"):
        ScoreOptions(reduce="max")  # type: ignore[arg-type]
    with pytest.raises(BadOption, match="batch"):
        ScoreOptions(batch=0)


def test_progress_counts_images_and_can_end_the_work() -> None:
    seen: list[tuple[int, int]] = []
    module, images = small_network("chain"), pictures(5)
    score(
        module, images, "features.5:0", "snip", options=ScoreOptions(batch=2),
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert seen == [(2, 5), (4, 5), (5, 5)]

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(module, images, "features.5:0", "snip", progress=stop)
