"""Statistics of rules that stand in order: how often each decides, and how often it is right.

A rule of an ordered program is asked only about images that no rule before it decided, so that
its confidence is a share of these.  In the order of writing:

==============================  =====  =========================================================
key                             type   meaning
==============================  =====  =========================================================
`support`                       int    training images on which the rule's body holds
`decided`                       int    training images that it decides: it is the first to fire
`confidence`                    float  share of them with the rule's class
`confidence_low`                float  lower end of the 95 % interval of the confidence
`confidence_high`               float  its upper end
`validation_decided`            int    the same counts and shares on validation images, where
`validation_confidence`, …      float  there are any
==============================  =====  =========================================================

A confidence of no images is left out; its interval is 0 to 1 (Wilson's score).  Shares have
four decimals.

An exception has the same keys.  It `decided` the images on which it fires where its rule would
decide but for its exceptions, and is right where the rule would be wrong: on images of another
class than the rule's; for an exception of an exception, on images of the class again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from proofsight_server.rules.confidence import wilson
from proofsight_server.rules.evaluation import firing
from proofsight_server.rules.program import ClassHead, ExceptionHead, Program, Rule, Stat, Unless
from proofsight_server.rules.table import Validation
from proofsight_server.symbols.feature import Bools

_DECIMALS = 4

Stats = tuple[tuple[str, Stat], ...]


def with_decided(
    program: Program,
    names: Sequence[str],
    training: Validation,
    validation: Validation | None = None,
) -> tuple[Program, Stats]:
    """Return an ordered program with the statistics above, and those of its default.

    Parameters
    ----------
    program
        Of policy `ordered`.  Its rules decide classes, or are exceptions and stand somewhere
        after the rule that they are exceptions of.
    names
        The proposition of each column of bits.
    training, validation
        (bits, target) of the images, target a class index.

    Raises
    ------
    ValueError
        For a program of another policy, in which the order says nothing.
    """
    if program.policy != "ordered":
        raise ValueError(f"rules decide in their order under 'ordered', not {program.policy!r}")
    fires = firing(program, training[0], names)
    found: list[Stats] = [(("support", int(n)),) for n in np.count_nonzero(fires, axis=0)]
    found.append(())  # the default's
    splits = [("", training, fires)]
    if validation is not None:
        splits.append(("validation_", validation, firing(program, validation[0], names)))
    for prefix, split, fires in splits:
        hits = _hits(program, names, split, fires)
        found = [stats + _shares(prefix, hit) for stats, hit in zip(found, hits, strict=True)]
    *stats, default = found
    rules = [replace(rule, stats=own) for rule, own in zip(program.rules, stats, strict=True)]
    return replace(program, rules=tuple(rules)), default


def _hits(program: Program, names: Sequence[str], split: Validation, fires: Bools) -> list[Bools]:
    """Whether it is right, for each image that a rule decides; for each rule, then the default."""
    bits, target = split
    bare = replace(program, rules=tuple(map(_without_exceptions, program.rules)))
    holds = firing(bare, bits, names)
    left = np.ones(len(bits), dtype=np.bool_)
    # of each rule: the images on which all of its body but the exceptions holds, as far as it
    # is asked about them, and those on which it is right to fire
    known: dict[str, tuple[Bools, Bools]] = {}
    hits = []
    for number, rule in enumerate(program.rules):
        if isinstance(rule.head, ClassHead):
            asked, right = left, target == program.classes.index(rule.head.name)
            left = left & ~fires[:, number]
        else:
            assert isinstance(rule.head, ExceptionHead)
            asked, wrong = known[rule.head.rule]
            right = ~wrong
        known[rule.id] = asked & holds[:, number], right
        hits.append(right[asked & fires[:, number]])
    default = -1 if program.default is None else program.classes.index(program.default)
    return [*hits, target[left] == default]


def _without_exceptions(rule: Rule) -> Rule:
    body = (element for element in rule.body if not isinstance(element, Unless))
    return replace(rule, body=tuple(body))


def _shares(prefix: str, hits: Bools) -> Stats:
    right, decided = int(hits.sum()), len(hits)
    low, high = wilson(right, decided)
    stats: Stats = ((f"{prefix}decided", decided),)
    if decided:
        stats += ((f"{prefix}confidence", round(right / decided, _DECIMALS)),)
    return (
        *stats,
        (f"{prefix}confidence_low", round(low, _DECIMALS)),
        (f"{prefix}confidence_high", round(high, _DECIMALS)),
    )
