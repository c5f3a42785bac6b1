"""Evaluating a program on many images at once: one boolean column per rule."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from proofsight_server.errors import BadProgram, BadTensor
from proofsight_server.rules.policy import Scores, priority
from proofsight_server.rules.program import (
    AtLeast,
    ClassHead,
    Element,
    Literal,
    PointsHead,
    Program,
    Rule,
)
from proofsight_server.rules.stratification import auxiliary, strata
from proofsight_server.symbols.feature import Bools, Ints

_AT_ONCE = 1 << 27  # truth values of rules on images that are held at once


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a program decides, per image; see `Program` for the policies.

    Attributes
    ----------
    decisions
        (n,) index into the program's `classes`; -1 where nothing decides.
    rules
        (n,) index of the deciding rule; -1 where no class rule fires, and for `points`.
    by_default
        (n,) whether the default class decided.
    scores
        (n, classes) the points of each class; None for all policies but `points`.
    """

    decisions: Ints
    rules: Ints
    by_default: Bools
    scores: Ints | None = None

    @property
    def decided(self) -> Bools:
        """(n,) whether rules decided, and not the default or nothing."""
        decided: Bools = (self.decisions >= 0) & ~self.by_default
        return decided


def evaluate(
    program: Program,
    bits: Bools,
    names: Sequence[str],
    *,
    observed: Collection[str] | None = None,
) -> Evaluation:
    """Decide each image; see `Evaluator`, which is worth keeping where calls are many."""
    return Evaluator(program, names, observed=observed)(bits)


def firing(
    program: Program,
    bits: Bools,
    names: Sequence[str],
    *,
    observed: Collection[str] | None = None,
) -> Bools:
    """Whether each rule's body holds, (n, rules); exceptions and derived clauses included."""
    return Evaluator(program, names, observed=observed).firing(bits)


class Evaluator:
    """A program made ready for bit tables with the columns `names`.

    Parameters
    ----------
    program
        What decides.
    names
        The proposition of each column.
    observed
        The propositions whose column counts, all of `names` by default.  The others are
        decided by `derived/2` rules, and inactive where there are none.

    Raises
    ------
    BadProgram
        For rules that go in a circle, two rules with one id, or a class that the program's
        `classes` do not have.
    """

    def __init__(
        self, program: Program, names: Sequence[str], *, observed: Collection[str] | None = None
    ) -> None:
        _check(program)
        self._program = program
        self._width = len(names)
        self._columns = {name: column for column, name in enumerate(names)}
        if len(self._columns) < len(names):
            raise BadTensor("two columns of bits have the same name; names are unique")
        if observed is not None:
            self._columns = {name: at for name, at in self._columns.items() if name in observed}
        self._strata = strata(program)
        self._priority = priority(program)
        index = {name: number for number, name in enumerate(program.classes)}
        # the entry of a rule that decides; the last one, found by index -1, is the default's
        self._decides = np.array(
            [index[r.head.name] if isinstance(r.head, ClassHead) else -1 for r in program.rules]
            + [-1 if program.default is None else index[program.default]],
            dtype=np.int64,
        )
        self._scores = Scores(program) if program.policy == "points" else None

    def __call__(self, bits: Bools) -> Evaluation:
        """Decide each image; `bits` has shape (n, names). Raises BadTensor for another."""
        block = max(1, _AT_ONCE // max(1, len(self._program.rules)))
        if len(bits) <= block:
            return self._evaluated(bits)
        return _joined(
            [self._evaluated(bits[start : start + block]) for start in range(0, len(bits), block)]
        )

    def firing(self, bits: Bools) -> Bools:
        """Whether each rule's body holds, (n, rules); `bits` has shape (n, names)."""
        return self._fires(bits).T

    def _evaluated(self, bits: Bools) -> Evaluation:
        fires = self._fires(bits)
        rules = np.full(len(bits), -1, dtype=np.int64)
        if self._scores is not None:
            scores = self._scores(fires)
            never = np.zeros(len(bits), dtype=np.bool_)
            return Evaluation(self._scores.best(scores), rules, never, scores)
        for rule in reversed(self._priority):
            rules[fires[rule]] = rule
        undecided = rules == -1
        return Evaluation(
            decisions=self._decides[rules],
            rules=rules,
            by_default=undecided & (self._program.default is not None),
        )

    def _fires(self, bits: Bools) -> Bools:
        if bits.ndim != 2 or bits.shape[1] != self._width or bits.dtype != np.bool_:
            raise BadTensor(
                f"bits are booleans of shape (n, {self._width}), one column per name, not "
                f"{bits.dtype} of shape {bits.shape}"
            )
        rules = self._program.rules
        fires = np.zeros((len(rules), len(bits)), dtype=np.bool_)
        table = _Table(bits, self._columns)
        clauses: dict[object, list[int]] = {}
        for number, rule in enumerate(rules):
            clauses.setdefault(auxiliary(rule.head), []).append(number)
        for defined in (*self._strata, None):
            for number in clauses.get(defined, ()):
                table.body(rules[number], fires[number])
            if defined is not None:
                kind, name = defined
                holds = table.derived if kind == "derived" else table.exceptions
                holds[name] = np.logical_or.reduce(fires[clauses[defined]], axis=0)
        return fires


def _joined(parts: Sequence[Evaluation]) -> Evaluation:
    scores = [part.scores for part in parts if part.scores is not None]
    return Evaluation(
        np.concatenate([part.decisions for part in parts]),
        np.concatenate([part.rules for part in parts]),
        np.concatenate([part.by_default for part in parts]),
        np.concatenate(scores) if scores else None,
    )


class _Table:
    """The truth of what bodies refer to, one column (n,) each, as far as it is decided."""

    def __init__(self, bits: Bools, columns: dict[str, int]) -> None:
        self._bits = bits
        self._columns = columns
        self._cache: dict[str, Bools] = {}
        self._never = np.zeros(len(bits), dtype=np.bool_)
        self.derived: dict[str, Bools] = {}
        self.exceptions: dict[str, Bools] = {}

    def body(self, rule: Rule, out: Bools) -> None:
        out[...] = True
        for element in rule.body:
            out &= self._element(element)

    def _element(self, element: Element) -> Bools:
        if isinstance(element, Literal):
            active = self._active(element.proposition)
            return active if element.positive else ~active
        if isinstance(element, AtLeast):
            count = np.zeros(len(self._bits), dtype=np.int32)
            for literal in element.literals:
                count += self._element(literal)
            return count >= element.m
        return ~self.exceptions.get(element.rule, self._never)

    def _active(self, name: str) -> Bools:
        column = self._columns.get(name)
        if column is None:
            return self.derived.get(name, self._never)
        if name not in self._cache:
            self._cache[name] = self._bits[:, column].copy()  # contiguous: used in many bodies
        return self._cache[name]


def _check(program: Program) -> None:
    known = set(program.classes)
    _check_kind(program)
    heads = [rule.head for rule in program.rules]
    used = [head.name for head in heads if isinstance(head, ClassHead | PointsHead)]
    used += [] if program.default is None else [program.default]
    used += [name for name, _ in program.bases]
    for name in used:
        if name not in known:
            raise BadProgram(
                f"the program decides {name!r}, but its classes are "
                f"{', '.join(program.classes) or 'none'}; add it or rename it",
                name=name,
            )
    seen: set[str] = set()
    ids = [rule.id for rule in program.rules] + [rule.id for rule in program.never]
    for name in ids:
        if name in seen:
            raise BadProgram(f"two rules are named {name}; ids are unique", rule=name)
        seen.add(name)


def _check_kind(program: Program) -> None:
    """Refuse a program that decides partly by points and partly by rules for classes."""
    points = program.policy == "points"
    wrong = ClassHead if points else PointsHead
    for rule in program.rules:
        if isinstance(rule.head, wrong):
            raise BadProgram(
                f"rule {rule.id} gives {'a class' if points else 'points'}, but the policy is "
                f"{program.policy}; programs of policy points have rules for points only, and "
                "no others have them",
                rule=rule.id,
            )
    if points and program.default is not None:
        raise BadProgram(
            f"the policy is points, under which some class always wins, so that the default "
            f"class {program.default} would never decide; remove it"
        )
    if program.bases and not points:
        raise BadProgram(f"the policy is {program.policy}, which has no base points; remove them")
