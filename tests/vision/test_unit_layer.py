"""Layers with weights: what their units read, and that their sums are the network's values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from examples.networks import lenet
from proofsight_server.errors import BadModel, BadOption
from proofsight_server.vision.convolution import Convolution
from proofsight_server.vision.network import Network
from proofsight_server.vision.probe import Reader
from proofsight_server.vision.small_cnn import SmallCNN
from proofsight_server.vision.unit import Unit
from proofsight_server.vision.unit_layer import (
    UnitLayer,
    explainable_layers,
    logits_layer,
    summing_layers,
)
from tests.vision.networks import Concatenated, DataDependent, Residual, batch, network

Doubles = npt.NDArray[np.float64]

ACTIVATIONS: dict[str, Callable[[Doubles], Doubles]] = {
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "identity": lambda z: z,
    "softmax": lambda z: z,
}


def values_agree(net: Network, layer: UnitLayer | Convolution, unit: Unit) -> bool:
    """Whether weights, bias and activation give what the network gives."""
    features = [f for f in unit.inputs if f is not None]
    reader = Reader(net, [*features, unit.feature], [layer.below, layer.info])
    seen = reader.observe(batch(4, net.input_shape)).values
    inputs = np.zeros((4, len(unit.inputs)))
    inputs[:, [f is not None for f in unit.inputs]] = seen[:, :-1]
    ours = ACTIVATIONS[layer.activation](inputs @ unit.weight + unit.bias)
    return np.allclose(ours, seen[:, -1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        (
            network(SmallCNN(1, 3, ((4, 5), (6,)))),
            {"conv2": "conv1", "conv3": "features_6", "fc1": "conv3"},
        ),
        (
            network(lenet(3), shape=(1, 28, 28)),
            {"conv2": "max_pool2d", "fc1": "max_pool2d_2", "fc2": "fc1"},
        ),
        (network(Concatenated()), {"conv3": "cat", "fc1": "conv3", "fc2": "fc1"}),
    ],
)
def test_every_layer_is_the_sum_of_what_it_takes_in(net: Network, expected: dict[str, str]) -> None:
    layers = summing_layers(net, explainable_layers(net))
    assert {one.info.layer.atom: one.below.layer.atom for one in layers} == expected
    assert layers[-1].activation == "softmax"
    assert logits_layer(net).info == layers[-1].info
    for layer in layers:
        shape = layer.info.shape
        places = [None] if shape is None else [(0, 0), (shape[0] - 1, 1)]
        assert all(values_agree(net, layer, layer.unit(2, place)) for place in places)


def test_a_head_on_means_of_maps_reads_the_means_where_these_are_never_negative() -> None:
    (head,) = summing_layers(network(SmallCNN(1, 3, ((4,),))), ["head"])
    assert {(f.layer, f.reduction) for f in head.unit(0).inputs if f} == {("conv1", "mean")}
    signed = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    )
    net = network(signed)
    (head,) = summing_layers(net, ["4"])
    assert {(f.layer, f.reduction) for f in head.unit(0).inputs if f} == {("m2", "value")}
    assert values_agree(net, head, head.unit(1))


class Patched(nn.Module):
    """A convolution under test on top of another one."""

    def __init__(self, upper: nn.Conv2d) -> None:
        super().__init__()
        self.lower = nn.Conv2d(1, 4, 1)
        self.upper = upper
        self.norm = nn.BatchNorm2d(6)
        self.head = nn.LazyLinear(3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.upper(torch.tanh(self.lower(x))))
        out: Tensor = self.head(torch.tanh(x).flatten(1))
        return out


@pytest.mark.parametrize(
    "upper",
    [
        nn.Conv2d(4, 6, 3),
        nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 2)),
        nn.Conv2d(4, 6, 3, dilation=2, padding="same"),
        nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect", bias=False),
        nn.Conv2d(4, 6, 3, padding=2, padding_mode="circular"),
        nn.Conv2d(4, 6, 3, groups=2, padding=1),
    ],
)
def test_patches_follow_kernel_stride_padding_dilation_and_groups(upper: nn.Conv2d) -> None:
    module = Patched(upper)
    module(torch.zeros(1, 1, 8, 8))
    net = network(module)
    (layer,) = summing_layers(net, ["upper"])
    assert isinstance(layer, Convolution)
    assert (layer.unit(3, (0, 0)).weight * upper.weight[3].flatten().numpy()).min() < 0 or (
        module.norm.weight[3] > 0
    )
    shape = layer.info.shape
    assert shape is not None
    for place in ((0, 0), (shape[0] - 1, shape[1] - 1), (2, 1)):
        unit = layer.unit(5, place)
        assert values_agree(net, layer, unit)
        assert [layer.tap(5, at, place) for at in range(len(unit.inputs))] == list(unit.inputs)


def test_an_unpadded_patch_is_that_of_unfold() -> None:
    net = network(nn.Sequential(nn.Conv2d(1, 2, 1), nn.Conv2d(2, 3, 3, stride=2), nn.Flatten(),
                                nn.Linear(27, 3)))  # fmt: skip
    (layer,) = summing_layers(net, ["1"])
    images = batch(2)
    unfolded = F.unfold(net.module[0](images), 3, stride=2)  # type: ignore[index]
    unit = layer.unit(0, (1, 2))
    reader = Reader(net, [f for f in unit.inputs if f is not None], [layer.below])
    np.testing.assert_allclose(reader.observe(images).values, unfolded[:, :, 1 * 3 + 2], rtol=1e-6)


@pytest.mark.parametrize(
    ("net", "name", "message"),
    [
        (network(SmallCNN(1, 3, ((4,), (5,)))), "conv1", "takes in the image itself"),
        (network(SmallCNN(1, 3, ((4,), (5,)))), "pool", "is AdaptiveAvgPool2d, and only linear"),
        (network(Residual()), "conv2", "goes through add before its values are read"),
    ],
)
def test_layers_that_are_no_sums_of_another_layer_are_refused(
    net: Network, name: str, message: str
) -> None:
    with pytest.raises(BadOption, match=message):
        summing_layers(net, [name])
    assert summing_layers(net, explainable_layers(net))


def test_networks_without_a_linear_end_or_a_fixed_flow_are_refused() -> None:
    all_convolutions = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 3, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    with pytest.raises(BadModel, match="does not end in a linear layer"):
        logits_layer(network(all_convolutions))
    with pytest.raises(BadModel, match="cannot be traced"):
        logits_layer(network(DataDependent()))
