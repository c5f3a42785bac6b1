"""What kind of program it is: whether two classes can hold at once, and programs put in order."""

from __future__ import annotations

from dataclasses import replace

from proofsight_server.rules.policy import priority
from proofsight_server.rules.program import ClassHead, ExceptionHead, Literal, Program, Rule


def exclusive(program: Program) -> bool:
    """Whether the bodies of any two rules for different classes contradict each other.

    Seen from the literals alone: a literal of one stands in the other with the opposite sign.
    `at_least`, exceptions and `derived/2` are not looked into, so that False means "not proved".
    """
    bodies = [
        (rule.head.name, frozenset(part for part in rule.body if isinstance(part, Literal)))
        for rule in program.rules
        if isinstance(rule.head, ClassHead)
    ]
    return all(
        name == other or not theirs.isdisjoint(map(_opposite, own))
        for place, (name, own) in enumerate(bodies)
        for other, theirs in bodies[:place]
    )


def ordered(program: Program) -> Program:
    """The program with the policy `ordered`, which decides every image as it did.

    Rules for classes stand in the order in which they decided, each with its exceptions; then
    come the `derived/2` clauses.
    """
    exceptions: dict[str, list[Rule]] = {}
    for rule in program.rules:
        if isinstance(rule.head, ExceptionHead):
            exceptions.setdefault(rule.head.rule, []).append(rule)
    placed: dict[str, Rule] = {}

    def put(rule: Rule) -> None:
        if rule.id not in placed:
            placed[rule.id] = rule
            for exception in exceptions.get(rule.id, ()):
                put(exception)

    for number in priority(program):
        put(program.rules[number])
    for rule in program.rules:
        put(rule)
    return replace(program, rules=tuple(placed.values()), policy="ordered")


def _opposite(literal: Literal) -> Literal:
    return Literal(literal.proposition, not literal.positive)
