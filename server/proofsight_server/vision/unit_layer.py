"""Layers whose units are sums of their inputs with weights: what they read, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from proofsight_server.errors import BadModel, BadOption
from proofsight_server.symbols.feature import Cell, Feature, Ints
from proofsight_server.vision.layers import LayerInfo, flow_of, inspect, resolve, taken_at
from proofsight_server.vision.network import Network
from proofsight_server.vision.spans import OUTSIDE, bounded, sliding
from proofsight_server.vision.tracing import TracedFlow
from proofsight_server.vision.upstream import (
    After,
    after,
    logits_node,
    never_negative,
    pooled_from,
    taken,
)

Doubles = npt.NDArray[np.float64]
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Unit:
    """One sum: unit `index` of a layer, for a convolution that of one position of its map.

    Its value before the activation is the sum of `weight` (n,) times its inputs, plus `bias`.
    `inputs` are n features, None where a convolution reads the zero of its padding.  `feature`
    is the unit's own value, after the activation.
    """

    index: int
    weight: Doubles
    bias: float
    inputs: tuple[Feature | None, ...]
    feature: Feature


class Summing(Protocol):
    """What linear layers and convolutions have in common."""

    @property
    def info(self) -> LayerInfo:
        """The layer; its values are those after batch norm and activation."""

    @property
    def below(self) -> LayerInfo:
        """The layer, or the point read as it stands, whose features its units read."""

    @property
    def activation(self) -> str:
        """What comes after the sum: torch's name of the function in lower case.

        `identity` for none, `softmax` for the layer of the logits.
        """

    def unit(self, index: int, place: Place | None = None) -> Unit:
        """A unit, or a channel at (row, column) of its map."""


@dataclass(frozen=True, slots=True)
class UnitLayer:
    """A linear layer, with a batch norm before its activation folded in.

    Attributes
    ----------
    info, below, activation
        As of every `Summing`.
    weight, bias
        (units, inputs) and (units,) float64: a unit's value before the activation is its weights
        times the inputs, plus its bias.  Of the layer of the logits they are the network's own.
    inputs
        The features that the inputs are, in order, all of `below`: units, single positions of
        maps (`value`), or means of maps that are never negative.
    """

    info: LayerInfo
    below: LayerInfo
    activation: str
    weight: Doubles
    bias: Doubles
    inputs: tuple[Feature, ...]

    def unit(self, index: int, place: Place | None = None) -> Unit:
        """Unit `index`; a linear layer has no places."""
        feature = Feature(self.info.layer.atom, index, "value")
        return Unit(index, self.weight[index], float(self.bias[index]), self.inputs, feature)


@dataclass(frozen=True)
class Convolution:
    """A convolution, with a batch norm before its activation folded in.

    Attributes
    ----------
    info, below, activation
        As of every `Summing`; `below` has the maps that the convolution takes in.
    weight, bias
        (channels, inputs / groups, rows, columns) and (channels,) float64.
    stride, padding, dilation
        Of (rows, columns); `padding` is that before the first row and column.
    groups, mode
        Groups of channels, and torch's padding mode.
    """

    info: LayerInfo
    below: LayerInfo
    activation: str
    weight: Doubles
    bias: Doubles
    stride: Place
    padding: Place
    dilation: Place
    groups: int
    mode: str

    def unit(self, index: int, place: Place | None = None) -> Unit:
        """Channel `index` at `place`, (row, column) of its map, with its receptive patch.

        Inputs are ordered as `weight[index]` is: input channel, row, column.

        Raises
        ------
        BadOption
            The place is not on the map, or missing.
        """
        shape = self.info.shape
        assert shape is not None
        if place is None or not (0 <= place[0] < shape[0] and 0 <= place[1] < shape[1]):
            raise BadOption(
                f"a channel of {self.info.layer.atom} is explained at a position of its "
                f"{shape[0]} x {shape[1]} map, rows and columns from 0, not at {place}",
                option="position",
                value=place,
            )
        weight = self.weight[index]
        per_group = len(self.weight) // self.groups
        first = index // per_group * len(weight)
        return Unit(
            index,
            weight.ravel(),
            float(self.bias[index]),
            tuple(
                self._input(first + channel, row, column)
                for channel in range(len(weight))
                for row in self._windows[0][place[0]].tolist()
                for column in self._windows[1][place[1]].tolist()
            ),
            Feature(self.info.layer.atom, index, "value", Cell(shape, place)),
        )

    def tap(self, index: int, number: int, place: Place) -> Feature | None:
        """Input `number` of channel `index` at `place`, None in the zero of the padding."""
        channel, row, column = np.unravel_index(number, self.weight.shape[1:])
        per_group = len(self.weight) // self.groups
        return self._input(
            index // per_group * self.weight.shape[1] + int(channel),
            int(self._windows[0][place[0], row]),
            int(self._windows[1][place[1], column]),
        )

    @cached_property
    def _windows(self) -> tuple[Ints, Ints]:
        """Per axis, (positions, kernel): which row or column of the map below a tap reads."""
        below, shape = self.below.shape, self.info.shape
        assert below is not None and shape is not None
        rows, columns = (
            bounded(
                sliding(
                    below[axis],
                    shape[axis],
                    kernel=self.weight.shape[2 + axis],
                    stride=self.stride[axis],
                    padding=self.padding[axis],
                    dilation=self.dilation[axis],
                ),
                below[axis],
                self.mode,
            )
            for axis in (0, 1)
        )
        return rows, columns

    def _input(self, channel: int, row: int, column: int) -> Feature | None:
        if OUTSIDE in (row, column):
            return None
        shape = self.below.shape
        assert shape is not None
        return Feature(self.below.layer.atom, channel, "value", Cell(shape, (row, column)))


def summing_layers(network: Network, names: Sequence[str]) -> tuple[UnitLayer | Convolution, ...]:
    """The layers of these names, in order of execution, as sums of what they take in.

    Parameters
    ----------
    network
        The network that has them.
    names
        As `resolve` takes them.

    Raises
    ------
    UnknownLayer
        The network has no such layer.
    BadOption
        A layer is neither linear nor a convolution, reads the image itself, or does not take in
        the values of one layer.
    BadModel
        The network's flow cannot be traced.
    """
    flow = _traced(network)
    return tuple(_summing(network, flow, info) for info in resolve(network, names))


def logits_layer(network: Network) -> UnitLayer:
    """The linear layer that gives the logits; its activation is called `softmax`.

    Raises
    ------
    BadModel
        The network does not end in a linear layer, or its flow cannot be traced.
    BadOption
        Its inputs cannot be read.
    """
    flow = _traced(network)
    names = flow.names(logits_node(flow))
    ends = [info for info in inspect(network) if info.layer.module in names]
    if not ends or ends[0].layer.kind != "linear":
        raise BadModel(
            f"{network.model} does not end in a linear layer, so that its classes are no weighted "
            "sums that could be explained layer by layer; use the learner tree, fold or scorecard",
            model=network.model,
        )
    layer = _summing(network, flow, ends[0])
    assert isinstance(layer, UnitLayer)
    return layer


def explainable_layers(network: Network) -> tuple[str, ...]:
    """The paths of all layers that `summing_layers` accepts, in order of execution.

    Raises
    ------
    BadModel
        The network's flow cannot be traced.
    """
    flow = _traced(network)
    accepted = []
    for info in inspect(network):
        try:
            _summing(network, flow, info)
        except BadOption:
            continue
        accepted.append(info.layer.module)
    return tuple(accepted)


def _traced(network: Network) -> TracedFlow:
    flow = flow_of(network)
    if not isinstance(flow, TracedFlow):
        raise BadModel(
            f"the flow of {network.model} depends on its data or cannot be traced, so that what "
            "each layer takes in is not known; use the learner tree, fold or scorecard",
            model=network.model,
        )
    return flow


def _summing(network: Network, flow: TracedFlow, info: LayerInfo) -> UnitLayer | Convolution:
    layer, node = info.layer, flow.node(info.layer.module)
    module = flow.module(node)
    if not isinstance(module, nn.Linear | nn.Conv2d):
        what = type(module).__name__ if module is not None else "a function"
        raise BadOption(
            f"layer {layer.atom} is {what}, and only linear layers and convolutions (Conv2d) have "
            "weights that rules could be read from; name one of those",
            layer=layer.module,
        )
    if taken(flow, node).op == "placeholder":
        raise BadOption(
            f"layer {layer.atom} takes in the image itself, and pixels are no propositions; "
            "explain a layer above it",
            layer=layer.module,
        )
    is_end = node is logits_node(flow)
    follows = after(flow, layer.module, layer.module if is_end else layer.reads, layer.size)
    activation = "softmax" if is_end else follows.activation
    weight, bias = _folded(module, follows)
    if isinstance(module, nn.Conv2d):
        below = _read_at(network, flow, layer.module)
        return _convolution(info, below, activation, weight, bias, module)
    below, inputs = _inputs(network, flow, layer.module)
    if len(inputs) != module.in_features:
        raise BadOption(
            f"layer {layer.atom} takes in {module.in_features} numbers, and {len(inputs)} could be "
            f"read at {below.layer.module}; choose another layer",
            layer=layer.module,
        )
    return UnitLayer(info, below, activation, weight, bias, inputs)


def _folded(module: nn.Linear | nn.Conv2d, follows: After) -> tuple[Doubles, Doubles]:
    weight = module.weight.detach().double()
    bias = torch.zeros(len(weight), dtype=torch.float64)
    if module.bias is not None:
        bias = module.bias.detach().double()
    scale = follows.scale.reshape(-1, *[1] * (weight.ndim - 1))
    return (weight * scale).numpy(), (bias * follows.scale + follows.shift).numpy()


def _inputs(network: Network, flow: TracedFlow, name: str) -> tuple[LayerInfo, tuple[Feature, ...]]:
    """The layer that a linear module takes in, and its features in their order."""
    node = taken(flow, flow.node(name))
    source = pooled_from(flow, node)
    if source is not None and never_negative(flow, source):
        below = taken_at(network, flow, flow.names(source)[0])
        if below.layer.kind == "conv":
            # A mean is one of absolute values, which these are.
            atom, size = below.layer.atom, below.layer.size
            return below, tuple(Feature(atom, channel, "mean") for channel in range(size))
    below = _read_at(network, flow, name)
    atom = below.layer.atom
    if below.layer.kind == "linear":
        return below, tuple(Feature(atom, unit, "value") for unit in range(below.layer.size))
    assert below.shape is not None
    rows, columns = below.shape
    return below, tuple(
        Feature(atom, channel, "value", Cell((rows, columns), (row, column)))
        for channel in range(below.layer.size)
        for row in range(rows)
        for column in range(columns)
    )


def _read_at(network: Network, flow: TracedFlow, name: str) -> LayerInfo:
    """The layer, or the point as it stands, that a module takes in."""
    names = flow.names(taken(flow, flow.node(name)))
    if not names:
        raise BadOption(
            f"what layer {name} takes in is made by nothing that can be read; choose another layer",
            layer=name,
        )
    return taken_at(network, flow, names[0])


def _convolution(
    info: LayerInfo,
    below: LayerInfo,
    activation: str,
    weight: Doubles,
    bias: Doubles,
    module: nn.Conv2d,
) -> Convolution:
    dilation = (int(module.dilation[0]), int(module.dilation[1]))
    if isinstance(module.padding, str):
        rows, columns = weight.shape[2:]
        before = (dilation[0] * (rows - 1) // 2, dilation[1] * (columns - 1) // 2)
        padding = before if module.padding == "same" else (0, 0)
    else:
        padding = (int(module.padding[0]), int(module.padding[1]))
    return Convolution(
        info,
        below,
        activation,
        weight,
        bias,
        (int(module.stride[0]), int(module.stride[1])),
        padding,
        dilation,
        module.groups,
        module.padding_mode,
    )
