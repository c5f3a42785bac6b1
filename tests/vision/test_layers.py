"""Which layers are found, what they are called, and where their values are read."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from examples.networks import lenet, resnet20
from proofsight_server.errors import BadModel, BadOption, UnknownLayer
from proofsight_server.symbols.feature import Layer
from proofsight_server.vision.hooking import HookedFlow
from proofsight_server.vision.layers import flow_of, inspect, resolve, succession
from proofsight_server.vision.model import build_model
from proofsight_server.vision.network import Network
from proofsight_server.vision.small_cnn import SmallCNN
from proofsight_server.vision.tracing import TracedFlow
from tests.vision.networks import Concatenated, DataDependent, Residual, Shared, network


def reads(net: Network) -> dict[str, str]:
    return {info.layer.module: info.layer.reads for info in inspect(net)}


def default(net: Network) -> Layer:
    (info,) = resolve(net)
    assert info.is_default
    return info.layer


def torchvision(name: str, side: int = 64) -> Network:
    module = build_model(f"torchvision:{name}", classes=3, input_shape=(3, side, side), options={})
    return network(module, shape=(3, side, side))


def test_norm_add_and_functional_activation_that_follow_belong_to_a_layer() -> None:
    assert reads(network(Residual())) == {
        "conv1": "relu_call",
        "conv2": "relu",
        "project": "relu",
        "fc": "fc",
    }


def test_small_cnn_is_read_after_its_relu_and_by_default_at_its_last_convolution() -> None:
    net = network(SmallCNN(1, 3, ((4, 5), (6,))))
    assert reads(net) == {
        "features.0": "features.2",
        "features.3": "features.5",
        "features.7": "features.9",
        "head": "head",
    }
    assert default(net) == Layer("conv3", "features.7", "conv", 6, "features.9")
    assert [info.shape for info in inspect(net)] == [(8, 8), (8, 8), (4, 4), None]


def test_a_pooled_layer_is_read_before_the_pooling() -> None:
    net = network(lenet(3), shape=(1, 28, 28))
    assert reads(net) == {"conv1": "conv1", "conv2": "conv2", "ip1": "relu", "ip2": "ip2"}
    assert default(net) == Layer("conv2", "conv2", "conv", 50, "conv2")


def test_a_residual_network_is_read_after_each_add() -> None:
    net = network(resnet20(), shape=(3, 32, 32), classes=10)
    found = reads(net)
    assert found["conv1"] == "relu"
    assert found["layer2.0.conv1"] == "layer2.0.relu"
    assert found["layer2.0.conv2"] == "layer2.0.relu#2"
    assert default(net) == Layer("conv19", "layer3.2.conv2", "conv", 64, "layer3.2.relu#2")


class Branching(nn.Module):
    """A block whose shortcut, a convolution, runs last or first."""

    def __init__(self, shortcut_first: bool) -> None:
        super().__init__()
        self.first = shortcut_first
        self.long1, self.long2 = nn.Conv2d(1, 4, 1), nn.Conv2d(4, 4, 1)
        self.short, self.fc = nn.Conv2d(1, 4, 1), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        short = self.short(x) if self.first else None
        long = self.long2(torch.relu(self.long1(x)))
        both = torch.relu(long + (self.short(x) if short is None else short))
        logits: Tensor = self.fc(both.mean((2, 3)))
        return logits


@pytest.mark.parametrize("shortcut_first", [False, True])
def test_of_added_branches_the_default_is_the_last_convolution_of_the_longest(
    shortcut_first: bool,
) -> None:
    net = network(Branching(shortcut_first))
    assert default(net).module == "long2"
    flow = TracedFlow(net.module, net.input_shape)
    assert (flow.added("long2"), flow.added("short")) == (("short",), ("long2",))


def test_concatenation_pooling_and_dropout_end_or_pass_as_they_should() -> None:
    assert reads(network(Concatenated())) == {
        "left.0": "left.1",
        "right": "right",
        "head.0": "head.3",
        "fc1": "tanh",
        "fc2": "fc2",
    }


def test_a_module_that_runs_twice_is_two_layers() -> None:
    net = network(Shared())
    assert reads(net) == {
        "stem": "stem",
        "block.0": "block.1",
        "block.0#2": "block.1#2",
        "fc": "fc",
    }
    second = resolve(net, ["block.0#2"])[0].layer
    assert second == Layer("conv3", "block.0#2", "conv", 4, "block.1#2")
    assert [info.layer.atom for info in resolve(net, ["block#2", "block"])] == ["block", "block_2"]


@pytest.mark.parametrize(
    ("name", "layers", "atom", "module", "read"),
    [
        ("resnet18", 21, "conv20", "layer4.1.conv2", "layer4.1.relu#2"),
        ("mobilenet_v2", 53, "conv52", "features.18.0", "features.18.2"),
        ("squeezenet1_1", 26, "conv26", "classifier.1", "classifier.2"),
        ("vgg11", 11, "conv8", "features.18", "features.19"),
    ],
)
def test_networks_of_torchvision_are_read_where_one_expects(
    name: str, layers: int, atom: str, module: str, read: str
) -> None:
    net = torchvision(name, 32)
    assert isinstance(flow_of(net), TracedFlow)
    assert len(inspect(net)) == layers
    layer = default(net)
    assert (layer.atom, layer.module, layer.reads) == (atom, module, read)


def test_fire_modules_are_read_before_their_concatenation() -> None:
    found = reads(torchvision("squeezenet1_1", 64))
    assert found["features.3.expand1x1"] == "features.3.expand1x1_activation"
    assert found["features.3.expand3x3"] == "features.3.expand3x3_activation"


def test_a_network_that_cannot_be_traced_is_read_by_hooks_and_says_so() -> None:
    net = network(DataDependent())
    assert isinstance(flow_of(net), HookedFlow)
    # The functional ReLU after conv2 cannot be seen, so the convolution itself is read.
    assert reads(net) == {"conv1": "act", "conv2": "conv2", "fc": "fc"}
    with pytest.raises(UnknownLayer):
        resolve(net, ["rare"])


def test_tracing_shows_no_progress_bar_and_so_takes_no_semaphore(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr("torch.fx.interpreter.tqdm")
    assert isinstance(flow_of(network(SmallCNN(1, 3, ((4,),)))), TracedFlow)


def test_hooks_and_graph_agree_where_both_can_see() -> None:
    for module, shape in (
        (SmallCNN(1, 3, ((4, 5), (6,))), (1, 8, 8)),
        (Shared(), (1, 8, 8)),
        (
            build_model("torchvision:mobilenet_v2", classes=3, input_shape=(3, 32, 32), options={}),
            (3, 32, 32),
        ),
    ):
        net = network(module, shape=shape)
        traced, hooked = TracedFlow(module, shape), HookedFlow(module, shape)
        for info in inspect(net):
            name = info.layer.module
            assert hooked.points[name].shape == traced.points[name].shape
            if "add" not in traced.reads(name):
                assert hooked.reads(name) == traced.reads(name)


def test_layers_are_named_by_path_or_atom_and_come_in_order_of_execution() -> None:
    net = network(Residual())
    by_path = resolve(net, ["fc", "conv2", "conv1"])
    assert [info.layer.atom for info in by_path] == ["conv1", "conv2", "fc1"]
    assert resolve(net, ["fc1", "conv3"])[0].layer.module in {"project", "conv2"}


def test_any_other_module_is_read_as_it_stands() -> None:
    net = network(resnet20(), shape=(3, 32, 32), classes=10)
    (info,) = resolve(net, ["layer3"])
    assert info.layer == Layer("layer3", "layer3", "map", 64, "layer3")
    assert info.shape == (8, 8)
    (norm,) = resolve(net, ["layer3.2.bn2"])
    assert norm.layer.reads == "layer3.2.bn2"


def test_a_module_of_single_numbers_has_maps_of_one_position() -> None:
    net = network(
        nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    )
    (info,) = resolve(net, ["2"])
    assert info.layer == Layer("m2", "2", "map", 4, "2")
    assert info.shape == (1, 1)


def test_an_atom_is_never_given_twice() -> None:
    class Clashing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Sequential(nn.Identity(), nn.Conv2d(1, 4, 3))
            self.a_b = nn.ReLU()
            self.a = nn.ModuleDict({"b": nn.ReLU()})
            self.fc = nn.Linear(4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.a["b"](self.a_b(self.conv1(x)))
            out: torch.Tensor = self.fc(x.mean((2, 3)))
            return out

    net = network(Clashing())
    names = ["conv1", "conv1.1", "a_b", "a.b"]
    atoms = [info.layer.atom for info in resolve(net, names)]
    assert sorted(atoms) == ["a_b", "a_b_2", "conv1", "conv1_map"]


def test_an_unknown_layer_is_refused_with_the_nearest_names() -> None:
    net = network(SmallCNN(1, 3, ((4, 5), (6,))))
    assert resolve(net, ["conv3"])
    with pytest.raises(UnknownLayer, match=r"'conv33'; nearest: .*conv3"):
        resolve(net, ["conv33"])


def test_a_module_that_gives_neither_maps_nor_units_is_refused() -> None:
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 4, 2, stride=2)
            self.mix = nn.Linear(4, 4)
            self.pair = Pair()
            self.fc = nn.Linear(4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.conv(x).flatten(2).transpose(1, 2)
            x, _ = self.pair(self.mix(x))
            out: torch.Tensor = self.fc(x.mean(1))
            return out

    class Pair(nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, int]:
            return x, 1

    net = network(Tokens())
    assert [info.layer.atom for info in inspect(net)] == ["conv1", "fc2"]
    with pytest.raises(BadOption, match=r"mix gives a tensor \(16, 4\) per image"):
        resolve(net, ["mix"])
    with pytest.raises((BadOption, UnknownLayer)):
        resolve(net, ["pair"])


def test_a_layer_named_twice_is_refused() -> None:
    net = network(Residual())
    with pytest.raises(BadOption, match="conv1 is named twice"):
        resolve(net, ["conv1", "conv1"])


def test_a_network_without_convolutions_has_no_default() -> None:
    net = network(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)))
    assert resolve(net, ["fc1"])
    with pytest.raises(BadModel, match="name a --layer"):
        resolve(net)


def test_a_network_that_does_not_run_is_refused_before_the_work() -> None:
    with pytest.raises(BadModel, match=r"does not run on images of shape \(1, 9, 9\)"):
        inspect(network(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), shape=(1, 9, 9)))


@pytest.mark.parametrize("make", [Residual, Shared, DataDependent])
def test_layers_in_a_row_are_a_succession_in_whatever_order_they_are_named(
    make: type[nn.Module],
) -> None:
    net = network(make())
    layers = resolve(net, ["fc", "conv2", "conv1"])
    assert [info.layer.atom for info in layers] == ["conv1", "conv2", "fc1"]
    assert succession(net, layers) == layers


def test_branches_beside_each_other_and_one_point_twice_are_no_succession() -> None:
    net = network(Concatenated())
    assert succession(net, resolve(net, ["head.0", "right"]))
    with pytest.raises(BadOption, match="conv2 is not made from layer conv1: they stand on branch"):
        succession(net, resolve(net, ["right", "left.0"]))
    with pytest.raises(BadOption, match=r"conv3 and head are read at the same point \(head"):
        succession(net, resolve(net, ["head", "head.0"]))
    with pytest.raises(BadOption, match="at least two layers, and only conv1 was named"):
        succession(net, resolve(net, ["conv1"]))


def test_a_shortcut_around_a_layer_is_not_above_it() -> None:
    net = network(Residual())
    # Both are read after the add that joins them.
    with pytest.raises(BadOption, match="conv2 and conv3 are read at the same point"):
        succession(net, resolve(net, ["conv2", "project"]))


def test_a_network_without_gradients_is_taken_to_be_in_order() -> None:
    class Frozen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(1, 2, 3)
            self.second = nn.Conv2d(2, 2, 3)
            self.fc = nn.Linear(2, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                x.relu_()
                x = self.second(self.first(x))
                out: torch.Tensor = self.fc(x.mean((2, 3)))
                return out

    net = network(Frozen())
    assert len(succession(net, resolve(net, ["first", "second"]))) == 2
