"""How complex an M-of-N rule is, as a share of the most complex one over the same inputs."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]


def dnf_literals(m: int, literals: int) -> int:
    """Literals in the minimal disjunctive form of "at least m of so many": m · binom(N, m)."""
    return m * math.comb(literals, m)


def complexity(inputs: int, literals: int, m: int) -> float:
    """The complexity of "at least m of so many literals" over so many inputs, in 0..1.

    ln(M·binom(N, M)) / ln(M*·binom(n, M*)) with M* = ⌈(n + 1) / 2⌉; 0 for constants and where
    n = 1 (https://arxiv.org/abs/2003.09000).  It does not compare layers of different width.
    """
    if inputs <= 1 or not 1 <= m <= literals:
        return 0.0
    return _log_size(literals, m) / _log_size(inputs, (inputs + 2) // 2)


@lru_cache(maxsize=8)
def complexities(inputs: int, longest: int) -> Doubles:
    """(longest + 1, longest + 2): `complexity` at [N, M]; 0 at the constants and beyond them.

    The same array every time, not to be written to.
    """
    table = np.zeros((longest + 1, longest + 2))
    if inputs <= 1:
        return table
    factorials = np.array([math.lgamma(k + 1) for k in range(longest + 1)])
    most = _log_size(inputs, (inputs + 2) // 2)
    for literals in range(1, longest + 1):
        m = np.arange(1, literals + 1)
        binomials = factorials[literals] - factorials[m] - factorials[literals - m]
        # rounding may leave ln 1 a little off, and 1 of 1 costs nothing
        table[literals, 1 : literals + 1] = np.maximum(np.log(m) + binomials, 0.0) / most
    table.flags.writeable = False
    return table


def _log_size(literals: int, m: int) -> float:
    binomial = math.lgamma(literals + 1) - math.lgamma(m + 1) - math.lgamma(literals - m + 1)
    return max(math.log(m) + binomial, 0.0)
