"""Which formulas are taken where the options leave open whether they are limited to images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proofsight_server.extraction.composed_program import Composed
from proofsight_server.extraction.program_size import MOST_RULES
from proofsight_server.extraction.side_formulas import SideFormula
from proofsight_server.rules.program import ClassHead, Program

_NOUNS = {
    "every_input": "formulas for every input there could be",
    "limited": "those limited to the training images",
}


@dataclass(frozen=True, slots=True)
class Found:
    """Formulas, whether they are limited to images, the program that they compose, its figures.

    `figures` are `rules` and, per split, `fidelity`, `undecided` and `covered_fidelity`.
    """

    limited: bool
    sides: tuple[tuple[SideFormula, ...], ...]
    composed: Composed
    figures: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The name under which figures are kept of what was not taken."""
        return "limited" if self.limited else "every_input"


def has_rules(program: Program) -> bool:
    """Whether any class has a rule."""
    return any(isinstance(rule.head, ClassHead) for rule in program.rules)


def deciding_split(figures: Mapping[str, Any]) -> str:
    """The split that choices are made on; never that of test."""
    return "validation" if "validation" in figures else "train"


def most_faithful(tries: Sequence[Found]) -> Found:
    """The formulas that decide most often as the network, on validation images.

    Of equally faithful ones the first; those that a server loads go before all others.
    """
    return max(tries, key=_worth)


def _worth(found: Found) -> tuple[bool, float]:
    figures = found.figures
    loads = has_rules(found.composed.program) and figures["rules"] <= MOST_RULES
    return loads, figures[deciding_split(figures)]["fidelity"]


def choice_told(tries: Sequence[Found], taken: Found) -> str:
    """What was taken, and from what."""
    split = deciding_split(taken.figures)
    return (
        f"limit_data=auto took {_NOUNS[taken.kind].replace('those', 'formulas')}, by the fidelity "
        f"on {split} images: {'; '.join(_told(one, split) for one in tries)}. limit_data=false "
        "asks for the former at once, limit_data=true for the latter"
    )


def _told(found: Found, split: str) -> str:
    noun, rules = _NOUNS[found.kind], found.figures["rules"]
    if not has_rules(found.composed.program):
        return f"{noun} have no rule for any class{_lengths(found)}"
    own = found.figures[split]
    more = f", more than the {MOST_RULES} that a server loads" if rules > MOST_RULES else ""
    return (
        f"{noun} reach {own['fidelity']:.4f} ({own['undecided']:.1%} undecided, {rules} "
        f"rules{more}){_lengths(found)}"
    )


def _lengths(found: Found) -> str:
    """How long terms must be, where that is why there are few."""
    if found.limited:
        return ""
    lengths = [
        side.formula.shortest
        for layer in found.sides
        for side in layer
        if side.formula.shortest is not None
    ]
    if not lengths:
        return ""
    return f", their shortest terms having {min(lengths)} to {max(lengths)} literals"
