"""The figures of M-of-N rules, per unit and as means of a layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from proofsight_server.extraction.mofn_cases import Silent
from proofsight_server.extraction.mofn_unit import PARTS, Curve, Found, Site
from proofsight_server.vision.convolution import Convolution
from proofsight_server.vision.unit_layer import UnitLayer


@dataclass(frozen=True, slots=True)
class Explained:
    """A unit and the curves of each order that was tried.

    `baseline` is the error of the better constant per part, `rule` the one of the program.
    `moved` is of a convolution: the mean and the worst error of the program's rule at all other
    positions, None for other layers.
    """

    site: Site
    baseline: Mapping[str, float]
    curves: tuple[Curve, ...]
    rule: Found
    moved: tuple[float, float] | None = None
    per_target: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class LayerFound:
    """All units of a layer: those with curves, and those that have no target."""

    layer: UnitLayer | Convolution
    units: tuple[Explained, ...]
    silent: tuple[Silent, ...]


def layer_report(found: LayerFound, *, whole: bool) -> dict[str, Any]:
    """The figures of a layer as JSON; with `whole` also every unit's curves.

    Shares are in 0..1 per part of the images: `fit`, `heldout`, `test`.
    """
    layer = found.layer
    report: dict[str, Any] = {
        "layer": layer.info.layer.atom,
        "below": layer.below.layer.atom,
        "activation": layer.activation,
        "inputs": len(found.units[0].site.weight) if found.units else 0,
        "units": len(found.units) + len(found.silent),
        "size": layer.info.layer.size,
        "without_target": [silent.name for silent in found.silent],
        "baseline": {part: _mean(one.baseline.get(part) for one in found.units) for part in PARTS},
        "orders": {order: _order_report(order, found.units) for order in _orders(found.units)},
        "rules": _means([one.rule for one in found.units]),
    }
    if any(one.moved for one in found.units):
        report["moved"] = {
            "mean": _mean(one.moved[0] for one in found.units if one.moved),
            "worst": max(one.moved[1] for one in found.units if one.moved),
        }
    if any(one.per_target is not None for one in found.units):
        report["per_target_error"] = {
            part: _mean(
                one.per_target[part]
                for one in found.units
                if one.per_target is not None and part in one.per_target
            )
            for part in PARTS
        }
    if whole:
        report["each"] = [_unit_report(layer, one) for one in found.units]
    return report


def _order_report(order: str, units: Sequence[Explained]) -> dict[str, Any]:
    curves = [curve for one in units for curve in one.curves if curve.order == order]
    least = [curve.least for curve in curves]
    reached = [one for one in least if one is not None]
    return {
        "betas": [
            {"beta": rules[0].beta, **_means(rules)}
            for rules in zip(*(curve.rules for curve in curves), strict=True)
        ],
        # of the units that any length explains within 1 %
        "least_literals": _mean(reached),
        "units_within_1_percent": len(reached),
    }


def _means(rules: Sequence[Found]) -> dict[str, Any]:
    """Means over units."""
    return {
        "literals": _mean(len(rule.inputs) for rule in rules),
        "m": _mean(rule.m for rule in rules),
        "dnf_literals": _mean(rule.dnf_literals for rule in rules),
        "complexity": _mean(rule.complexity for rule in rules),
        **{
            key: {part: _mean(getattr(rule, key).get(part) for rule in rules) for part in PARTS}
            for key in ("error", "recall", "precision")
        },
    }


def _unit_report(layer: UnitLayer | Convolution, one: Explained) -> dict[str, Any]:
    site = one.site
    cell = site.unit.feature.cell
    usable = set(site.usable.tolist())
    return {
        "name": site.name,
        "unit": site.unit.index,
        "cut": site.target_cut,
        "position": None if cell is None else list(cell.at),
        "baseline": dict(one.baseline),
        "without_literal": [at for at in range(len(site.weight)) if at not in usable],
        "rule": _rule_report(one.rule),
        "moved": None if one.moved is None else {"mean": one.moved[0], "worst": one.moved[1]},
        "per_target_error": None if one.per_target is None else dict(one.per_target),
        "orders": {
            curve.order: {
                "least_literals": curve.least,
                "betas": [_rule_report(rule) for rule in curve.rules],
            }
            for curve in one.curves
        },
    }


def _rule_report(rule: Found) -> dict[str, Any]:
    return {
        "beta": rule.beta,
        "literals": len(rule.inputs),
        "m": rule.m,
        "dnf_literals": rule.dnf_literals,
        "complexity": rule.complexity,
        "error": dict(rule.error),
        "recall": dict(rule.recall),
        "precision": dict(rule.precision),
        "inputs": list(rule.inputs),
    }


def _orders(units: Sequence[Explained]) -> list[str]:
    return list(dict.fromkeys(curve.order for one in units for curve in one.curves))


def _mean(numbers: Iterable[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return float(np.mean(known)) if known else None
