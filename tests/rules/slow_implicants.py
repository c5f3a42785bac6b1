"""The definitions written out: every input, every set of literals."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from proofsight_server.rules.threshold_unit import Pair
from proofsight_server.symbols.feature import Bools

Table = tuple[Bools, Bools]


def every_input(n: int) -> Bools:
    """All 2^n inputs, (2^n, n): input i is bit i of the place."""
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.bool_)


def forward(weights: Sequence[float], bias: float) -> Table:
    """Every input, and whether the unit's value there, summed one by one, is 0 or more."""
    inputs = every_input(len(weights))
    order = sorted(range(len(weights)), key=lambda at: -abs(weights[at]))
    tolerance = 1e-12 * sum(abs(weight) for weight in weights)
    on = []
    for row in inputs:
        total = float(bias)
        for at in order:
            total += weights[at] if row[at] else 0.0
        on.append(total >= -tolerance)
    return inputs, np.array(on, dtype=np.bool_)


def prime_implicants(
    inputs: Bools, wanted: Bools, literals: Sequence[Pair] | None = None, support: int = 1
) -> list[frozenset[Pair]]:
    """All terms that no input refutes and of which no part is one; over both polarities of all.

    A term counts if at least `support` inputs satisfy it.
    """
    both = [(at, polarity) for at in range(inputs.shape[1]) for polarity in (True, False)]
    found: list[frozenset[Pair]] = []
    for length in range(inputs.shape[1] + 1):
        for chosen in combinations(both if literals is None else literals, length):
            term = frozenset(chosen)
            satisfied = holds(term, inputs)
            accepted = wanted[satisfied].all() and satisfied.sum() >= support
            if accepted and not any(shorter <= term for shorter in found):
                found.append(term)
    return found


def holds(term: frozenset[Pair], inputs: Bools) -> Bools:
    """Whether all literals of a term hold, per input."""
    true = np.ones(len(inputs), dtype=np.bool_)
    for at, polarity in term:
        true &= inputs[:, at] == polarity
    return true


def says(terms: Sequence[frozenset[Pair]], inputs: Bools) -> Bools:
    """Whether some term holds, per input."""
    true = np.zeros(len(inputs), dtype=np.bool_)
    for term in terms:
        true |= holds(term, inputs)
    return true
