"""In which order the predicates of a program can be decided, each after what it leans on."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import Literal as OneOf

from proofsight_server.errors import BadProgram
from proofsight_server.rules.program import (
    DerivedHead,
    ExceptionHead,
    Head,
    Program,
    Rule,
    Unless,
)

# `derived(p)` of a proposition p, or `ab(r)` of a rule r
Auxiliary = tuple[OneOf["derived", "ab"], str]


def auxiliary(head: Head) -> Auxiliary | None:
    """Return what a rule with this head helps to decide; None for a class."""
    if isinstance(head, ExceptionHead):
        return "ab", head.rule
    if isinstance(head, DerivedHead):
        return "derived", head.proposition
    return None


def leans_on(rule: Rule) -> set[Auxiliary]:
    """Return what the body of a rule refers to, whether any rule defines it or not."""
    found: set[Auxiliary] = {("derived", literal.proposition) for literal in rule.literals()}
    found.update(("ab", part.rule) for part in rule.body if isinstance(part, Unless))
    return found


def strata(program: Program) -> tuple[Auxiliary, ...]:
    """Return the auxiliary predicates that rules define, each after those its rules lean on.

    Raises
    ------
    BadProgram
        If one of them leans on itself, directly or through others.
    """
    graph: dict[Auxiliary, set[Auxiliary]] = {}
    for rule in program.rules:
        defined = auxiliary(rule.head)
        if defined is not None:
            graph.setdefault(defined, set()).update(leans_on(rule))
    try:
        order = tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        cycle = " -> ".join(f"{kind}({name})" for kind, name in reversed(error.args[1]))
        raise BadProgram(
            f"the rules go in a circle, so that nothing decides them: {cycle}; "
            "remove one of these references"
        ) from error
    return tuple(defined for defined in order if defined in graph)
