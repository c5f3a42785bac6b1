"""Statistics of a program that was edited: counted again, in the manner of its learner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from proofsight_server.rules.ordered_statistics import with_decided
from proofsight_server.rules.program import ClassHead, ExceptionHead, Program, Rule, Stat
from proofsight_server.rules.statistics import with_counts
from proofsight_server.rules.table import Validation

_COUNTED = ("support", "decided", "confidence", "confidence_low", "confidence_high", "layer")
_VALIDATED = "validation_"


def restated(
    program: Program,
    names: Sequence[str],
    training: Validation,
    validation: Validation | None = None,
) -> Program:
    """The program with the statistics of its rules counted on these images.

    An ordered program gets those of `ordered_statistics`, as far as these are defined for it;
    any other those of `statistics`.  What else stands beside a rule (`forced`, or a person's own)
    stays, behind them.  `layer` is left to `with_layers`.

    Parameters
    ----------
    training, validation
        (bits, target) of the images, target a class index.
    """
    if program.policy == "ordered" and _in_order(program):
        counted, _ = with_decided(program, names, training, validation)
    else:
        counted = with_counts(program, training[0], names, training[1])
    rules = [
        replace(rule, stats=(*rule.stats, *_own(before)))
        for rule, before in zip(counted.rules, program.rules, strict=True)
    ]
    return replace(counted, rules=tuple(rules))


def unstated(program: Program) -> Program:
    """The program without what is counted on images, for where they are not at hand.

    Under the policy `confidence`, where the statistic decides, it is the program itself.
    """
    if program.policy == "confidence":
        return program
    rules = (replace(rule, stats=_own(rule)) for rule in program.rules)
    return replace(program, rules=tuple(rules))


def _in_order(program: Program) -> bool:
    """Whether every rule is for a class, or an exception of a rule that stands before it."""
    before: set[str] = set()
    for rule in program.rules:
        head = rule.head
        if not (
            isinstance(head, ClassHead) or (isinstance(head, ExceptionHead) and head.rule in before)
        ):
            return False
        before.add(rule.id)
    return True


def _own(rule: Rule) -> tuple[tuple[str, Stat], ...]:
    return tuple(
        (key, value)
        for key, value in rule.stats
        if key not in _COUNTED and not key.startswith(_VALIDATED)
    )
