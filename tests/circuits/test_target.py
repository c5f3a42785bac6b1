"""What a person writes for a target, and what it is cut off at."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from proofsight_server.circuits import (
    Direction,
    Logit,
    Loss,
    Parameters,
    Unit,
    parse_target,
    target_network,
)
from proofsight_server.circuits.losses import losses, peaks_of
from proofsight_server.errors import BadModel, BadTarget, UnknownClass, UnknownLayer
from tests.circuits.small_networks import KINDS, LAST, SHAPE, pictures, small_network
from tests.vision.networks import DataDependent


def test_targets_read_as_they_are_written() -> None:
    assert parse_target("conv3:12") == Unit("conv3", 12)
    assert parse_target("features.6:0", loss="max") == Unit("features.6", 0, Loss("max"))
    assert parse_target("conv3:1=0.5, 7=-2") == Direction("conv3", ((1, 0.5), (7, -2.0)))
    assert parse_target("class:street") == parse_target("logit:street") == Logit("street")
    assert parse_target("class:a:b", head="kernels") == Logit("a:b", "kernels")
    assert parse_target("conv3:1", loss="position(2,3)") == Unit(
        "conv3", 1, Loss("position", (2, 3))
    )
    for text in ("conv3:12", "conv3:1=0.5,7=-2.0", "class:street"):
        assert str(parse_target(text)) == text


@pytest.mark.parametrize(
    ("text", "loss", "head"),
    [
        ("conv3", None, None),
        ("conv3:", None, None),
        ("class:", None, None),
        (":3", None, None),
        ("conv3:-1", None, None),
        ("conv3:a", None, None),
        ("conv3:1=x", None, None),
        ("conv3:1=nan", None, None),
        ("conv3:1=0", None, None),
        ("conv3:1=1,1=2", None, None),
        ("conv3:1", "least", None),
        ("conv3:1", "position(1)", None),
        ("conv3:1", None, "frozen"),
        ("logit:3", "sum", None),
        ("logit:3", None, "whole"),
    ],
)
def test_what_is_no_target_is_refused(text: str, loss: str | None, head: str | None) -> None:
    with pytest.raises(BadTarget):
        parse_target(text, loss=loss, head=head)


def test_the_distance_to_its_own_map_is_refused_with_the_reason() -> None:
    with pytest.raises(BadTarget, match="no gradient"):
        Loss.parse("distance")


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_cut_off_computes_what_the_whole_one_does(kind: str) -> None:
    module, images = small_network(kind), pictures(3)
    seen: dict[str, Tensor] = {}
    layer = module.get_submodule(LAST[kind])
    handle = layer.register_forward_hook(lambda child, x, z: seen.update(z=z.clone()))
    logits = module(images)
    handle.remove()
    unit = target_network(module, parse_target(f"{LAST[kind]}:1"), SHAPE)
    torch.testing.assert_close(unit(images), seen["z"][:, 1])
    direction = target_network(module, parse_target(f"{LAST[kind]}:2=0.5,0=-1"), SHAPE)
    expected = 0.5 * seen["z"][:, 2] - seen["z"][:, 0]
    torch.testing.assert_close(direction(images), expected)
    logit = target_network(module, parse_target("logit:1"), SHAPE)
    torch.testing.assert_close(logit(images), logits[:, 1])
    torch.testing.assert_close(logit.double()(images.double()).float(), logits[:, 1])


def test_other_weights_stand_in_without_touching_the_network() -> None:
    module, images = small_network("grouped"), pictures(2)
    network = target_network(module, parse_target("grouped:5"), SHAPE)
    weight = network.modules["grouped"].weight
    twice = network(images, parameters={"grouped": Parameters(2 * weight, None)})
    bias = network.modules["grouped"].bias
    assert bias is not None
    torch.testing.assert_close(twice, 2 * (network(images) - bias[5]))


def test_only_rows_that_lead_to_the_target_count() -> None:
    network = target_network(small_network("grouped"), parse_target("grouped:5"), SHAPE)
    layers = network.wiring.layers
    assert layers["grouped"].rows.tolist() == [5]
    # The shuffle gives channels 1, 4, 7, 10, 2, ... : the second group reads six of the twelve.
    assert len(layers["depth"].rows) == 6
    assert "point" not in layers
    assert target_network(
        small_network("chain"), parse_target("conv2:1"), SHAPE
    ).wiring.total() == (6 * 2 + 6)


def test_a_padded_shortcut_leads_nowhere_for_its_zeros() -> None:
    network = target_network(small_network("residual"), parse_target("conv3:0"), SHAPE)
    shortcut = next(node for node in network.wiring.nodes if node.atom == "add2")
    assert (shortcut.sources == 0).any(axis=0).tolist() == [True, True] + [False] * 4 + [True] * 2


class Twice(nn.Module):
    """One convolution that runs twice, and a tensor that is changed in place after it was read."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.last = nn.Conv2d(2, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        self.relu(x)
        x = self.conv(x)
        out: Tensor = self.last(x).mean((2, 3))
        return out


def test_runs_of_one_module_are_layers_of_their_own_and_work_in_place_is_seen() -> None:
    module, images = Twice().eval().requires_grad_(False), pictures(2)
    network = target_network(module, parse_target("logit:0"), SHAPE)
    assert list(network.wiring.layers) == ["conv", "conv#2", "last"]
    torch.testing.assert_close(network(images), module(images)[:, 0])


class Softly(nn.Module):
    """Channels mix where they should not."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 4, 3)
        self.norm = nn.GroupNorm(2, 4)
        self.conv2 = nn.Conv2d(4, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return F.softmax(self.conv2(self.norm(self.conv1(x))), dim=1).mean((2, 3))


def test_an_operation_that_mixes_channels_is_refused_by_name_unless_it_comes_after() -> None:
    module = Softly().eval()
    with pytest.raises(BadModel, match="norm: GroupNorm"):
        target_network(module, parse_target("conv2:0"), SHAPE)
    assert target_network(module, parse_target("conv1:0"), SHAPE).wiring.total() == 2


def test_flow_that_depends_on_data_is_refused_with_the_line() -> None:
    with pytest.raises(BadModel, match=r"DataDependent\.forward, line \d+"):
        target_network(DataDependent().eval(), parse_target("conv1:0"), (1, 8, 8))


def test_a_network_in_training_mode_is_refused() -> None:
    with pytest.raises(BadModel, match="training mode"):
        target_network(small_network("chain").train(), parse_target("logit:0"), SHAPE)


def test_targets_that_the_network_lacks_are_refused() -> None:
    module = small_network("chain")
    with pytest.raises(UnknownLayer, match="conv3"):
        target_network(module, parse_target("conv33:0"), SHAPE)
    with pytest.raises(BadTarget, match="0 to 4"):
        target_network(module, parse_target("conv3:5"), SHAPE)
    with pytest.raises(BadTarget, match="linear"):
        target_network(module, parse_target("fc1:0"), SHAPE)
    with pytest.raises(BadTarget, match="no convolution"):
        target_network(module, parse_target("features.1:0"), SHAPE)
    with pytest.raises(UnknownClass):
        target_network(module, parse_target("logit:3"), SHAPE)
    assert target_network(module, parse_target("conv3:4"), SHAPE)


def test_a_target_that_no_kernel_feeds_is_refused() -> None:
    module = small_network("chain")
    head = module.get_submodule("head.2")
    assert isinstance(head, nn.Linear)
    head.weight[1] = 0
    with pytest.raises(BadTarget, match="no kernel"):
        target_network(module, parse_target("logit:1"), SHAPE)
    assert target_network(module, parse_target("logit:0"), SHAPE)


def test_a_position_outside_of_the_map_is_refused() -> None:
    maps = torch.zeros(1, 3, 4)
    with pytest.raises(BadTarget, match="3 x 4"):
        losses(maps, Loss("position", (3, 0)))
    assert losses(maps, Loss("position", (2, 3))).shape == (1,)


def test_of_equal_maxima_the_first_is_the_peak() -> None:
    maps = torch.tensor([[[0.0, 2.0], [2.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]]])
    assert peaks_of(maps).tolist() == [1, 0]
