"""Rules learned from the network's decisions, where formulas read off its weights fall short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from proofsight_server.rules.program import Program
from proofsight_server.rules.tree import TreeRules
from proofsight_server.symbols.feature import Bools, Ints


def pedagogical(
    tables: Mapping[str, tuple[Bools, Ints]],
    names: Sequence[str],
    classes: Sequence[str],
    seed: int,
) -> Program:
    """A tree over the same propositions, its rules marked `method(pedagogical)`.

    `tables` are (bits, decisions) per split; it learns from `train`.
    """
    bits, decisions = tables["train"]
    learner = TreeRules(seed=seed)
    learner.fit(bits, decisions, names, classes, validation=tables.get("validation"))
    program = learner.program_
    marked = tuple(
        replace(rule, stats=(("method", "pedagogical"), *rule.stats)) for rule in program.rules
    )
    return replace(program, rules=marked)
