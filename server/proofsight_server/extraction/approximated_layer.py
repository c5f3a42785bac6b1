"""A layer as the approximation method sees it: inputs on a scale of 0 to 1, and thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal as OneOf

import numpy as np

from proofsight_server.errors import BadOption, BadWeights
from proofsight_server.extraction.probing import Seen
from proofsight_server.rules.input_range import InputRange, sums
from proofsight_server.rules.saturation import Saturation, saturation
from proofsight_server.rules.threshold_unit import Reals, ThresholdUnit
from proofsight_server.symbols.feature import Bools, Feature, Floats
from proofsight_server.symbols.threshold import InfoGainThreshold
from proofsight_server.vision.convolution import Convolution
from proofsight_server.vision.unit_layer import UnitLayer

ReluCut = OneOf[0, "gain", "half"] | None
Softmax = OneOf["rivals", "logit"]

_ENDS = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}


@dataclass(frozen=True, slots=True)
class Target:
    """A unit under the names of its two sides; a side without a name is not looked for.

    A side is a proposition that rules derive; of a logit, the on side is a class.
    """

    on: str
    off: str | None
    unit: ThresholdUnit


@dataclass(frozen=True, slots=True)
class ApproximatedLayer:
    """Units as thresholds of shares, and what they meet on each split.

    Attributes
    ----------
    layer
        The layer of the network.
    range, cuts
        What shares of the inputs are of, and the share (n,) above which each one is active.
    thresholds
        (n,) float32: the same as a value of the input.
    means
        (n,) the mean share on training images.
    spread
        Of hidden inputs, how near they come to their ends on training images; else None.
    targets
        Its units or, for `rivals`, its pairs of classes.
    bits, on
        Per split whether each input is active, (images, n), and whether each target's unit is
        on by the real inputs, (images, targets).
    """

    layer: UnitLayer
    range: InputRange
    cuts: Reals
    thresholds: Floats
    means: Reals
    spread: Saturation | None
    targets: tuple[Target, ...]
    bits: Mapping[str, Bools]
    on: Mapping[str, Bools]


def check_stack(
    layers: Sequence[UnitLayer | Convolution], relu_cut: ReluCut
) -> tuple[UnitLayer, ...]:
    """The layers, where each takes in the one before it and all can be approximated.

    Raises
    ------
    BadOption
        A convolution is among them; one lies between two of them; or the hidden values of one
        have no middle.
    BadWeights
        A weight is not finite.
    """
    stack: list[UnitLayer] = []
    for layer in layers:
        atom = layer.info.layer.atom
        if isinstance(layer, Convolution):
            raise BadOption(
                f"layer {atom} is a convolution; the approximation explains fully connected "
                "layers over outputs of convolutions, which are their inputs by themselves: leave "
                "it out, or use the learner mofn",
                option="layers",
                layer=atom,
            )
        if stack and layer.below.layer != stack[-1].info.layer:
            raise BadOption(
                f"layer {atom} takes in {layer.below.layer.atom}, not {stack[-1].info.layer.atom}; "
                f"name {layer.below.layer.atom} as well, or leave {stack[-1].info.layer.atom} out, "
                "since formulas are put into each other from layer to layer",
                option="layers",
                layer=atom,
            )
        _check_weights(layer)
        stack.append(layer)
    for layer in stack[:-1]:
        _check_activation(layer, relu_cut)
    return tuple(stack)


def approximated_layers(
    stack: Sequence[UnitLayer],
    splits: Mapping[str, Seen],
    classes: Sequence[str],
    *,
    cut: float,
    relu_cut: ReluCut,
    softmax: Softmax,
) -> tuple[ApproximatedLayer, ...]:
    """The layers of a stack, lowest first.

    `splits` have the features `stack_features` as columns; ranges and cuts are fitted on `train`.
    """
    values = _by_layer(stack, splits)
    found: list[ApproximatedLayer] = []
    cuts = np.zeros(0)  # of the units of the layer below, as values
    for place, (layer, own) in enumerate(zip(stack, values, strict=True)):
        train = own["train"]
        if not found:
            scale = InputRange.of(train)
            thresholds, shares, spread = scale.thresholds(cut), scale.cuts(cut), None
            bits = {name: table > thresholds for name, table in own.items()}
        else:
            scale = _hidden_range(found[-1].layer, train)
            thresholds = cuts.astype(np.float32)
            shares = np.clip(scale.shares(thresholds[None])[0], 0.0, 1.0)
            spread = saturation(train, scale.low, scale.high)
            bits = dict(found[-1].on)
        if place + 1 < len(stack):
            cuts = _hidden_cuts(layer, values[place + 1]["train"], splits["train"], relu_cut)
            # sigmoid and tanh have their middle where the sum is 0, relu its cut at the cut
            rows, bias = layer.weight, layer.bias - (cuts if layer.activation == "relu" else 0)
            names = _hidden_names(layer)
        else:
            rows, bias, names = _class_rows(layer, train, splits["train"], classes, softmax)
        targets = tuple(
            Target(on, off, ThresholdUnit.of(weights, float(constant)))
            for (on, off), weights, constant in zip(names, *scale.scaled(rows, bias), strict=True)
        )
        tolerance = np.array([target.unit.tolerance for target in targets])
        states = {name: sums(rows, bias, table) >= -tolerance for name, table in own.items()}
        means = scale.mean_shares(train)
        found.append(
            ApproximatedLayer(
                layer, scale, shares, thresholds, means, spread, targets, bits, states
            )
        )
    return tuple(found)


def stack_features(stack: Sequence[UnitLayer]) -> list[Feature]:
    """The inputs of all layers of a stack, lowest first, as `approximated_layers` takes them."""
    return [feature for layer in stack for feature in layer.inputs]


def unit_name(layer: UnitLayer, unit: int) -> str:
    """The proposition that a hidden unit is on."""
    return Feature(layer.info.layer.atom, unit, "value").name("linear")


def possible(unit: str) -> str:
    """The proposition that a hidden unit, so named, is on or undecided: that it is not off."""
    return f"{unit}_possible"


def _check_weights(layer: UnitLayer) -> None:
    bad = ~(np.isfinite(layer.weight).all(axis=1) & np.isfinite(layer.bias))
    if bad.any():
        unit = int(np.flatnonzero(bad)[0])
        raise BadWeights(
            f"unit {unit} of {layer.info.layer.atom} has a weight that is not finite; train the "
            "network again, or give weights that are whole",
            layer=layer.info.layer.atom,
            unit=unit,
        )


def _check_activation(layer: UnitLayer, relu_cut: ReluCut) -> None:
    atom = layer.info.layer.atom
    if layer.activation == "relu" and relu_cut is None:
        raise BadOption(
            f"layer {atom} is relu, which has no middle to cut at; name one with --learner-option "
            "relu_cut=0, relu_cut=gain or relu_cut=half, or leave the layer out, so that its "
            "values are the inputs",
            option="relu_cut",
            layer=atom,
        )
    if layer.activation != "relu" and layer.activation not in _ENDS:
        raise BadOption(
            f"layer {atom} has the activation {layer.activation}, and the approximation rounds "
            "hidden values to their ends, which sigmoid, tanh and (with relu_cut) relu have; leave "
            "the layer out, so that its values are the inputs, or use the learner mofn",
            option="layers",
            layer=atom,
        )


def _hidden_range(below: UnitLayer, values: Floats) -> InputRange:
    """Between the ends of the activation; relu has only those of the training images."""
    if below.activation == "relu":
        return InputRange.of(values)
    low, high = _ENDS[below.activation]
    return InputRange(np.full(values.shape[1], low), np.full(values.shape[1], high))


def _hidden_cuts(layer: UnitLayer, values: Floats, train: Seen, relu_cut: ReluCut) -> Reals:
    """The value above which each hidden unit counts as on, from its `values` (images, units)."""
    if layer.activation != "relu":
        low, high = _ENDS[layer.activation]
        return np.full(values.shape[1], (low + high) / 2)
    if relu_cut == "half":
        halves: Reals = values.max(axis=0).astype(np.float64) / 2
        return halves
    if relu_cut == "gain":
        return _gain_cuts(values, train)
    return np.zeros(values.shape[1])


def _gain_cuts(values: Floats, train: Seen) -> Reals:
    """The cuts that tell most of the network's class."""
    return InfoGainThreshold().fit(values, train.decisions).thresholds_.astype(np.float64)


def _hidden_names(layer: UnitLayer) -> list[tuple[str, str | None]]:
    names = [unit_name(layer, unit) for unit in range(len(layer.bias))]
    return [(name, f"{name}_off") for name in names]


def _class_rows(
    layer: UnitLayer, values: Floats, train: Seen, classes: Sequence[str], softmax: Softmax
) -> tuple[Reals, Reals, list[tuple[str, str | None]]]:
    """Weights and bias of the targets for classes, and the names of their sides."""
    weight, bias = layer.weight, layer.bias
    if softmax == "logit":
        cuts = _gain_cuts(sums(weight, bias, values).astype(np.float32), train)
        return weight, bias - cuts, [(name, None) for name in classes]
    # The lowest index wins ties, as the side that is on where the difference is 0.
    first, second = np.triu_indices(len(classes), k=1)
    names: list[tuple[str, str | None]] = [
        (beats(classes[c], classes[j]), beats(classes[j], classes[c]))
        for c, j in zip(first.tolist(), second.tolist(), strict=True)
    ]
    return weight[first] - weight[second], bias[first] - bias[second], names


def _by_layer(stack: Sequence[UnitLayer], splits: Mapping[str, Seen]) -> list[dict[str, Floats]]:
    """The inputs of each layer, (images, inputs) per split."""
    ends = np.cumsum([len(layer.inputs) for layer in stack]).tolist()
    return [
        {name: seen.values[:, end - len(layer.inputs) : end] for name, seen in splits.items()}
        for layer, end in zip(stack, ends, strict=True)
    ]


def beats(winner: str, loser: str) -> str:
    """The proposition that one class has the greater logit than another."""
    return f"{winner}_beats_{loser}"
