"""The slow twin of evaluation: one image and one literal at a time, from the definitions."""

from __future__ import annotations

from collections.abc import Mapping

from proofsight_server.rules.program import (
    AtLeast,
    ClassHead,
    DerivedHead,
    Element,
    ExceptionHead,
    Literal,
    PointsHead,
    Program,
    Rule,
)


def active(program: Program, proposition: str, seen: Mapping[str, bool]) -> bool:
    """A value decides where there is one; otherwise some `derived/2` clause must fire."""
    if proposition in seen:
        return seen[proposition]
    for rule in program.rules:
        about = isinstance(rule.head, DerivedHead) and rule.head.proposition == proposition
        if about and fires(program, rule, seen):
            return True
    return False


def holds(program: Program, element: Element, seen: Mapping[str, bool]) -> bool:
    """Whether one element of a body holds."""
    if isinstance(element, Literal):
        truth = active(program, element.proposition, seen)
        return truth if element.positive else not truth
    if isinstance(element, AtLeast):
        count = 0
        for literal in element.literals:
            if holds(program, literal, seen):
                count = count + 1
        return count >= element.m
    for rule in program.rules:
        about = isinstance(rule.head, ExceptionHead) and rule.head.rule == element.rule
        if about and fires(program, rule, seen):
            return False
    return True


def fires(program: Program, rule: Rule, seen: Mapping[str, bool]) -> bool:
    """Whether every element of a rule's body holds."""
    return all(holds(program, element, seen) for element in rule.body)


def score(program: Program, name: str, seen: Mapping[str, bool]) -> int:
    """The points of a class."""
    total = dict(program.bases).get(name, 0)
    for rule in program.rules:
        about = isinstance(rule.head, PointsHead) and rule.head.name == name
        if about and fires(program, rule, seen):
            assert isinstance(rule.head, PointsHead)
            total = total + rule.head.points
    return total


def decide(program: Program, seen: Mapping[str, bool]) -> tuple[str | None, str | None, bool]:
    """The decided class, the deciding rule's id, and whether the default decided."""
    if program.policy == "points":
        order = program.class_order if program.class_order else program.classes
        most = max(score(program, name, seen) for name in order)
        for name in order:
            if score(program, name, seen) == most:
                return name, None, False
    firing = [
        rule
        for rule in program.rules
        if isinstance(rule.head, ClassHead) and fires(program, rule, seen)
    ]
    if not firing:
        return program.default, None, program.default is not None
    order = program.class_order if program.class_order else program.classes
    if program.policy == "ordered":
        first = firing[0]
        assert isinstance(first.head, ClassHead)
        return first.head.name, first.id, False
    if program.policy == "confidence":
        best = max(dict(rule.stats).get("confidence", 0) for rule in firing)
        firing = [rule for rule in firing if dict(rule.stats).get("confidence", 0) == best]
    for name in order:
        for rule in firing:
            if rule.head == ClassHead(name):
                return name, rule.id, False
    raise AssertionError("a firing rule has a class that the order lacks")
