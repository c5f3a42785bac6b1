r"""Formulas of units put into each other: a program of `derived/2` clauses from layer to layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from proofsight_server.rules.implicant_search import Term
from proofsight_server.rules.program import DerivedHead, Head, Literal, Rule, Stat
from proofsight_server.rules.threshold_unit import Pair


@dataclass(frozen=True, slots=True)
class Definition:
    """All clauses of one head: its terms, in the order of the file, and what is said of each.

    `literals` are those that the pairs of the terms stand for.
    """

    head: Head
    terms: tuple[Term, ...]
    literals: Mapping[Pair, Literal]
    stats: tuple[tuple[tuple[str, Stat], ...], ...]


def clauses(definitions: Sequence[Definition], rules: Sequence[Rule] = ()) -> tuple[Rule, ...]:
    """The rules for classes, then the definitions that they lean on, named a1, a2, ….

    Definitions stand with each before those it leans on.  One that nothing leans on, and that is
    no class, is left out.
    """
    found = [replace(rule, id="") for rule in rules]
    used = {literal.proposition for rule in rules for literal in rule.literals()}
    for definition in definitions:
        head = definition.head
        if isinstance(head, DerivedHead) and head.proposition not in used:
            continue
        for term, stats in zip(definition.terms, definition.stats, strict=True):
            rule = Rule("", head, tuple(definition.literals[pair] for pair in term), stats)
            used |= {literal.proposition for literal in rule.literals()}
            found.append(rule)
    return tuple(replace(rule, id=f"a{place}") for place, rule in enumerate(found, start=1))
