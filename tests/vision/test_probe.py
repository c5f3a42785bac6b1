"""Values out of layers: what one forward pass says, against plain twins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from examples.networks import resnet20
from proofsight_server.errors import BadImage, BadModel, BadTensor, UnknownLayer
from proofsight_server.symbols.feature import Cell, Feature, Layer, features_of
from proofsight_server.symbols.reduction import reduce_map
from proofsight_server.vision.dataset import Split
from proofsight_server.vision.layers import inspect, resolve
from proofsight_server.vision.network import Network
from proofsight_server.vision.probe import Observation, Probe, Reader, probe_split
from proofsight_server.vision.regions import RegionFinder
from proofsight_server.vision.small_cnn import SmallCNN
from tests.vision.networks import (
    Concatenated,
    DataDependent,
    Residual,
    Shared,
    batch,
    network,
)


def reader_of(net: Network, **options: Any) -> Reader:
    layers = inspect(net)
    features = [f for info in layers for f in features_of(info.layer, info.shape, **options)]
    return Reader(net, features, layers)


def test_maps_are_those_after_norm_add_and_activation() -> None:
    net, x = network(Residual()), batch(3)
    module: Any = net.module
    with torch.inference_mode():
        first = F.relu(module.bn1(module.conv1(x)))
        second = F.relu(module.bn2(module.conv2(first)) + module.project(first))
        logits = module(x)
    with Probe(net, inspect(net)) as probe:
        found, maps = probe.maps(x)
    assert torch.allclose(found, logits)
    assert torch.allclose(maps["conv1"], first)
    assert torch.allclose(maps["conv2"], second) and torch.allclose(maps["conv3"], second)
    assert torch.allclose(maps["fc1"], logits)


def test_a_map_that_is_later_changed_in_place_is_read_as_it_was() -> None:
    net, x = network(SmallCNN(1, 3, ((4,),))), batch(2)
    module: Any = net.module
    with torch.inference_mode():
        normed = module.features[1](module.features[0](x))
    layers = resolve(net, ["features.1"])
    with Probe(net, layers) as probe:
        _, maps = probe.maps(x)
    assert (normed < 0).any()
    assert torch.allclose(maps["features_1"], normed)
    reader = Reader(net, features_of(layers[0].layer, layers[0].shape), layers)
    expected = normed.abs().sum((2, 3)).numpy()
    assert np.allclose(reader.observe(x).values, expected, rtol=1e-5)


def test_layers_whose_values_are_one_tensor_are_read_side_by_side() -> None:
    net, x = network(resnet20(), shape=(3, 32, 32), classes=10), batch(2, (3, 32, 32))
    # The block, the stage, and the convolution in them all end in the same ReLU.
    layers = resolve(net, ["layer3.2.conv2", "layer3.2", "layer3", "layer3.2.conv1", "linear"])
    with Probe(net, layers) as probe:
        logits, maps = probe.maps(x)
    assert list(maps) == [info.layer.atom for info in layers]
    assert torch.equal(maps["conv19"], maps["layer3_2"])
    assert torch.equal(maps["conv19"], maps["layer3"])
    assert not torch.equal(maps["conv18"], maps["conv19"])
    assert torch.equal(maps["fc1"], logits)
    features = [f for info in layers for f in features_of(info.layer, info.shape)]
    seen = Reader(net, features, layers).observe(x)
    for layer in maps:
        own = [i for i, feature in enumerate(features) if feature.layer == layer]
        expected = reduce_map(maps[layer], [features[i] for i in own])
        assert np.allclose(seen.values[:, own], expected, rtol=1e-5)


def test_each_run_of_a_module_is_read_apart() -> None:
    net, x = network(Shared()), batch(2)
    module: Any = net.module
    with torch.inference_mode():
        once = module.block(module.stem(x))
        twice = module.block(once)
    with Probe(net, inspect(net)) as probe:
        _, maps = probe.maps(x)
    assert torch.allclose(maps["conv2"], once)
    assert torch.allclose(maps["conv3"], twice)


@pytest.mark.parametrize("make", [Residual, Shared, Concatenated, DataDependent])
def test_values_are_the_reduced_maps_and_decisions_the_network_s(make: type[nn.Module]) -> None:
    net, x = network(make()), batch(7)
    reader = reader_of(net, grids=(1, 2))
    seen = reader.observe(x)
    with Probe(net, inspect(net)) as probe:
        logits, maps = probe.maps(x)
    with torch.inference_mode():
        bare = net.module(x)
    assert torch.allclose(logits, bare, atol=1e-6)
    assert np.allclose(seen.logits, bare.numpy(), atol=1e-6)
    assert (seen.decisions == bare.argmax(1).numpy()).all()
    assert np.allclose(seen.probabilities, torch.softmax(bare, 1).numpy(), atol=1e-6)
    for layer in {feature.layer for feature in reader.features}:
        columns = [i for i, feature in enumerate(reader.features) if feature.layer == layer]
        own = [reader.features[i] for i in columns]
        assert np.allclose(seen.values[:, columns], reduce_map(maps[layer], own), rtol=1e-5)


@settings(deadline=None, max_examples=20)
@given(st.randoms(use_true_random=False))
def test_columns_follow_the_features_in_any_order(random: Any) -> None:
    net, x = network(Residual()), batch(3)
    reader = reader_of(net)
    order = list(range(len(reader.features)))
    random.shuffle(order)
    order = order[: random.randint(1, len(order))]
    shuffled = Reader(net, [reader.features[i] for i in order], inspect(net))
    assert (shuffled.observe(x).values == reader.observe(x).values[:, order]).all()
    found = shuffled.observe(x, regions=True).regions
    expected = reader.observe(x, regions=True).regions
    assert found is not None and expected is not None
    assert (found == expected[:, order]).all()


def test_values_hardly_depend_on_the_batch_an_image_comes_in() -> None:
    net, x = network(Concatenated()), batch(9)
    reader = reader_of(net)
    whole = reader.observe(x).values
    alone = np.concatenate([reader.observe(x[i : i + 1]).values for i in range(9)])
    assert np.allclose(whole, alone, rtol=1e-4, atol=1e-5)


def test_equal_logits_are_decided_for_the_lowest_class() -> None:
    net = network(SmallCNN(1, 3, ((4,),)))
    module: Any = net.module
    module.head.weight.zero_()
    module.head.bias.copy_(torch.tensor([0.0, 1.0, 1.0]))
    assert reader_of(net).observe(batch(5)).decisions.tolist() == [1] * 5


def test_observing_leaves_the_network_as_it_was() -> None:
    net, x = network(DataDependent()), batch(2)
    hooks = [len(module._forward_hooks) for module in net.module.modules()]
    state = {name: tensor.clone() for name, tensor in net.module.state_dict().items()}
    reader_of(net).observe(x)
    assert [len(module._forward_hooks) for module in net.module.modules()] == hooks
    assert not net.module.training
    for name, tensor in net.module.state_dict().items():
        assert torch.equal(tensor, state[name])


def test_reading_no_features_still_decides() -> None:
    net, x = network(SmallCNN(1, 3, ((4,),))), batch(2)
    seen = Reader(net, [], []).observe(x, regions=True)
    assert len(seen) == 2 and seen.values.shape == (2, 0)
    assert seen.regions is not None and seen.regions.shape == (2, 0, 4)


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (batch(2).double(), "not float64"),
        (batch(2)[0], r"\(1, 8, 8\)"),
        (batch(2, (1, 8, 9)), r"\(2, 1, 8, 9\)"),
        (batch(2, (3, 8, 8)), r"\(2, 3, 8, 8\)"),
        (batch(2)[:0], "at least one image"),
        (torch.full((1, 1, 8, 8), float("nan")), "not finite"),
        (torch.tensor([float("inf"), float("-inf")]).repeat(32).reshape(1, 1, 8, 8), "not finite"),
    ],
)
def test_a_batch_that_is_not_the_network_s_input_is_refused(x: torch.Tensor, says: str) -> None:
    reader = reader_of(network(Residual()))
    reader.observe(batch(2))
    with pytest.raises(BadTensor, match=says):
        reader.observe(x)


def test_large_but_finite_numbers_are_no_reason_to_refuse_a_batch() -> None:
    net = network(SmallCNN(1, 3, ((4,),)))
    x = torch.full((1, 1, 8, 8), 3e38)
    with pytest.raises(BadTensor, match=r"layer conv1, channel|logit of class"):
        reader_of(net).observe(x)
    reader_of(net).observe(x / 1e30)


def test_a_value_that_is_not_finite_is_refused_naming_layer_and_channel() -> None:
    net = network(Residual())
    module: Any = net.module
    module.conv2.weight[2] = float("nan")
    (conv2,) = resolve(net, ["conv2"])
    reader = Reader(net, features_of(conv2.layer, conv2.shape), [conv2])
    with pytest.raises(BadTensor, match=f"layer {conv2.layer.atom}, channel 2"):
        reader.observe(batch(2))
    # Where no feature reads the channel, the decision still does.
    with pytest.raises(BadTensor, match="logit of class class_0 is not finite"):
        Reader(net, [], []).observe(batch(2))


def test_a_layer_that_the_network_lacks_is_refused() -> None:
    net = network(Residual())
    with pytest.raises(UnknownLayer):
        Reader(net, [Feature("conv9", 0)], inspect(net))
    with pytest.raises(UnknownLayer):
        Reader(net, [Feature("conv1", 0)], [Layer("conv1", "conv1", "conv", 4, "relu9")])
    with pytest.raises(UnknownLayer):
        Probe(net, [type(inspect(net)[0])(Layer("a", "a", "map", 4, "b"), (1, 1), False)])


def test_a_layer_that_this_batch_does_not_pass_is_an_error_and_not_an_old_value() -> None:
    net = network(DataDependent())
    (info,) = resolve(net, ["conv2"])
    reader = Reader(net, features_of(info.layer, info.shape), [info])
    reader.observe(batch(2))
    with pytest.raises(BadModel, match="did not run conv2 for these images"):
        reader.observe(batch(2) + 100)


def test_a_split_is_read_batch_by_batch_with_progress() -> None:
    net = network(SmallCNN(1, 3, ((4,),)))
    images = np.random.default_rng(0).integers(0, 256, (10, 8, 8, 1), dtype=np.uint8)
    split = Split(images, None, tuple(str(i) for i in range(10)))
    reader = reader_of(net)
    steps: list[tuple[int, int]] = []
    seen = probe_split(reader, split, batch=4, progress=lambda *step: steps.append(step))
    assert steps == [(4, 10), (8, 10), (10, 10)]
    whole = reader.observe(net.prepare(images))
    assert isinstance(seen, Observation) and len(seen) == 10
    assert np.allclose(seen.values, whole.values, rtol=1e-5)
    assert (seen.decisions == whole.decisions).all()
    with pytest.raises(BadTensor, match="without images"):
        probe_split(reader, split.take([]))


def test_images_of_another_size_than_the_network_s_are_refused() -> None:
    net = network(SmallCNN(1, 3, ((4,),)))
    assert net.prepare(np.zeros((1, 8, 8, 3), np.uint8)).shape == (1, 1, 8, 8)
    with pytest.raises(BadImage, match="takes images of 8 x 8 pixels, these have 9 x 8"):
        net.prepare(np.zeros((1, 8, 9, 1), np.uint8))


def test_a_reader_of_a_residual_network_gives_the_bare_network_s_logits_bit_for_bit() -> None:
    net = network(resnet20(), shape=(3, 32, 32), classes=10)
    x = batch(4, (3, 32, 32))
    layers = resolve(net)
    seen = Reader(net, features_of(layers[0].layer, layers[0].shape), layers).observe(x)
    with torch.inference_mode():
        assert (seen.logits == net.module(x).numpy()).all()


# --- regions ------------------------------------------------------------------


def slow_region(map: torch.Tensor, image: int, feature: Feature) -> tuple[float, ...]:
    height, width = map.shape[2:]
    rows, columns = (feature.cell or Cell((1, 1), (0, 0))).span(height, width)
    strength = {
        (r, c): abs(float(map[image, feature.index, r, c]))
        for r in range(rows.start, rows.stop)
        for c in range(columns.start, columns.stop)
    }
    strong = [place for place, value in strength.items() if value >= max(strength.values()) / 2]
    return (
        min(c for _, c in strong) / width,
        min(r for r, _ in strong) / height,
        (max(c for _, c in strong) + 1) / width,
        (max(r for r, _ in strong) + 1) / height,
    )


@settings(deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 3), st.integers(0, 99))
def test_regions_are_their_slow_twin(height: int, width: int, grid: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    map = torch.randn((3, 4, height, width), generator=generator)
    map[map < 0.3] = 0  # ties, and cells without anything
    grid = min(grid, height, width)
    features = [
        Feature("conv1", channel, "l1", Cell((grid, grid), (r, c)) if grid > 1 else None)
        for channel in (2, 0, 3)
        for r in range(grid)
        for c in range(grid)
    ]
    boxes = RegionFinder(features)(map)
    for image in range(3):
        for column, feature in enumerate(features):
            assert boxes[image, column] == pytest.approx(slow_region(map, image, feature))
    left, top, right, bottom = boxes.transpose(2, 0, 1)
    assert ((left >= 0) & (left < right) & (right <= 1)).all()
    assert ((top >= 0) & (top < bottom) & (bottom <= 1)).all()


def test_the_region_of_a_unit_is_the_whole_image() -> None:
    boxes = RegionFinder([Feature("fc1", 1, "value")])(torch.randn(2, 3))
    assert boxes.tolist() == [[[0, 0, 1, 1]]] * 2


def test_a_bright_spot_is_found_where_it_is() -> None:
    net = network(SmallCNN(1, 3, ((1,),)))
    module: Any = net.module
    module.features[0].weight.zero_()
    module.features[0].weight[0, 0, 1, 1] = 1
    module.features[1].reset_parameters()
    x = torch.zeros(1, 1, 8, 8)
    x[0, 0, 2, 5] = 1
    seen = reader_of(net).observe(x, regions=True)
    assert seen.regions is not None
    assert seen.regions[0, 0].tolist() == [5 / 8, 2 / 8, 6 / 8, 3 / 8]


def test_files_give_the_values_of_their_arrays(tmp_path: Path) -> None:
    from PIL import Image

    from proofsight_server.vision.dataset import open_dataset

    pixels = np.random.default_rng(3).integers(0, 256, (12, 8, 8, 1), dtype=np.uint8)
    for place, image in enumerate(pixels):
        Image.fromarray(image[..., 0]).save(tmp_path / f"{place:02}.png")
    data = open_dataset(f"images:{tmp_path}", labelled=False)
    reader = reader_of(network(SmallCNN(1, 3, ((4,),))))
    places = [int(name[:2]) for name in data.train.ids]
    from_files = probe_split(reader, data.train)
    assert (
        from_files.values == reader.observe(reader.network.prepare(pixels[places])).values
    ).all()
