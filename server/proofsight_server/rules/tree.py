"""The tree learner: a decision tree on bits, read as rules (ERIC's way)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self, get_args
from typing import Literal as OneOf

import numpy as np

from proofsight_server.errors import BadOption
from proofsight_server.rules.decision_tree import grow
from proofsight_server.rules.lossy import pruned
from proofsight_server.rules.option import SHARE, check_options, one_of, whole_from
from proofsight_server.rules.path import Path, shortened
from proofsight_server.rules.program import ClassHead, Literal, Program, Rule
from proofsight_server.rules.statistics import with_counts
from proofsight_server.rules.table import Table, Validation, table
from proofsight_server.symbols.feature import Bools, Ints

if TYPE_CHECKING:
    from sklearn.tree import DecisionTreeClassifier

Simplify = OneOf["exact", "none", "lossy"]

_SIZES = (15, 30, 60, 120)  # what max_rules="auto" tries
_OPTIONS = {
    "max_rules": whole_from(2, "auto"),
    "simplify": one_of(get_args(Simplify)),
    "epsilon": SHARE,
}


class TreeRules:
    """One rule per path of an entropy decision tree (https://arxiv.org/abs/2010.09452).

    Parameters
    ----------
    max_rules
        Leaves of the tree, at least 2; leaves of one class that are siblings become one rule,
        so that there may be fewer rules.  `auto` tries 15, 30, 60 and 120 and takes the
        smallest within one standard error of the best validation fidelity.
    simplify
        `none`: the paths; exactly one rule fires on any bits.  `exact`: literals and rules go
        as long as the program decides the same on all bits; exactly one class fires.
        `lossy`: after that, more go while validation fidelity falls by at most `epsilon`; the
        first rule that fires decides, by falling confidence.
    seed
        Breaks ties between equally good splits.
    epsilon
        Share of validation images that `lossy` may lose.

    Attributes
    ----------
    program_
        The rules, named r1, r2, … in order; by class and falling support, or for `lossy` by
        falling confidence.  Their statistics are those of `statistics`.  The default class is
        the most frequent one.
    leaves_
        The leaves that the tree was allowed.
    absent_
        Classes without training images, for which there can be no rule.
    """

    program_: Program
    leaves_: int
    absent_: tuple[str, ...]

    def __init__(
        self,
        max_rules: int | OneOf["auto"] = 30,
        simplify: Simplify = "exact",
        seed: int = 0,
        epsilon: float = 0.0,
    ) -> None:
        self.max_rules = max_rules
        self.simplify = simplify
        self.seed = seed
        self.epsilon = epsilon

    def fit(
        self,
        bits: Bools,
        target: Ints,
        names: Sequence[str],
        classes: Sequence[str],
        *,
        validation: Validation | None = None,
    ) -> Self:
        """Learn as `Learner.fit` says; `auto` and `lossy` need validation images."""
        check_options(self, _OPTIONS)
        learned = table(bits, target, names, classes, validation)
        leaves, paths = self._grown(learned)
        if self.simplify != "none":
            paths = shortened(paths)
        paths = _by_class(paths, learned)
        if self.simplify == "lossy":
            if learned.validation is None:
                raise BadOption("simplify='lossy' chooses by validation images; none were given")
            training = learned.bits, learned.target
            held = learned.validation
            paths = pruned(paths, training, held, learned.majority, self.epsilon)
        rules = tuple(
            Rule(
                f"r{number}",
                ClassHead(learned.classes[path.label]),
                tuple(Literal(learned.names[column], sign) for column, sign in path.literals),
            )
            for number, path in enumerate(paths, start=1)
        )
        program = Program(
            rules,
            learned.classes,
            policy="ordered" if self.simplify == "lossy" else "exclusive",
            default=learned.classes[learned.majority],
        )
        self.program_ = with_counts(program, learned.bits, learned.names, learned.target)
        self.leaves_ = leaves
        self.absent_ = learned.absent
        return self

    def _grown(self, learned: Table) -> tuple[int, tuple[Path, ...]]:
        """Return the number of leaves allowed, and the tree's paths."""
        inputs = learned.bits.astype(np.float32)
        if isinstance(self.max_rules, int):
            return self.max_rules, _paths(
                grow(inputs, learned.target, leaves=self.max_rules, seed=self.seed)
            )
        if learned.validation is None:
            raise BadOption("max_rules='auto' chooses by validation images; none were given")
        bits, target = learned.validation
        held = bits.astype(np.float32)
        trees = [grow(inputs, learned.target, leaves=leaves, seed=self.seed) for leaves in _SIZES]
        fidelity = [float((tree.predict(held) == target).mean()) for tree in trees]
        best = max(fidelity)
        error = (best * (1 - best) / len(target)) ** 0.5
        chosen = next(k for k, share in enumerate(fidelity) if share >= best - error)
        return _SIZES[chosen], _paths(trees[chosen])


def _paths(tree: DecisionTreeClassifier) -> tuple[Path, ...]:
    """Read the paths off a tree, inactive before active; sibling leaves of one class are one."""
    nodes = tree.tree_
    labels = tree.classes_[nodes.value[:, 0, :].argmax(axis=1)]

    def below(node: int, literals: tuple[tuple[int, bool], ...]) -> list[Path]:
        left, right = int(nodes.children_left[node]), int(nodes.children_right[node])
        if left == right:  # both -1: a leaf
            return [Path(literals, int(labels[node]))]
        column = int(nodes.feature[node])
        inactive = below(left, (*literals, (column, False)))
        active = below(right, (*literals, (column, True)))
        if len(inactive) == len(active) == 1 and inactive[0].label == active[0].label:
            return [Path(literals, inactive[0].label)]
        return inactive + active

    return tuple(below(0, ()))


def _by_class(paths: Sequence[Path], learned: Table) -> tuple[Path, ...]:
    """Sort by class, then by falling support: a class's usual reason comes first."""
    support = {path: int(path.holds(learned.bits).sum()) for path in paths}
    return tuple(sorted(paths, key=lambda path: (path.label, -support[path])))
