"""What a person should know of formulas that were read off weights, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from proofsight_server.errors import BadOption
from proofsight_server.extraction.approximated_layer import ApproximatedLayer
from proofsight_server.extraction.composed_program import Composed
from proofsight_server.extraction.formula_choice import has_rules
from proofsight_server.extraction.side_formulas import SideFormula, side_name
from proofsight_server.rules.program import ClassHead, Program

_SHOWN = 5
_MANY = 20_000  # clauses that are loaded within some seconds


def warnings_of(
    layers: Sequence[ApproximatedLayer],
    sides: Sequence[Sequence[SideFormula]],
    found: Composed,
    report: Mapping[str, Any],
    program: Program,
) -> tuple[str, ...]:
    """The warnings of a reading.

    Raises
    ------
    BadOption
        No class has a rule, or none reads an input, so that nothing could be decided.
    """
    told = []
    for layer, own in zip(layers, sides, strict=True):
        told += list(_of_layer(layer, own, report["options"]))
    told += list(_of_program(layers, found, report, program))
    untried = not report["options"]["limit_data"] and "limited" not in report["figures"]
    if not has_rules(program):
        shorter = ", or use limit_data=true, which finds shorter terms" if untried else ""
        raise BadOption(
            "no class has a rule, so that the program would decide nothing; raise order or "
            f"max_terms{shorter}. {'. '.join(told)}",
            option="order",
        )
    if not set(program.propositions()).intersection(report["inputs"]["low"]):
        shorter = ", or use limit_data=true" if untried else ""
        raise BadOption(
            "no rule reads an input: each formula that decides is always true, whatever an image "
            f"shows, or has no term; raise order or max_terms{shorter}; where the network "
            f"decides all images alike, train it. {'. '.join(told)}",
            option="order",
        )
    return tuple(told)


def _of_layer(
    layer: ApproximatedLayer, sides: Sequence[SideFormula], options: Mapping[str, Any]
) -> Iterator[str]:
    limited = options["limit_data"]
    atom = layer.layer.info.layer.atom
    fixed = [target.on for target in layer.targets if not any(target.unit.weights)]
    if fixed:
        yield (f"{atom}: all weights of {_listed(fixed)} are 0, so that it is always or never on")
    empty = [side for side in sides if not side.formula.terms]
    short = [side for side in empty if side.formula.shortest is not None]
    if short:
        least = [side.formula.shortest or 0 for side in short]
        yield (
            f"{atom}: {len(short)} of {len(sides)} formulas have no term within the caps "
            f"({_listed([side_name(layer, side) for side in short])}) and are never true; the "
            f"least order that gives one of them a term is {min(least)}, all of them {max(least)}"
        )
    lost = [
        side
        for side in empty
        if side.formula.shortest is None
        and not limited
        and layer.targets[side.target].unit.side(on=side.on).least is not None
    ]
    if lost:
        why = "have no term at all that would hold wherever its literals do; take literal=vertex "
        why += "with limit_data=true"
        if options["literal"] == "vertex":
            why = "have no term, since they need inputs that drop_quantile left out; lower it"
        yield (
            f"{atom}: {len(lost)} of {len(sides)} formulas "
            f"({_listed([side_name(layer, side) for side in lost])}) {why}"
        )
    unseen = [side for side in empty if side.formula.shortest is None and limited]
    if unseen:
        yield (
            f"{atom}: {len(unseen)} of {len(sides)} formulas "
            f"({_listed([side_name(layer, side) for side in unseen])}) have no term within the "
            "caps that holds on all the training images that satisfy it; raise order"
        )
    for status, noun in (("terms", "max_terms"), ("time", "time_limit")):
        cut = [side for side in sides if side.formula.status == status]
        if cut:
            yield (
                f"{atom}: {noun} ended the search for {len(cut)} of {len(sides)} formulas; they "
                "hold only where the unit is on that side, and miss some of it"
            )
    unwritten = sum(len(side.formula.terms) - len(side.written) for side in sides)
    if unwritten:
        total = sum(len(side.formula.terms) for side in sides)
        yield (
            f"{atom}: {unwritten} of {total} terms hold on fewer training images than min_support "
            "and are not written"
        )


def _of_program(
    layers: Sequence[ApproximatedLayer],
    found: Composed,
    report: Mapping[str, Any],
    program: Program,
) -> Iterator[str]:
    composed = found.program
    if len(program.rules) > _MANY:
        yield (
            f"the program has {len(program.rules)} clauses; checking and loading it takes a while, "
            "on a busy machine longer than a server waits: lower max_terms or order"
        )
    ruled = {rule.head.name for rule in composed.rules if isinstance(rule.head, ClassHead)}
    lacking = [name for name in composed.classes if name not in ruled]
    if lacking:
        yield f"{_listed(lacking)} can never be decided: a formula that it leans on has no term"
    lost = sum(one.lost for one in found.layers)
    if lost:
        yield (
            f"{lost} terms lean on a hidden unit being on or off where no formula says so, and "
            "were left out; raise order or max_terms"
        )
    if len(layers) > 1:
        yield from _of_composition(layers, report)
    outside = report["inputs"]["outside"]
    if outside["values"]:
        yield (
            f"{outside['values']} of {outside['of']} {report['heldout']} values, in "
            f"{outside['images']} images, lie outside the range of the training images"
        )
    constant = report["inputs"]["constant"]
    if constant:
        yield (
            f"{len(constant)} inputs are the same on all training images and stand in no term "
            f"({_listed(constant)})"
        )


def _of_composition(
    layers: Sequence[ApproximatedLayer], report: Mapping[str, Any]
) -> Iterator[str]:
    far = ", ".join(
        f"{one['layer']} {one['mean']:.2f} of its range on average ({one['near']:.0%} of values "
        "within .1)"
        for one in report["saturation"]
    )
    yield (
        "formulas were composed through hidden layers, which the authors of the method found "
        f"extremely inaccurate; hidden values are this far from their ends: {far}"
    )
    relu = [one.layer.info.layer.atom for one in layers[:-1] if one.layer.activation == "relu"]
    if relu:
        yield f"{_listed(relu)} is relu, which has no upper end to saturate at"
    if report["options"]["negation"] == "closed":
        yield (
            "negation=closed takes a hidden unit for off wherever no term says that it is on: "
            "what the caps cut off becomes false positives above"
        )
    figures, heldout = report["figures"], report["heldout"]
    told = ", ".join(
        f"{kind} {own[heldout]['fidelity']:.4f} ({own[heldout]['undecided']:.1%} undecided)"
        for kind, own in figures.items()
    )
    yield f"fidelity on {heldout} images: {told}; published: {report['taken']}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
