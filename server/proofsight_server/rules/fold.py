"""The learner `fold`: ordered rules with exceptions, and a default."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal as OneOf
from typing import Self, get_args

import numpy as np

from proofsight_server.errors import BadOption
from proofsight_server.rules.columns import Columns
from proofsight_server.rules.default_rule import DefaultRule
from proofsight_server.rules.option import SHARE, check_options, number_from, one_of, whole_from
from proofsight_server.rules.ordered_rules import OrderedRule, ordered_rules
from proofsight_server.rules.ordered_statistics import Stats, with_decided
from proofsight_server.rules.program import (
    ClassHead,
    Element,
    ExceptionHead,
    Head,
    Literal,
    Program,
    Rule,
    Unless,
)
from proofsight_server.rules.table import Table, Validation, table
from proofsight_server.rules.tree import TreeRules
from proofsight_server.symbols.feature import Bools, Ints

Fallback = OneOf["default", "residual_tree"]

_LEAVES = 30  # of the residual tree, at most
_OPTIONS = {
    "max_rules": whole_from(1, None, "auto"),
    "ratio": number_from(0),
    "tail": SHARE,
    "max_depth": whole_from(0, None),
    "fallback": one_of(get_args(Fallback)),
}
_UNDECIDED = 0.05  # share of training images without rule that is worth a warning


class DefaultRules:
    """Rules with exceptions, class by class, the first that fires decides; else the default.

    FOLD-RM's way (https://arxiv.org/abs/2202.06913) with guards of ours: the class with most
    images left is learned next, a class that yields no more rules ends only its own turn, a
    tail counts images of its class, and what is left is decided by a default class.

    Parameters
    ----------
    max_rules
        Rules that decide a class, at least 1; exceptions are not counted.  None leaves the
        number to `tail`.  `auto` takes the first rules, as few as come within one standard
        error of the best validation fidelity, before any fallback.
    ratio
        A body grows while it covers more than `ratio` wrong images per right one; the rest is
        left to exceptions.  At least 0.
    tail
        A rule or an exception must newly cover this share of the training images of its class
        (an exception: of its rule's class), and at least one.
    max_depth
        How deep exceptions nest: 0 for none, 1 for exceptions without exceptions of their own,
        None for no bound.
    fallback
        What decides images without rule.  `default`: the class most frequent among them.
        `residual_tree`: a tree learned from these images, its paths the last rules; at most 30
        of them, and no more than `max_rules` leaves room for.
    seed
        Breaks ties between equally good splits of that tree.

    Attributes
    ----------
    program_
        Of policy `ordered`; rules r1, r2, …, each followed by its exceptions r1_1, r1_1_1, ….
        Their statistics are those of `ordered_statistics`.
    default_stats_
        The same statistics of the default class, `support` excepted.
    undecided_
        Share of the training images that no rule decides.
    absent_
        Classes without training images, for which there can be no rule.
    warnings_
        What a person should know of the program, in sentences.
    """

    program_: Program
    default_stats_: Stats
    undecided_: float
    absent_: tuple[str, ...]
    warnings_: tuple[str, ...]

    def __init__(
        self,
        max_rules: int | OneOf["auto"] | None = None,
        ratio: float = 0.5,
        tail: float = 0.02,
        max_depth: int | None = 1,
        fallback: Fallback = "default",
        seed: int = 0,
    ) -> None:
        self.max_rules = max_rules
        self.ratio = ratio
        self.tail = tail
        self.max_depth = max_depth
        self.fallback = fallback
        self.seed = seed

    def fit(
        self,
        bits: Bools,
        target: Ints,
        names: Sequence[str],
        classes: Sequence[str],
        *,
        validation: Validation | None = None,
    ) -> Self:
        """Learn as `Learner.fit` says.

        `auto` needs validation images; with them every rule's confidence is told for them too.
        """
        check_options(self, _OPTIONS)
        learned = table(bits, target, names, classes, validation)
        columns = Columns(learned.bits)
        ordered = self._ordered(learned, columns)
        left = ordered[-1].left if ordered else np.arange(len(learned.target))
        default = _default(learned, left)
        rules = [(step.label, step.rule) for step in ordered]
        tree = self._residual(learned, left, len(rules))
        program = Program(
            tuple(_clauses([*rules, *tree], learned)),
            learned.classes,
            policy="ordered",
            default=learned.classes[default],
        )
        training = columns.bits, learned.target
        program, stats = with_decided(program, learned.names, training, learned.validation)
        self.program_ = program
        self.default_stats_ = stats
        self.undecided_ = 0.0 if tree else len(left) / len(learned.target)
        self.absent_ = learned.absent
        hits = float((learned.target[left] == default).mean()) if len(left) else 1.0
        self.warnings_ = self._warnings(hits, self._room(len(rules)))
        return self

    def _ordered(self, learned: Table, columns: Columns) -> list[OrderedRule]:
        rules = ordered_rules(
            columns, learned.target, ratio=self.ratio, tail=self.tail, max_depth=self.max_depth
        )
        if self.max_rules != "auto":
            return list(islice(rules, self.max_rules))
        if learned.validation is None:
            raise BadOption("max_rules='auto' chooses by validation images; none were given")
        ordered = list(rules)
        return ordered[: _enough(ordered, learned, learned.validation)]

    def _room(self, rules: int) -> int:
        """How many leaves a residual tree may have after so many rules."""
        return min(_LEAVES, self.max_rules - rules) if isinstance(self.max_rules, int) else _LEAVES

    def _residual(self, learned: Table, left: Ints, rules: int) -> list[tuple[int, DefaultRule]]:
        """The paths of a tree on the images that are left, as far as there is room for one."""
        leaves = self._room(rules)
        if self.fallback != "residual_tree" or leaves < 2 or not len(left):
            return []
        tree = TreeRules(leaves, seed=self.seed)
        tree.fit(learned.bits[left], learned.target[left], learned.names, learned.classes)
        column = {name: place for place, name in enumerate(learned.names)}
        paths = []
        for rule in tree.program_.rules:
            assert isinstance(rule.head, ClassHead)
            literals = [(column[lit.proposition], lit.positive) for lit in rule.literals()]
            if not literals:
                return []  # all images left are of one class, or look alike: the default's
            paths.append((learned.classes.index(rule.head.name), DefaultRule(tuple(literals))))
        return paths

    def _warnings(self, hits: float, room: int) -> tuple[str, ...]:
        """What to say of images without rule, if they are many and the default errs on some."""
        if self.undecided_ <= _UNDECIDED or hits == 1:
            return ()
        if room < 2:
            remedy = f"raise max_rules above {self.max_rules}, or leave it out"
        elif self.fallback == "default":
            remedy = "use fallback='residual_tree' for rules that do"
        else:
            remedy = "a tree does not tell them apart either: use other bits"
        return (
            f"no rule decides {self.undecided_:.1%} of the training images, and the default, "
            f"{self.program_.default}, is right for {hits:.1%} of these; {remedy}",
        )


def _default(learned: Table, left: Ints) -> int:
    """The default of a program that leaves these images; where it leaves none, of all."""
    return int(np.bincount(learned.target[left]).argmax()) if len(left) else learned.majority


def _enough(ordered: Sequence[OrderedRule], learned: Table, validation: Validation) -> int:
    """How many of the rules come within one standard error of the best validation fidelity."""
    columns, target = Columns(validation[0]), validation[1]
    undecided, right, fidelity = np.arange(len(target)), 0, []
    for step in ordered:
        fires = step.rule.fires(columns, undecided)
        right += int((target[undecided[fires]] == step.label).sum())
        undecided = undecided[~fires]
        by_default = int((target[undecided] == _default(learned, step.left)).sum())
        fidelity.append((right + by_default) / len(target))
    best = max(fidelity, default=0.0)
    error = (best * (1 - best) / len(target)) ** 0.5
    return next((k for k, share in enumerate(fidelity, start=1) if share >= best - error), 0)


def _clauses(rules: Sequence[tuple[int, DefaultRule]], learned: Table) -> Iterator[Rule]:
    """The rules as clauses, each followed by its exceptions."""

    def clauses(name: str, head: Head, rule: DefaultRule) -> Iterator[Rule]:
        body: list[Element] = [Literal(learned.names[at], sign) for at, sign in rule.literals]
        body += [Unless(name)] if rule.exceptions else []
        yield Rule(name, head, tuple(body))
        for number, exception in enumerate(rule.exceptions, start=1):
            yield from clauses(f"{name}_{number}", ExceptionHead(name), exception)

    for number, (label, rule) in enumerate(rules, start=1):
        yield from clauses(f"r{number}", ClassHead(learned.classes[label]), rule)
