"""The joint loss of several networks' effects: row-wise maximum and sum, its prox and its gauge.

f = Σ_S ω_S · (w_max · max_i |I_i(S)| + w_sum · Σ_i |I_i(S)|), over AND and OR rows apart.  A row
that one network has paid for is free, up to its size, for the others.

Source: Chen, Lou, Huang & Zhang, https://arxiv.org/abs/2401.16318: Eq. 6 is `additive`, and what
their published code minimises is `mix`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from proofsight_server.errors import BadOption
from proofsight_server.interactions.masks import Doubles, orders

ObjectiveName = Literal["mix", "additive"]
OrderWeight = Literal["none", "tie", "noise"]


@dataclass(frozen=True, slots=True, eq=False)
class Objective:
    """Weights of a row's largest effect and of the sum of its effects, and of rows by order.

    `row_weights` is (2, 2^n), the ω of each AND and OR.  Effects have shape (2, m, 2^n): AND and
    OR, networks, masks.
    """

    of_maximum: float
    of_sum: float
    row_weights: Doubles

    def value(self, effects: Doubles) -> float:
        """The loss f of effects (2, m, 2^n)."""
        sizes = np.abs(effects)
        rows = self.of_maximum * sizes.max(axis=1) + self.of_sum * sizes.sum(axis=1)
        return float((rows * self.row_weights).sum())

    def prox(self, effects: Doubles, step: float, curvature: float = 0.0) -> Doubles:
        """argmin_z step · (f(z) + ½ curvature · ‖z‖²) + ½‖z − effects‖², row by row."""
        bent = 1 + step * curvature
        effects, threshold = effects / bent, self.row_weights[:, None] * (step / bent)
        if effects.shape[1] == 1:
            return _shrunk(effects, (self.of_maximum + self.of_sum) * threshold)
        shrunk = _shrunk(effects, self.of_sum * threshold)
        return _less_l1_projection(shrunk, self.of_maximum * threshold)

    def tilted(self, slope: float) -> Objective:
        """The loss with rows the dearer the higher their order, and ORs than ANDs.

        A row of one region costs what it did, and one of very many 1 + slope times that.
        """
        sizes = np.maximum(orders(self.row_weights.shape[1].bit_length() - 1), 1)
        steps = np.stack([1 - 1 / sizes, 1 - 1 / (sizes + 0.5)])
        steps[:, 0] = 0
        weights = self.row_weights * (1 + slope * steps)
        return Objective(self.of_maximum, self.of_sum, weights)

    def gauge(self, duals: Doubles) -> float:
        """The largest of max_j (sum of the j largest |y|) / (w_max + j · w_sum) over rows / ω.

        ⟨y, I⟩ ≤ gauge(y) · f(I) for all effects I: it is f's dual norm.
        """
        sums, counts = _sums_of_largest(duals), np.arange(1, duals.shape[1] + 1)[:, None]
        gauges = sums / (self.of_maximum + counts * self.of_sum)
        return float((gauges / self.row_weights[:, None]).max())


def objective_named(name: str, alpha: float, regions: int, order_weight: str = "none") -> Objective:
    """The objective of a published form, with rows weighted by their order.

    `mix` weighs the maximum 1 − α and the sum α, α in 0..1; `additive` weighs the maximum 1 and
    the sum α ≥ 0.  mix(α) is (1 − α) · additive(α / (1 − α)).

    Raises
    ------
    BadOption
        For other names, and α out of range.
    """
    if name not in get_args(ObjectiveName):
        raise BadOption(
            f"no objective is named {name!r}; one of: {', '.join(get_args(ObjectiveName))}",
            objective=name,
        )
    most = 1.0 if name == "mix" else np.inf
    if not (np.isfinite(alpha) and 0 <= alpha <= most):
        bounds = "in 0..1" if name == "mix" else "a number from 0"
        raise BadOption(f"alpha of {name} is {bounds}, not {alpha!r}", alpha=alpha)
    weights = np.tile(_row_weights(order_weight, regions), (2, 1))
    return Objective(1.0 - alpha if name == "mix" else 1.0, float(alpha), weights)


def _row_weights(order_weight: str, regions: int) -> Doubles:
    sizes = orders(regions).astype(np.float64)
    match order_weight:
        case "none":
            return np.ones(len(sizes))
        case "tie":
            return 1 + 1e-4 * sizes
        case "noise":
            weights: Doubles = np.exp2(sizes / 2)
            return weights
    raise BadOption(
        f"no order_weight is named {order_weight!r}; one of: {', '.join(get_args(OrderWeight))}",
        order_weight=order_weight,
    )


def _shrunk(effects: Doubles, threshold: Doubles) -> Doubles:
    return effects - _clipped(effects, threshold)


def _less_l1_projection(effects: Doubles, radius: Doubles) -> Doubles:
    """Effects less their projection, row by row, on the L1 ball: the prox of its dual norm.

    The result is effects clipped at θ = max(0, max_j (Σ of the j largest − radius) / j).
    """
    sums = _sums_of_largest(effects)
    counts = np.arange(1, effects.shape[1] + 1)[:, None]
    level = np.maximum(((sums - radius) / counts).max(axis=1, keepdims=True), 0)
    return _clipped(effects, level)


def _sums_of_largest(effects: Doubles) -> Doubles:
    """Of each row, the sums of the 1, 2, … m largest sizes. Shape (2, m, 2^n)."""
    sizes = np.abs(effects)
    if sizes.shape[1] == 2:  # nothing to sort, which takes longest
        return np.stack([np.maximum(sizes[:, 0], sizes[:, 1]), sizes[:, 0] + sizes[:, 1]], axis=1)
    sums: Doubles = np.cumsum(-np.sort(-sizes, axis=1), axis=1)
    return sums


def _clipped(effects: Doubles, most: Doubles) -> Doubles:
    """Effects within ±most; two calls of NumPy, which are faster than its clip."""
    clipped: Doubles = np.minimum(np.maximum(effects, -most), most)
    return clipped
