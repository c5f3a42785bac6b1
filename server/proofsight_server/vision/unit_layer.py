"""Layers whose units are sums of their inputs with weights: what they read, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from proofsight_server.errors import BadModel, BadOption
from proofsight_server.symbols.feature import Cell, Feature
from proofsight_server.vision.convolution import Convolution, convolution
from proofsight_server.vision.layers import LayerInfo, flow_of, inspect, resolve, taken_at
from proofsight_server.vision.network import Network
from proofsight_server.vision.tracing import TracedFlow
from proofsight_server.vision.unit import Doubles, Place, Unit
from proofsight_server.vision.upstream import (
    After,
    after,
    logits_node,
    never_negative,
    pooled_from,
    taken,
)


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
        return convolution(info, below, activation, weight, bias, module)
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
