"""A unit at every 0/1 input, for as many inputs as fit: the reference for all formulas."""

from __future__ import annotations

import numpy as np

from proofsight_server.errors import BadOption
from proofsight_server.rules.threshold_unit import ThresholdUnit
from proofsight_server.symbols.feature import Bools

MOST = 24


def truth_table(unit: ThresholdUnit) -> Bools:
    """Whether the unit is on, (2^n,): input i is bit i of the place. By doubling, n ≤ 24.

    Raises
    ------
    BadOption
        There are more inputs.
    """
    n = len(unit.weights)
    if n > MOST:
        raise BadOption(
            f"a truth table of {n} inputs has 2^{n} places; {MOST} inputs at most, a decision "
            "diagram for more"
        )
    order = sorted(range(n), key=lambda at: -abs(unit.weights[at]))
    sums = np.array([unit.bias])
    for at in order:
        sums = np.concatenate([sums, sums + unit.weights[at]])
    # The axes of the doubled sums are the inputs from the smallest weight to the greatest.
    axes = {at: place for place, at in enumerate(reversed(order))}
    by_input = sums.reshape((2,) * n).transpose([axes[at] for at in reversed(range(n))])
    on: Bools = by_input.reshape(-1) >= -unit.tolerance
    return on
