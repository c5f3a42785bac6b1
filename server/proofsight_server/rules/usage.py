"""Which propositions speak for a decision: those that its proof reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from proofsight_server.rules.evaluation import Evaluator
from proofsight_server.rules.program import ClassHead, ExceptionHead, PointsHead, Program
from proofsight_server.symbols.feature import Bools, Ints


def used_in_proofs(program: Program, bits: Bools, names: Sequence[str]) -> tuple[Bools, Ints]:
    """Per image, the propositions that stand in the proof of its decision, and the decision.

    They are the literals of the rule that decides and of the exceptions that had to fail for it;
    under `points`, of all lines of the decided class that hold.  What the default decides is
    proved by no literal.

    Returns
    -------
    (n, names) whether a proposition is used, and (n,) class index, -1 for none.
    """
    evaluator = Evaluator(program, names)
    evaluation, fires = evaluator(bits), evaluator.firing(bits)
    reads = _reads(program, names)
    if program.policy != "points":
        used = np.zeros(bits.shape, dtype=np.bool_)
        ruled = evaluation.rules >= 0
        used[ruled] = reads[evaluation.rules[ruled]]
        return used, evaluation.decisions
    heads = [rule.head for rule in program.rules]
    given = np.array(
        [program.classes.index(h.name) if isinstance(h, PointsHead) else -2 for h in heads],
        dtype=np.int64,
    )
    lines = fires & (given[None] == evaluation.decisions[:, None])
    return lines @ reads, evaluation.decisions


def rules_using(program: Program, proposition: str) -> tuple[str, ...]:
    """The rules for classes, or points, whose proof reads a proposition."""
    reads = _reads(program, (proposition,))[:, 0]
    return tuple(
        rule.id
        for rule, read in zip(program.rules, reads, strict=True)
        if read and isinstance(rule.head, ClassHead | PointsHead)
    )


def _reads(program: Program, names: Sequence[str]) -> Bools:
    """(rules, names) whether a rule's body, or that of an exception of it, has the proposition."""
    column = {name: place for place, name in enumerate(names)}
    exceptions: dict[str, list[int]] = {}
    for number, rule in enumerate(program.rules):
        if isinstance(rule.head, ExceptionHead):
            exceptions.setdefault(rule.head.rule, []).append(number)
    reads = np.zeros((len(program.rules), len(names)), dtype=np.bool_)
    for number in range(len(program.rules)):
        seen, open_ = {number}, [number]
        while open_:
            below = program.rules[open_.pop()]
            for literal in below.literals():
                if literal.proposition in column:
                    reads[number, column[literal.proposition]] = True
            more = [n for n in exceptions.get(below.id, ()) if n not in seen]
            seen.update(more)
            open_ += more
    return reads
