"""The formulas of one unit under the options of the approximation method."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal as OneOf

import numpy as np

from proofsight_server.errors import BadOption
from proofsight_server.rules.implicant_search import Caps, Formula, search
from proofsight_server.rules.limited_search import limited_search
from proofsight_server.rules.threshold_unit import Reals, ThresholdUnit
from proofsight_server.symbols.feature import Bools

MARGIN = 2  # literals that `auto` allows beyond the shortest term


@dataclass(frozen=True, slots=True)
class Plan:
    """How the formulas of a unit are looked for.

    Attributes
    ----------
    order
        Most literals of a term; `auto`: two more than the shortest has; None: any number.
    max_terms, time_limit
        Most terms, and processor seconds, of a side; None: any.
    limit_data, min_support
        Whether a term only has to hold on the images of fitting, and how many of them it needs.
    literal
        `vertex`: inputs are as if 0 or 1.  `box`: a term holds for every input in [0, 1].
    drop_quantile
        Inputs whose weight is below this quantile of the unit's weights are dropped.
    """

    order: int | OneOf["auto"] | None = "auto"
    max_terms: int | None = 2000
    time_limit: float | None = 10.0
    limit_data: bool = False
    min_support: int = 1
    literal: OneOf["vertex", "box"] = "vertex"
    drop_quantile: float = 0.0

    def __post_init__(self) -> None:
        Caps(None if self.order == "auto" else self.order, self.max_terms, self.time_limit)
        if not 0 <= self.drop_quantile < 1:
            raise BadOption(
                f"drop_quantile is a share of the inputs, at least 0 and below 1, not "
                f"{self.drop_quantile}",
                option="drop_quantile",
            )
        if self.min_support < int(self.limit_data):
            raise BadOption(
                f"min_support is {self.min_support}; give {int(self.limit_data)} or more: a term "
                "that no image satisfies says nothing of them",
                option="min_support",
            )
        if self.limit_data and self.literal == "box":
            raise BadOption(
                "limit_data accepts what holds on images, and literal=box what holds for every "
                "input; leave one of them out",
                option="limit_data",
            )


@dataclass(frozen=True, slots=True)
class FittingImages:
    """What a unit meets on the images of fitting.

    `bits` (images, n): which propositions are active; `on` (images,): whether the unit is on, by
    its real inputs.
    """

    bits: Bools
    on: Bools


def thinned(
    unit: ThresholdUnit, means: Reals, quantile: float
) -> tuple[ThresholdUnit, tuple[int, ...]]:
    """The unit without its least inputs, and which these are; their mean stays in the bias.

    `means` (n,) are the mean inputs; inputs without a weight count for no quantile.
    """
    weights = np.array(unit.weights)
    sizes = np.abs(weights)
    weighted = sizes > 0
    if not quantile or not weighted.any():
        return unit, ()
    small = weighted & (sizes < np.quantile(sizes[weighted], quantile))
    bias = unit.bias + float(weights[small] @ means[small])
    kept = replace(unit, weights=tuple(np.where(small, 0.0, weights).tolist()), bias=bias)
    return kept, tuple(np.flatnonzero(small).tolist())


def formula_of(
    unit: ThresholdUnit, *, on: bool, plan: Plan, cuts: Reals, fitting: FittingImages
) -> Formula:
    """The terms of one side of a unit, as the plan wants them; `cuts` (n,) are for box literals."""
    order = plan.order
    if plan.limit_data:
        return limited_search(
            unit.side(on=on).pairs,
            fitting.bits,
            fitting.on == on,
            caps=Caps(None if order == "auto" else order, plan.max_terms, plan.time_limit),
            min_support=plan.min_support,
            margin=MARGIN if order == "auto" else None,
        )
    side = unit.side(on=on, cuts=cuts if plan.literal == "box" else None)
    if order == "auto":
        order = None if side.least is None else max(side.least, 1) + MARGIN
    return search(side, Caps(order, plan.max_terms, plan.time_limit))
