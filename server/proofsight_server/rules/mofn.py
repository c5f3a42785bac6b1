"""M-of-N rules: a unit is on where at least M of N literals about its inputs hold.

Odense and d'Avila Garcez, https://arxiv.org/abs/2003.09000.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.rules.complexity import dnf_literals
from proofsight_server.rules.cuts import best_cuts
from proofsight_server.rules.mofn_order import Order, by_score, greedily
from proofsight_server.rules.mofn_search import (
    Bodies,
    Chosen,
    errors_of_bodies,
    errors_of_prefixes,
)
from proofsight_server.rules.mofn_triples import best_triple
from proofsight_server.rules.option import SHARE
from proofsight_server.rules.real_array import real_array
from proofsight_server.symbols.feature import Bools, Ints

Doubles = npt.NDArray[np.float64]

ORDERS: tuple[Order, ...] = get_args(Order)
MOST_EXHAUSTIVE = 20
_SECONDS = 2.2  # that 20 inputs took, for one unit
GREEDY_BODY = 16


@dataclass(frozen=True, slots=True)
class MofN:
    """At least `m` of the literals hold.

    Attributes
    ----------
    m
        How many must hold; the constants are 0 (always) and 1 (never), without literals.
    literals
        (input, polarity) in the order in which they were taken; polarity True: the input is 1.
    error
        Share of images where the rule and the unit differ.
    complexity
        See `complexity`; 0..1.
    """

    m: int
    literals: tuple[tuple[int, bool], ...]
    error: float
    complexity: float

    @property
    def dnf_literals(self) -> int:
        """Literals in the rule's minimal disjunctive form; 0 for the constants."""
        return dnf_literals(self.m, len(self.literals)) if self.literals else 0

    def holds(self, bits: Bools) -> Bools:
        """Whether the rule holds, (images,), for `bits` (images, inputs)."""
        count = np.zeros(len(bits), dtype=np.int64)
        for number, polarity in self.literals:
            count += bits[:, number] == polarity
        holds: Bools = count >= self.m
        return holds


def best_rule(
    bits: Bools,
    target: Bools,
    weights: npt.ArrayLike,
    *,
    beta: float = 0.0,
    order: Order = "weight",
) -> MofN:
    """The M-of-N rule of least loss (1 − β)·error + β·complexity.

    Literals join bodies in one order; all N and M are looked at.  Among losses within 1e-12 of
    the least, the rule with the fewest errors, then the least N, then the least M.

    Parameters
    ----------
    bits
        (images, n) bool: the inputs, already cut.
    target
        (images,) bool: whether the unit is on.
    weights
        (n,) the unit's weights: their signs are the literals' polarities, and where one is 0 the
        input has no literal.
    beta
        0..1: what complexity weighs against error.
    order
        `weight`: by falling absolute weight; `weight*std`: that times the bit's standard
        deviation; `gain`: by falling information gain; `greedy`: each leaves fewest errors, up to
        16; `triples`: the same after the best body of three, of all (at most 256 inputs);
        `exhaustive`: no order, all sets of inputs (at most 20).

    Raises
    ------
    BadTensor
        Shapes or types do not fit, there is no image, or a weight is not finite.
    BadOption
        `beta` or `order` is none, or too many inputs for `triples` or `exhaustive`.
    """
    bits, target, signed = _checked(bits, target, weights)
    check_beta(beta)
    check_order(order)
    beta = float(beta)  # a narrower float would hide ties
    used = np.flatnonzero(signed)
    literals = bits[:, used] == (signed[used] > 0)
    if order == "exhaustive":
        rule, inside = exhaustive(literals, target, inputs=len(signed), beta=beta)
    else:
        at = ordered(order, literals, target, np.abs(signed[used]))
        rule = errors_of_prefixes(literals[:, at], target, inputs=len(signed)).best(beta)
        inside = tuple(at[: rule.literals].tolist())
    return MofN(
        rule.m,
        tuple((int(used[place]), bool(signed[used[place]] > 0)) for place in inside),
        rule.errors / len(target),
        rule.complexity,
    )


def ordered(
    order: Order,
    literals: Bools,
    target: Bools,
    sizes: Doubles,
    *,
    deviations: Doubles | None = None,
    gains: Doubles | None = None,
    longest: int | None = None,
) -> Ints:
    """The columns of literals in the order in which they join bodies.

    Parameters
    ----------
    order
        As in `best_rule`, but `exhaustive`, which has none.
    literals, target
        (images, n) bool and (images,) bool.
    sizes
        (n,) absolute weights.
    deviations
        (n,) standard deviations of the inputs, which `weight*std` alone asks for; where nothing
        is said those of the literals.
    gains
        (n,) where they are known.
    longest
        How many are wanted at most; `greedy` and `triples` take 16 where nothing is said.

    Raises
    ------
    BadOption
        More than 256 inputs for `triples`.
    """
    if order in ("greedy", "triples"):
        first = np.array(best_triple(literals, target) if order == "triples" else (), dtype=int)
        first = first[greedily(literals[:, first], target, len(first))]
        most = GREEDY_BODY if longest is None else longest
        return greedily(literals, target, most, first.tolist())
    if order == "gain":
        if gains is None:
            gains = best_cuts(literals.astype(np.float32), target[:, None]).gain[:, 0]
        scores = gains
    elif order == "weight*std":
        scores = sizes * (literals.std(axis=0) if deviations is None else deviations)
    else:
        scores = sizes
    return by_score(scores)[:longest]


def exhaustive(
    literals: Bools, target: Bools, *, inputs: int, beta: float
) -> tuple[Chosen, tuple[int, ...]]:
    """The best rule over all sets of literals, and its columns.

    Raises
    ------
    BadOption
        There are more than 20 literals.
    """
    found = bodies_of(literals, target, inputs=inputs)
    rule = found.table.best(beta)
    return rule, found.indices(rule)


def bodies_of(literals: Bools, target: Bools, *, inputs: int) -> Bodies:
    """The best of all sets of literals for each N and M. Raises BadOption for more than 20."""
    check_exhaustive(literals.shape[1], "this target")
    return errors_of_bodies(literals, target, inputs=inputs)


def check_exhaustive(inputs: int, unit: str) -> None:
    """Refuse more inputs than every set of can be tried. Raises BadOption.

    With n inputs the work is n² 2^n whatever the images are, so that it needs no limit of time.
    """
    if inputs > MOST_EXHAUSTIVE:
        growth = (inputs / MOST_EXHAUSTIVE) ** 2 * 2.0 ** min(inputs - MOST_EXHAUSTIVE, 900)
        raise BadOption(
            f"the order exhaustive tries every set of inputs, which is for at most "
            f"{MOST_EXHAUSTIVE} of them, and {unit} has {inputs}: {_duration(_SECONDS * growth)} a "
            "unit; use the order greedy or weight",
            option="order",
            inputs=inputs,
        )


def _duration(seconds: float) -> str:
    for unit, size in (("years", 31_557_600), ("days", 86_400), ("hours", 3_600), ("min", 60)):
        if seconds >= size:
            count = seconds / size
            return (
                f"some {count:.0f} {unit}" if count < 1e6 else f"10^{math.log10(count):.0f} {unit}"
            )
    return f"some {seconds:.0f} s"


def check_beta(beta: float) -> None:
    """Refuse a β that is no share. Raises BadOption."""
    if not SHARE.accepts(beta):
        raise BadOption(
            f"beta weighs complexity against error and lies in 0..1, not {beta!r}",
            option="beta",
            value=beta,
        )


def check_order(order: str) -> None:
    """Refuse an order that is not known. Raises BadOption."""
    if order not in ORDERS:
        raise BadOption(
            f"an order is one of {', '.join(ORDERS)}, not {order!r}", option="order", value=order
        )


def check_weights(weights: Doubles, unit: str) -> None:
    """Refuse weights that are not finite. Raises BadTensor."""
    if not np.isfinite(weights).all():
        at = int(np.flatnonzero(~np.isfinite(weights))[0])
        raise BadTensor(
            f"weight {at} of {unit} is {weights[at]}; a literal's polarity is its weight's sign, "
            "so all weights must be finite: check the network",
            input=at,
        )


def _checked(bits: Bools, target: Bools, weights: npt.ArrayLike) -> tuple[Bools, Bools, Doubles]:
    bits, target = np.asarray(bits), np.asarray(target)
    signed = real_array(weights, "weights are")
    if bits.ndim != 2 or bits.dtype != np.bool_ or not len(bits):
        raise BadTensor(
            "bits are booleans of shape (images, inputs) with at least one image, not "
            f"{bits.dtype} of shape {bits.shape}"
        )
    if target.shape != (len(bits),) or target.dtype != np.bool_:
        raise BadTensor(
            f"the target holds one boolean for each of {len(bits)} images, not {target.dtype} of "
            f"shape {target.shape}"
        )
    if signed.shape != (bits.shape[1],):
        raise BadTensor(
            f"there is one weight for each of {bits.shape[1]} inputs, not shape {signed.shape}"
        )
    check_weights(signed, "the unit")
    return bits, target, signed
