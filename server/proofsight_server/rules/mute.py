"""Programs without some propositions: taken as never active, or left out of all bodies."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from proofsight_server.rules.program import (
    AtLeast,
    DerivedHead,
    Element,
    ExceptionHead,
    Literal,
    Program,
    Rule,
    Unless,
)

Body = tuple[Element, ...]


def without_rules(program: Program, gone: Collection[str]) -> Program:
    r"""The program without the rules of those ids, and without what only they needed.

    Exceptions go with the rule that they are exceptions of; where a rule lost its last
    exception, `\+ ab` of it goes too.
    """
    left, gone = list(program.rules), set(gone)
    had = _excepted(left)
    while lost := [rule for rule in left if _goes(rule, gone)]:
        left = [rule for rule in left if rule not in lost]
        gone |= {rule.id for rule in lost}
    bare = had - _excepted(left)
    left = [replace(rule, body=_without_unless(rule.body, bare)) for rule in left]
    return replace(program, rules=tuple(left))


def without_orphans(program: Program, before: Program) -> Program:
    """The program without the `derived/2` clauses that rules read `before`, and none does now."""
    unread = set(before.propositions()) - set(program.propositions())
    orphans = {
        rule.id
        for rule in program.rules
        if isinstance(rule.head, DerivedHead) and rule.head.proposition in unread
    }
    return without_orphans(without_rules(program, orphans), before) if orphans else program


def inactive(program: Program, names: Collection[str]) -> Program:
    """The program that decides as if the propositions `names` were never active.

    Literals on them are true or false then: a body with a false one goes with its rule, and a
    true one goes out of its body.
    """
    derived = {
        rule.id
        for rule in program.rules
        if isinstance(rule.head, DerivedHead) and rule.head.proposition in names
    }
    bodies = {
        rule.id: _assumed(rule.body, names) for rule in program.rules if rule.id not in derived
    }
    changed = _with_bodies(program, bodies, derived)
    while never := _never_firing(changed, program):
        changed = without_rules(changed, never)
    return changed


def dropped(program: Program, names: Collection[str]) -> Program:
    """The program without the literals on `names`; a body left without literals goes."""

    def shorter(body: Body) -> Body | None:
        kept = without_literals(body, names)
        return kept if kept == body or any(not isinstance(e, Unless) for e in kept) else None

    return _with_bodies(program, {rule.id: shorter(rule.body) for rule in program.rules})


def without_literals(body: Body, names: Collection[str]) -> Body:
    """A body without the literals on `names`; `at_least` asks for no more than are left of it."""
    kept: list[Element] = []
    for element in body:
        if isinstance(element, AtLeast):
            literals = tuple(x for x in element.literals if x.proposition not in names)
            if literals:
                kept.append(AtLeast(min(element.m, len(literals)), literals))
        elif not (isinstance(element, Literal) and element.proposition in names):
            kept.append(element)
    return tuple(kept)


def _with_bodies(
    program: Program, bodies: dict[str, Body | None], gone: Iterable[str] = ()
) -> Program:
    """The program with other bodies; a rule goes where there is none."""
    lost = {name for name, body in bodies.items() if body is None} | set(gone)
    rules = tuple(
        replace(rule, body=body) if (body := bodies.get(rule.id)) is not None else rule
        for rule in program.rules
    )
    return without_rules(replace(program, rules=rules), lost)


def _assumed(body: Body, names: Collection[str]) -> Body | None:
    """What is left to ask of a body if `names` are never active; None if it cannot hold."""
    kept: list[Element] = []
    for element in body:
        if isinstance(element, Literal) and element.proposition in names:
            if element.positive:
                return None
        elif isinstance(element, AtLeast):
            literals = tuple(x for x in element.literals if x.proposition not in names)
            true = sum(not x.positive for x in element.literals if x.proposition in names)
            m = element.m - true
            if m > len(literals):
                return None
            if m > 0:
                kept.append(AtLeast(m, literals))
        else:
            kept.append(element)
    return tuple(kept)


def _never_firing(changed: Program, before: Program) -> set[str]:
    """Rules with an exception whose body became true, so that it always fires."""
    bodies = {rule.id: rule.body for rule in before.rules}
    always = {
        rule.head.rule
        for rule in changed.rules
        if isinstance(rule.head, ExceptionHead) and not rule.body and bodies[rule.id]
    }
    return {rule.id for rule in changed.rules if not always.isdisjoint(_unlesses(rule.body))}


def _goes(rule: Rule, gone: Collection[str]) -> bool:
    return rule.id in gone or (isinstance(rule.head, ExceptionHead) and rule.head.rule in gone)


def _excepted(rules: Iterable[Rule]) -> set[str]:
    return {rule.head.rule for rule in rules if isinstance(rule.head, ExceptionHead)}


def _unlesses(body: Body) -> set[str]:
    return {element.rule for element in body if isinstance(element, Unless)}


def _without_unless(body: Body, rules: Collection[str]) -> Body:
    return tuple(e for e in body if not (isinstance(e, Unless) and e.rule in rules))
