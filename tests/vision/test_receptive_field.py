"""What a position of a map sees, against brute force: the gradient of every single position."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from proofsight_server.errors import BadModel, UnknownLayer
from proofsight_server.symbols.feature import Cell, Layer
from proofsight_server.vision.layers import flow_of, inspect, resolve
from proofsight_server.vision.network import Network
from proofsight_server.vision.receptive_field import Box, measured_field, receptive_fields
from proofsight_server.vision.small_cnn import SmallCNN
from tests.vision.networks import Concatenated, DataDependent, Residual, Shared, network


class Headed(nn.Module):
    """Some way to maps, then a head."""

    def __init__(self, body: nn.Module, channels: int = 4) -> None:
        super().__init__()
        self.body = body
        self.fc = nn.Linear(channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc(self.body(x).mean((2, 3)))
        return out


class Shortcut(nn.Module):
    """A residual block whose shortcut skips positions and pads channels, as CIFAR ResNets do."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 2, 3, padding=1)
        self.conv = nn.Conv2d(2, 4, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return torch.relu(self.conv(x) + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 1, 1)))


class Squeezed(nn.Module):
    """Squeeze and excitation: each position is scaled by what is seen everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.fc = nn.Conv2d(4, 4, 1)
        self.last = nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        out: Tensor = self.last(x * torch.sigmoid(self.fc(F.adaptive_avg_pool2d(x, 1))))
        return out


class Shuffled(nn.Module):
    """Channels in two halves, of which one is convolved; then shuffled."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 1)
        self.conv = nn.Conv2d(2, 2, 3, padding=1)
        self.last = nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        left, right = self.stem(x).chunk(2, dim=1)
        x = torch.cat((left, self.conv(right)), dim=1)
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)
        out: Tensor = self.last(F.avg_pool2d(x, 3, 2, 1))
        return out


BODIES = {
    "strided": nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.ReLU(), nn.Conv2d(4, 4, 2)),
    "dilated": nn.Sequential(nn.Conv2d(1, 4, 3, padding=2, dilation=2), nn.Conv2d(4, 4, 3)),
    "same": nn.Sequential(nn.Conv2d(1, 4, 4, padding="same"), nn.Conv2d(4, 4, 1)),
    "lopsided": nn.Sequential(nn.Conv2d(1, 4, (1, 5), padding=(0, 1), stride=(2, 1))),
    "ceiled": nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.MaxPool2d(3, 2, ceil_mode=True), nn.Conv2d(4, 4, 1)
    ),
    "averaged": nn.Sequential(nn.AvgPool2d(2, padding=1), nn.Conv2d(1, 4, 1)),
    "adaptive": nn.Sequential(
        nn.Conv2d(1, 4, 1), nn.AdaptiveAvgPool2d((3, 4)), nn.Conv2d(4, 4, 1)
    ),
    "transposed": nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2), nn.ConvTranspose2d(4, 4, 3, stride=2, padding=1)
    ),
    "circular": nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, padding_mode="circular")),
    "reflected": nn.Sequential(nn.Conv2d(1, 4, 5, padding=2, padding_mode="reflect")),
    "replicated": nn.Sequential(nn.Conv2d(1, 4, 5, padding=2, padding_mode="replicate")),
    "padded": nn.Sequential(nn.ZeroPad2d((2, 0, 1, 0)), nn.Conv2d(1, 4, 3)),
    "grouped": nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4), nn.Conv2d(4, 4, 1)),
    "shortcut": Shortcut(),
    "squeezed": Squeezed(),
    "shuffled": Shuffled(),
}  # fmt: skip


def brute_force(network: Network, layer: Layer, rows: slice, columns: slice) -> Box:
    """The box around the pixels that have a gradient of any of these positions, one at a time."""
    images = torch.randn((24, *network.input_shape), generator=torch.Generator().manual_seed(1))
    images.requires_grad_()
    tapped = flow_of(network).tap([layer.reads], lambda name, map: map.clone())
    map = tapped(images)[1][0]
    map = map if map.ndim == 4 else map[..., None, None]
    seen = torch.zeros(network.input_shape[1:], dtype=torch.bool)
    for row in range(map.shape[2])[rows]:
        for column in range(map.shape[3])[columns]:
            for channel in range(map.shape[1]):
                value = map[:, channel, row, column].sum()
                (gradient,) = torch.autograd.grad(value, images, retain_graph=True)
                seen |= (gradient != 0).any(dim=0).any(dim=0)
    ys, xs = np.nonzero(seen.numpy())
    if not len(ys):
        return 0, 0, 0, 0
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


def last_layer(network: Network) -> Layer:
    return resolve(network)[0].layer


@pytest.mark.parametrize("name", BODIES)
def test_every_position_sees_exactly_what_has_a_gradient(name: str) -> None:
    net = network(Headed(BODIES[name]), shape=(1, 9, 8))
    layer = last_layer(net)
    field = receptive_fields(net, [layer])[layer.atom]
    assert field.exact
    for row in range(len(field.rows)):
        for column in range(len(field.columns)):
            assert field.at(row, column) == brute_force(
                net, layer, slice(row, row + 1), slice(column, column + 1)
            ), (row, column)


@pytest.mark.parametrize("module", [Residual, Shared, Concatenated])
def test_every_layer_of_a_branching_network_sees_what_has_a_gradient(
    module: type[nn.Module],
) -> None:
    net = network(module())
    layers = [info.layer for info in inspect(net)]
    fields = receptive_fields(net, layers)
    for layer in layers:
        field = fields[layer.atom]
        assert field.exact
        middle = len(field.rows) // 2
        here = slice(middle, middle + 1)
        assert field.at(middle, middle) == brute_force(net, layer, here, here), layer


@pytest.mark.parametrize("at", [(0, 0), (0, 2), (1, 1), (2, 0)])
def test_a_cell_sees_what_its_positions_see_together(at: tuple[int, int]) -> None:
    net = network(Headed(nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 2)
    )), shape=(1, 16, 18))  # fmt: skip
    layer = last_layer(net)
    field = receptive_fields(net, [layer])[layer.atom]
    cell = Cell((3, 3), at)
    assert field.of(cell) == brute_force(
        net, layer, *cell.span(len(field.rows), len(field.columns))
    )


def test_the_whole_map_of_a_network_without_padding_sees_the_whole_input() -> None:
    net = network(Headed(nn.Conv2d(1, 4, 3)))
    layer = last_layer(net)
    field = receptive_fields(net, [layer])[layer.atom]
    assert field.of(None) == (0, 0, 8, 8)
    assert field.at(0, 0) == (0, 0, 3, 3)


def test_the_layers_of_small_cnn_see_what_their_kernels_and_pools_add_up_to() -> None:
    net = network(SmallCNN(1, 3, ((4,), (4,), (4,))), shape=(1, 28, 28))
    layers = [info.layer for info in inspect(net)]
    fields = receptive_fields(net, layers)
    assert fields["conv1"].at(14, 14) == (13, 13, 16, 16)
    assert fields["conv2"].at(7, 7) == (11, 11, 19, 19)
    assert fields["conv3"].at(3, 3) == (5, 5, 23, 23)
    assert fields["conv3"].at(0, 6) == (17, 0, 28, 11)
    assert fields["fc1"].of(None) == (0, 0, 28, 28)


def test_padding_alone_is_an_empty_box() -> None:
    net = network(Headed(nn.Sequential(nn.Conv2d(1, 4, 1, padding=1))))
    layer = last_layer(net)
    field = receptive_fields(net, [layer])[layer.atom]
    left, top, right, bottom = field.at(0, 4)
    assert (left, right) == (3, 4)
    assert top == bottom
    assert field.of(None) == (0, 0, 8, 8)


def test_a_network_that_cannot_be_traced_is_measured() -> None:
    net = network(DataDependent())
    layer = resolve(net, ["conv2"])[0].layer
    field = receptive_fields(net, [layer])[layer.atom]
    assert not field.exact
    assert field.at(4, 4) == (2, 2, 7, 7)
    assert field.at(0, 7) == (5, 0, 8, 3)


@pytest.mark.parametrize("name", ["strided", "ceiled", "shortcut", "squeezed"])
def test_measuring_finds_what_the_operations_say(name: str) -> None:
    net = network(Headed(BODIES[name]), shape=(1, 9, 8))
    layer = last_layer(net)
    exact = receptive_fields(net, [layer])[layer.atom]
    measured = measured_field(net, flow_of(net), layer)
    assert measured.rows.tolist() == exact.rows.tolist()
    assert measured.columns.tolist() == exact.columns.tolist()


class Permuted(nn.Module):
    """Tracing follows it, but what a permutation does to maps is not planned for."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.LayerNorm(4)
        self.last = nn.Conv2d(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        out: Tensor = self.last(x)
        return out


def test_an_unforeseen_operation_on_the_way_is_measured() -> None:
    net = network(Headed(Permuted()))
    layer = last_layer(net)
    field = receptive_fields(net, [layer])[layer.atom]
    assert not field.exact
    assert field.at(1, 2) == (2, 1, 7, 6)


def test_values_without_a_gradient_are_refused_where_nothing_else_tells() -> None:
    class Stepped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.conv(x.round().to(torch.int64).float().cumsum(dim=2))
            return out

    net = network(Headed(Stepped()))
    with pytest.raises(BadModel, match=r"what body\.conv sees cannot be found"):
        receptive_fields(net, [last_layer(net)])


def test_a_layer_that_the_network_has_not_is_refused() -> None:
    net = network(Residual())
    with pytest.raises(UnknownLayer, match="conv9"):
        receptive_fields(net, [Layer("conv9", "conv9", "conv", 4, "conv9")])
