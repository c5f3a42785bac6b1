"""What is measured of formulas: unit by unit, layer by layer, and end to end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from proofsight_server.extraction.approximated_layer import ApproximatedLayer
from proofsight_server.extraction.composed_program import Composed, ComposedLayer
from proofsight_server.extraction.probing import Seen
from proofsight_server.extraction.side_formulas import SideFormula, side_name
from proofsight_server.rules.counting_bounds import counting_bounds
from proofsight_server.rules.decision_diagram import DecisionDiagram
from proofsight_server.rules.saturation import Saturation
from proofsight_server.rules.term_truth import Truth, held
from proofsight_server.symbols.feature import Bools

_STATUSES = ("complete", "order", "terms", "time")


def _side(
    layer: ApproximatedLayer,
    side: SideFormula,
    split: str,
    composed: ComposedLayer,
    *,
    inputs: Sequence[str],
) -> dict[str, Any]:
    """One side of a unit on the images of one split.

    `agreement` and `recall` are with the unit's real inputs, `rounded_agreement` with the unit at
    the rounded ones: what is missing there, the caps took.  `composed` is the same over what the
    program says of the layer below.  `share` is that of images where the unit is on this side,
    `band` that of images within the rounding of sums of the threshold.
    """
    target = layer.targets[side.target]
    wanted = layer.on[split][:, side.target] == side.on
    bits = layer.bits[split]
    own = held(side.formula.terms, Truth.of(bits), wanted)
    sums = target.unit.values(bits)
    rounded = (sums >= -target.unit.tolerance) == side.on
    said = (composed.on if side.on else composed.off)[split][:, side.target]
    bounds = counting_bounds(target.unit.side(on=side.on))
    return {
        "name": side_name(layer, side),
        "side": "on" if side.on else "off",
        "terms": len(side.formula.terms),
        "written": len(side.written),
        "shortest": side.formula.shortest,
        "longest": side.formula.longest,
        "status": side.formula.status,
        "share": _share(wanted),
        **_agreement(own.some, wanted),
        "rounded_agreement": _share(own.some == rounded),
        "band": _share(np.abs(sums) <= target.unit.tolerance),
        "composed": _agreement(said, wanted),
        "curve": [
            {
                "order": length,
                "terms": sum(len(term) <= length for term in side.formula.terms),
                **_agreement(some, wanted),
            }
            for length, some in own.by_length
        ],
        "at_least": {
            "literals": len(bounds.body),
            "implies": bounds.implies,
            "implied": bounds.implied,
        },
        "without_weight": [inputs[at] for at, w in enumerate(target.unit.weights) if not w],
        "dropped": [inputs[at] for at in side.dropped],
    }


def diagram_report(layer: ApproximatedLayer, place: int, split: str) -> dict[str, Any]:
    """The exact diagram of a unit: its nodes, and the share of all 0/1 inputs where it is on."""
    unit = layer.targets[place].unit
    diagram = DecisionDiagram.of(unit)
    return {
        "name": layer.targets[place].on,
        "nodes": len(diagram),
        "exact": diagram.exact,
        "share_of_inputs": diagram.share,
        "agreement": diagram.agreement(unit, layer.bits[split]),
    }


def layers_report(
    layers: Sequence[ApproximatedLayer],
    units: Sequence[Sequence[Mapping[str, Any]]],
    found: Composed,
    split: str,
) -> dict[str, Any]:
    """What a manifest keeps of the layers, lowest first; `units` are the `unit_reports`.

    `saturation` has the means of each hidden layer; `logit`, where classes have a formula of their
    own, how well these do beside the fidelity to the network's decision.
    """
    report: dict[str, Any] = {
        "layers": [
            _layer(layer, own, said, split)
            for layer, own, said in zip(layers, units, found.layers, strict=True)
        ],
        "saturation": [
            {key: value for key, value in one.items() if key != "units"}
            for one in saturation_reports(layers)
        ],
    }
    if all(target.off is None for target in layers[-1].targets):
        report["logit"] = _logit(layers[-1], found, split)
    return report


def _layer(
    layer: ApproximatedLayer,
    sides: Sequence[Mapping[str, Any]],
    composed: ComposedLayer,
    split: str,
) -> dict[str, Any]:
    """The means over a layer's sides, and how often the program is right, wrong or undecided.

    The last three are over images and those targets of which both sides are in use.
    """
    on, off = composed.on[split], composed.off[split]
    asked = {(side["name"]) for side in sides}
    columns = [
        at
        for at, target in enumerate(layer.targets)
        if target.on in asked and (target.off is None or target.off in asked)
    ]
    truth = layer.on[split][:, columns]
    on, off = on[:, columns], off[:, columns]
    statuses = [side["status"] for side in sides]
    return {
        "layer": layer.layer.info.layer.atom,
        "activation": layer.layer.activation,
        "inputs": len(layer.layer.inputs),
        "units": len(layer.targets),
        "sides": len(sides),
        "terms": sum(side["terms"] for side in sides),
        "written": sum(side["written"] for side in sides),
        "lost": composed.lost,
        "status": {name: statuses.count(name) for name in _STATUSES},
        "agreement": _mean(side["agreement"] for side in sides),
        "recall": _mean(side["recall"] for side in sides),
        "rounded_agreement": _mean(side["rounded_agreement"] for side in sides),
        "composed": {
            "right": _share((on & ~off & truth) | (off & ~on & ~truth)),
            "wrong": _share((on & ~truth) | (off & truth)),
            "undecided": _share(~on & ~off),
        },
    }


def _saturation(found: Saturation) -> dict[str, Any]:
    """The means over units, and each unit by itself."""
    return {
        "mean": float(found.mean.mean()),
        "high": float(found.high.mean()),
        "near": float(found.near.mean()),
        "units": [
            {"unit": unit, "mean": float(mean), "high": float(high), "near": float(near)}
            for unit, (mean, high, near) in enumerate(
                zip(found.mean, found.high, found.near, strict=True)
            )
        ],
    }


def unit_reports(
    layers: Sequence[ApproximatedLayer],
    sides: Sequence[Sequence[SideFormula]],
    found: Composed,
    heldout: str,
    names: Sequence[str],
) -> list[list[dict[str, Any]]]:
    """Every side of every target, per layer; `names` are the inputs of the lowest one."""
    inputs = list(names)
    units = []
    for layer, own, said in zip(layers, sides, found.layers, strict=True):
        units.append([_side(layer, one, heldout, said, inputs=inputs) for one in own])
        inputs = [target.on for target in layer.targets]
    return units


def saturation_reports(layers: Sequence[ApproximatedLayer]) -> list[dict[str, Any]]:
    """Per hidden layer, on training images."""
    return [
        {
            "layer": below.layer.info.layer.atom,
            **_saturation(above.spread),
        }
        for below, above in pairwise(layers)
        if above.spread is not None
    ]


def input_report(
    layer: ApproximatedLayer, names: Sequence[str], splits: Mapping[str, Seen], heldout: str
) -> dict[str, Any]:
    """The ends of each input's range, and how many values of other images lie beyond them."""
    width = len(names)
    beyond = layer.range.outside(splits[heldout].values[:, :width])
    return {
        "low": dict(zip(names, layer.range.low.tolist(), strict=True)),
        "high": dict(zip(names, layer.range.high.tolist(), strict=True)),
        "constant": [name for name, w in zip(names, layer.range.width, strict=True) if not w],
        "outside": {
            "values": int(beyond.sum()),
            "of": int(beyond.size),
            "images": int(beyond.any(axis=1).sum()),
        },
    }


def _logit(layer: ApproximatedLayer, found: Composed, split: str) -> dict[str, Any]:
    """How well the classes' own targets are met, beside the fidelity to the argmax."""
    on, truth = found.layers[-1].on[split], layer.on[split]
    count = on.sum(axis=1)
    return {
        "agreement": float((on == truth).mean()),
        "all_classes": float((on == truth).all(axis=1).mean()),
        "none": float((count == 0).mean()),
        "one": float((count == 1).mean()),
        "several": float((count > 1).mean()),
    }


def _agreement(said: Bools, wanted: Bools) -> dict[str, Any]:
    return {
        "agreement": _share(said == wanted),
        "recall": _share(said[wanted]),
        "precision": _share(wanted[said]),
    }


def _share(hits: Bools) -> float | None:
    return round(float(hits.mean()), 6) if hits.size else None


def _mean(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 6) if known else None
