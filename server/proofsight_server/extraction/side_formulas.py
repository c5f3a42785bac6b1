"""The formulas of a stack of layers, from the top down: what nothing above uses is not sought."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proofsight_server.extraction.approximated_layer import ApproximatedLayer, Target
from proofsight_server.rules.implicant_search import Formula, Term
from proofsight_server.rules.term_truth import Truth, held
from proofsight_server.rules.threshold_unit import Pair
from proofsight_server.rules.unit_formulas import FittingImages, Plan, formula_of, thinned


@dataclass(frozen=True, slots=True)
class SideFormula:
    """One side of one target of a layer, and its formula.

    Attributes
    ----------
    target, on
        The place of the target in its layer, and which of its sides.
    formula
        What the search found.
    written
        The terms that go into the program, shortest first and then by decreasing weight sum:
        those that enough training images satisfy.
    dropped
        Inputs that were dropped for their small weights.
    """

    target: int
    on: bool
    formula: Formula
    written: tuple[Term, ...]
    dropped: tuple[int, ...]


def formulas(
    layers: Sequence[ApproximatedLayer], plan: Plan, *, both: bool
) -> tuple[tuple[SideFormula, ...], ...]:
    """The formulas of each layer, lowest first.

    Of the top layer, all sides that have a name; of a hidden layer, the sides that formulas above
    it use.  `both`: hidden units have an off side of their own; else its absence is used.
    """
    found: list[tuple[SideFormula, ...]] = []
    wanted: set[Pair] | None = None
    for layer in reversed(layers):
        own = tuple(_formulas(layer, plan, wanted))
        found.append(own)
        wanted = {pair for side in own for term in side.written for pair in term}
        if not both:
            wanted = {(at, True) for at, _ in wanted}
    return tuple(reversed(found))


def side_name(layer: ApproximatedLayer, side: SideFormula) -> str:
    """The proposition, or class, that a side is."""
    target = layer.targets[side.target]
    name = target.on if side.on else target.off
    assert name is not None
    return name


def _formulas(
    layer: ApproximatedLayer, plan: Plan, wanted: set[Pair] | None
) -> Iterator[SideFormula]:
    bits, on = layer.bits["train"], layer.on["train"]
    truth = Truth.of(bits)
    for place, target in enumerate(layer.targets):
        unit, dropped = thinned(target.unit, layer.means, plan.drop_quantile)
        fitting = FittingImages(bits, on[:, place])
        for side in _sides(target, place, wanted):
            formula = formula_of(unit, on=side, plan=plan, cuts=layer.cuts, fitting=fitting)
            counts = held(formula.terms, truth, fitting.on == side).counts.tolist()
            kept = [
                term
                for term, count in zip(formula.terms, counts, strict=True)
                if count >= plan.min_support or not term
            ]
            sizes = [abs(weight) for weight in unit.weights]
            kept.sort(key=lambda term: (len(term), -sum(sizes[at] for at, _ in term)))
            yield SideFormula(place, side, formula, tuple(kept), dropped)


def _sides(target: Target, place: int, wanted: set[Pair] | None) -> Iterator[bool]:
    for side, name in ((True, target.on), (False, target.off)):
        if name is not None and (wanted is None or (place, side) in wanted):
            yield side
