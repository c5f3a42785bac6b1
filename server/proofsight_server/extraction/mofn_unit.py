"""One unit explained by an M-of-N rule: its literals, the curve over β, and the figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from proofsight_server.rules.complexity import dnf_literals
from proofsight_server.rules.mofn import bodies_of, ordered
from proofsight_server.rules.mofn_order import Order
from proofsight_server.rules.mofn_search import Chosen, ErrorTable, errors_of_prefixes
from proofsight_server.symbols.feature import Bools, Ints
from proofsight_server.vision.unit import Unit

Doubles = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating]

PARTS = ("fit", "heldout", "test")
CLOSE = 0.01  # an error that counts as an explanation: fidelity of 99 %


@dataclass(frozen=True, slots=True)
class Site:
    """Where a rule is read: a unit, its weights, and how it and its inputs are cut.

    Attributes
    ----------
    name
        Its atom, `fc1_u3`.
    unit
        What it reads, and with which weights.
    weight
        (n,) the weights that give literals their polarity and order.
    target_cut
        Above which value the unit is on; None for a class.
    cuts
        (n,) of each input; NaN where it has no literal.
    """

    name: str
    unit: Unit
    weight: Doubles
    target_cut: float | None
    cuts: Doubles

    @property
    def usable(self) -> Ints:
        """The inputs that have a literal."""
        return np.flatnonzero(~np.isnan(self.cuts) & (self.weight != 0))


@dataclass(frozen=True, slots=True)
class Case:
    """A site with the images that its rule is read from and measured on.

    Attributes
    ----------
    site
        What is explained.
    gains
        (n,) of the inputs' cuts; None where they were not chosen for this target.
    values
        Per part (images, n): the inputs; 0 where a convolution reads padding.
    targets
        Per part (images,): whether the unit is on.
    """

    site: Site
    gains: Doubles | None
    values: Mapping[str, Numbers]
    targets: Mapping[str, Bools]

    def literals(self, part: str) -> Bools:
        """(usable inputs, images) whether the literal of each usable input holds."""
        usable = self.site.usable
        values = self.values[part][:, usable]
        above = np.ascontiguousarray((values > self.site.cuts[usable].astype(values.dtype)).T)
        literals: Bools = above == (self.site.weight[usable] > 0)[:, None]
        return literals

    def baseline(self) -> dict[str, float]:
        """The error of the better constant, per part."""
        shares = {part: float(target.mean()) for part, target in self.targets.items()}
        return {part: min(share, 1 - share) for part, share in shares.items()}


@dataclass(frozen=True, slots=True)
class Found:
    """A rule of a unit: the best for a β in an order of literals.

    `inputs` are its literals' inputs in the order in which they were taken; errors, recall and
    precision of the on side are per part, None where nothing was on.
    """

    beta: float
    m: int
    inputs: tuple[int, ...]
    complexity: float
    error: Mapping[str, float]
    recall: Mapping[str, float | None]
    precision: Mapping[str, float | None]

    @property
    def dnf_literals(self) -> int:
        """Literals of its minimal disjunctive form."""
        return dnf_literals(self.m, len(self.inputs)) if self.inputs else 0


@dataclass(frozen=True, slots=True)
class Curve:
    """What one order of literals makes of a unit.

    `rules` has the best rule for each β; `least` is the least N whose rule of fewest errors on
    fitting images is wrong on less than 1 % of those held out (of the fitting ones where none
    are), None where none is or where N was bounded below it.
    """

    order: Order
    rules: tuple[Found, ...]
    least: int | None


def curve_of(case: Case, order: Order, betas: Sequence[float], longest: int | None) -> Curve:
    """The best rules of a unit in one order, for each β.

    Raises
    ------
    BadOption
        The order is `exhaustive` and more than 20 inputs have a literal.
    """
    searched = _Searched.of(case, order, longest)
    best = [(beta, searched.table.best(beta)) for beta in betas]
    return Curve(order, tuple(searched.found(*one) for one in best), searched.least())


def rules_by_length(case: Case, order: Order, lengths: Sequence[int]) -> tuple[Found, ...]:
    """The rule of fewest errors of each length N, where so many inputs have a literal.

    Raises
    ------
    BadOption
        As `curve_of` does.
    """
    searched = _Searched.of(case, order, max(lengths))
    rules = {rule.literals: rule for rule in searched.table.shortest()}
    return tuple(searched.found(0.0, rules[length]) for length in lengths if length in rules)


@dataclass(frozen=True, slots=True)
class _Searched:
    """The errors of all rules of a unit in one order.

    Attributes
    ----------
    case, table
        What was searched, and what was found.
    held
        Per part (usable inputs, images): whether literals hold.
    taken
        The literals of a rule, as rows of `held`, in the order in which they were taken.
    """

    case: Case
    table: ErrorTable
    held: Mapping[str, Bools]
    taken: Callable[[Chosen], Ints]

    @classmethod
    def of(cls, case: Case, order: Order, longest: int | None) -> _Searched:
        usable, target = case.site.usable, case.targets["fit"]
        held = {part: case.literals(part) for part in case.targets}
        literals, inputs = held["fit"], len(case.site.weight)
        if order == "exhaustive":
            bodies = bodies_of(literals.T, target, inputs=inputs)
            return cls(case, bodies.table, held, lambda rule: np.array(bodies.indices(rule), int))
        at = ordered(
            order,
            literals.T,
            target,
            np.abs(case.site.weight[usable]),
            deviations=_deviations(case, usable) if order == "weight*std" else None,
            gains=None if case.gains is None else case.gains[usable],
            longest=longest,
        )
        table = errors_of_prefixes(literals[at].T, target, inputs=inputs)
        return cls(case, table, held, lambda rule: at[: rule.literals])

    def found(self, beta: float, rule: Chosen) -> Found:
        """A rule with its figures."""
        taken = self.taken(rule)
        error, recall, precision = {}, {}, {}
        for part, target in self.case.targets.items():
            holds = self.held[part][taken].sum(axis=0) >= rule.m
            error[part] = float((holds != target).mean())
            recall[part] = float(holds[target].mean()) if target.any() else None
            precision[part] = float(target[holds].mean()) if holds.any() else None
        inputs = tuple(self.case.site.usable[taken].tolist())
        return Found(beta, rule.m, inputs, rule.complexity, error, recall, precision)

    def least(self) -> int | None:
        """The least N whose rule of fewest errors is close (see `Curve`)."""
        part = "heldout" if "heldout" in self.case.targets else "fit"
        target, held = self.case.targets[part], self.held[part]
        count = np.zeros(len(target), dtype=np.int64)
        before: list[int] = []
        for rule in self.table.shortest():
            taken = self.taken(rule)
            body = taken.tolist()
            if not body:
                continue
            if body[:-1] != before:
                count[...] = 0
                before = []
            count += held[taken[len(before) :]].sum(axis=0)
            before = body
            if ((count >= rule.m) != target).mean() < CLOSE:
                return rule.literals
        return None


def _deviations(case: Case, inputs: Ints) -> Doubles:
    deviations: Doubles = case.values["fit"][:, inputs].std(axis=0, dtype=np.float64)
    return deviations
