"""A network with the map of one layer replaced, against forward passes written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from examples.networks import resnet20
from proofsight_server.errors import BadModel, BadTensor, UnknownLayer
from proofsight_server.symbols.feature import Layer
from proofsight_server.vision.intervention import Intervention
from proofsight_server.vision.layers import inspect, resolve
from proofsight_server.vision.network import Network
from proofsight_server.vision.probe import Probe
from proofsight_server.vision.small_cnn import SmallCNN
from tests.vision.networks import Concatenated, DataDependent, Residual, Shared, batch, network


class InPlaceUnheeded(nn.Module):
    """Goes on with what its ReLU took, not with what it gave; untraceable where asked to be."""

    def __init__(self, *, traceable: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.act = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1)
        self.fc = nn.Linear(4, 3)
        self.traceable = traceable

    def forward(self, x: Tensor) -> Tensor:
        if not self.traceable and bool(x.max() > 1e9):
            x = x * 0
        x = self.conv1(x)
        self.act(x)
        x = F.relu(self.conv2(x))
        out: Tensor = self.fc(x.mean((2, 3)))
        return out


class UsedInside(nn.Module):
    """A block that also uses its own output itself."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 4, 3, padding=1)
            self.side = nn.Conv2d(4, 4, 1)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            y = torch.relu(self.conv(x))
            return y, self.side(y)

    def __init__(self) -> None:
        super().__init__()
        self.block = self.Block()
        self.fc = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        y, side = self.block(x)
        out: Tensor = self.fc(torch.cat([y, side], 1).mean((2, 3)))
        return out


def logits(net: Network, x: Tensor) -> Tensor:
    with torch.inference_mode():
        found: Tensor = net.module(x)
    return found


def without_channel(channel: int) -> Callable[[Tensor], Tensor]:
    def replace(map: Tensor) -> Tensor:
        map[:, channel] = 0
        return map

    return replace


@pytest.mark.parametrize(
    "make", [Residual, Shared, Concatenated, DataDependent, UsedInside], ids=lambda m: m.__name__
)
def test_a_map_replaced_by_itself_changes_nothing(make: type[nn.Module]) -> None:
    net, x = network(make()), batch(5)
    for info in inspect(net):
        if info.layer.module != "rare":
            found = Intervention(net, info).logits(x, lambda map: map)
            assert torch.allclose(found, logits(net, x), atol=1e-6), info.layer.atom


@pytest.mark.parametrize("make", [Residual, Shared, Concatenated, DataDependent])
def test_the_map_that_comes_by_is_the_one_that_a_probe_reads(make: type[nn.Module]) -> None:
    net, x = network(make()), batch(4)
    infos = [info for info in inspect(net) if info.layer.module != "rare"]
    with Probe(net, infos) as probe:
        _, maps = probe.maps(x)
    for info in infos:
        seen: list[Tensor] = []

        def keep(map: Tensor, seen: list[Tensor] = seen) -> Tensor:
            seen.append(map)
            return map

        Intervention(net, info).logits(x, keep)
        assert torch.allclose(seen[0], maps[info.layer.atom], atol=1e-6), info.layer.atom


def test_a_replaced_map_goes_into_the_residual_connection_too() -> None:
    net, x = network(Residual()), batch(3)
    module: Any = net.module
    with torch.inference_mode():
        first = F.relu(module.bn1(module.conv1(x)))
        first[:, 0] = 0
        second = F.relu(module.bn2(module.conv2(first)) + module.project(first))
        last = F.relu(second - 0.1)
        expected = module.fc(F.adaptive_avg_pool2d(last, 1).flatten(1))
    (layer,) = resolve(net, ["conv1"])
    found = Intervention(net, layer).logits(x, without_channel(0))
    assert torch.allclose(found, expected, atol=1e-6)
    assert not torch.allclose(found, logits(net, x), atol=1e-4)


def test_only_the_named_run_of_a_module_is_replaced() -> None:
    net, x = network(Shared()), batch(3)
    module: Any = net.module
    with torch.inference_mode():
        once = module.block(module.stem(x))
        first, second = once.clone(), module.block(once)
        first[:, 1] = 0
        second[:, 1] = 0
        expected = [module.fc(map.mean((2, 3))) for map in (module.block(first), second)]
    for name, wanted in zip(["block.0", "block.0#2"], expected, strict=True):
        (layer,) = resolve(net, [name])
        found = Intervention(net, layer).logits(x, without_channel(1))
        assert torch.allclose(found, wanted, atol=1e-6), name


@pytest.mark.parametrize("traceable", [True, False])
def test_what_an_in_place_relu_took_is_replaced_with_what_it_gave(traceable: bool) -> None:
    net, x = network(InPlaceUnheeded(traceable=traceable)), batch(3)
    module: Any = net.module
    with torch.inference_mode():
        first = F.relu(module.conv1(x))
        first[:, 0] = 0
        expected = module.fc(F.relu(module.conv2(first)).mean((2, 3)))
    (layer,) = resolve(net, ["conv1"])
    found = Intervention(net, layer).logits(x, without_channel(0))
    assert torch.allclose(found, expected, atol=1e-6)


def test_a_hooked_network_goes_on_with_the_replaced_map() -> None:
    net, x = network(DataDependent()), batch(3)
    module: Any = net.module
    with torch.inference_mode():
        first = F.relu(module.bn1(module.conv1(x)))
        first[:, 3] = 0
        expected = module.fc(F.relu(module.conv2(first)).mean((2, 3)))
    (layer,) = resolve(net, ["conv1"])
    intervention = Intervention(net, layer)
    assert torch.allclose(intervention.logits(x, without_channel(3)), expected, atol=1e-6)
    assert torch.allclose(intervention.logits(x, lambda map: map), logits(net, x), atol=1e-6)
    assert not any(child._forward_hooks for child in net.module.modules())


def test_a_use_inside_the_block_that_gives_the_map_sees_the_replaced_one() -> None:
    net, x = network(UsedInside()), batch(3)
    module: Any = net.module
    with torch.inference_mode():
        first = torch.relu(module.block.conv(x))
        first[:, 1] = 0
        both = torch.cat([first, module.block.side(first)], 1)
        expected = module.fc(both.mean((2, 3)))
    (layer,) = resolve(net, ["conv1"])
    found = Intervention(net, layer).logits(x, without_channel(1))
    assert torch.allclose(found, expected, atol=1e-6)


def test_a_map_given_in_its_place_survives_operations_that_work_in_place() -> None:
    net, x = network(SmallCNN(1, 3, ((4,),))), batch(4)
    (layer,) = resolve(net, ["features.1"])  # batch norm: a ReLU in place follows
    other = torch.linspace(-1, 1, 4 * 64).reshape(1, 4, 8, 8)
    kept = other.clone()
    intervention = Intervention(net, layer)
    found = intervention.logits(x, lambda map: other.expand_as(map))
    assert torch.equal(other, kept)
    assert torch.allclose(found, found[:1].expand_as(found))
    assert torch.equal(found, intervention.logits(x, lambda map: other.expand_as(map)))


def test_the_logits_themselves_can_be_replaced() -> None:
    net, x = network(Residual()), batch(2)
    (layer,) = resolve(net, ["fc"])
    assert torch.equal(Intervention(net, layer).logits(x, torch.zeros_like), torch.zeros(2, 3))


def test_units_and_the_deep_blocks_of_a_residual_network_can_be_replaced() -> None:
    net, x = network(resnet20(), shape=(3, 32, 32), classes=10), batch(2, (3, 32, 32))
    with torch.inference_mode():
        plain = net.module(x)
    for name in ["conv7", "conv13", "conv19", "layer2", "linear"]:
        (layer,) = resolve(net, [name])
        intervention = Intervention(net, layer)
        assert torch.allclose(intervention.logits(x, lambda map: map), plain, atol=1e-5), name
        assert not torch.allclose(intervention.logits(x, torch.zeros_like), plain, atol=1e-2), name


def test_a_layer_that_these_images_do_not_pass_is_refused() -> None:
    net = network(DataDependent())
    rare = Layer("conv3", "rare", "conv", 4, "rare")
    with pytest.raises(UnknownLayer, match="rare"):
        Intervention(net, rare)  # it did not run on the trial batch either
    (layer,) = resolve(net, ["conv2"])
    with pytest.raises(BadModel, match="did not run conv2"):
        Intervention(net, layer).logits(batch(2) + 100, lambda map: map)
    assert not any(child._forward_hooks for child in net.module.modules())


def test_a_map_of_another_shape_is_refused() -> None:
    net, x = network(Residual()), batch(2)
    (layer,) = resolve(net, ["conv1"])
    intervention = Intervention(net, layer)
    with pytest.raises(BadTensor, match=r"map of layer conv1 .* cannot be replaced by .*\(2, 3"):
        intervention.logits(x, lambda map: map[:, :3])
    with pytest.raises(BadTensor, match=r"float64"):
        intervention.logits(x, lambda map: map.double())


def test_a_batch_of_another_shape_is_refused() -> None:
    net = network(Residual())
    (layer,) = resolve(net, ["conv1"])
    with pytest.raises(BadTensor, match="the network takes"):
        Intervention(net, layer).logits(batch(2, (1, 4, 4))[:, :, :, :3], lambda map: map)
