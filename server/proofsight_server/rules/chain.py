"""Chaining layers: the class from the top layer, and each proposition from the layer below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal as OneOf
from typing import Self, get_args

import numpy as np

from proofsight_server.errors import BadOption
from proofsight_server.rules.bit_tree import grow_on_bits
from proofsight_server.rules.columns import Columns
from proofsight_server.rules.entry import Layers
from proofsight_server.rules.learner import Learner
from proofsight_server.rules.link import Link, links
from proofsight_server.rules.option import check_options, one_of, whole_from
from proofsight_server.rules.path import Path, shortened
from proofsight_server.rules.program import DerivedHead, Literal, Program, Rule
from proofsight_server.rules.table import Table, Validation, table
from proofsight_server.rules.tree import TreeRules
from proofsight_server.symbols.feature import Bools, Ints

Mode = OneOf["faithful", "refit"]

_OPTIONS = {"leaves": whole_from(2), "mode": one_of(get_args(Mode))}

# The paths on which a proposition is active, over columns of the table, by its own column.
Trees = dict[int, tuple[Path, ...]]


class Chain:
    """A program over several layers (ERIC, https://arxiv.org/abs/2010.09452; details are ours).

    A learner decides the class from the propositions of the top layer.  A tree on the layer
    below decides each proposition that this uses, a tree on the layer below that each one that
    these use, and so on, as `derived/2` rules; a proposition is derived where a path to a leaf of
    yes holds, and so it is not on all other paths.  Entered at the top layer, the program is what
    the learner found; entered lower, rules stand in for the layers above.

    Parameters
    ----------
    learner
        Makes the learner of the top layer.
    leaves
        Most leaves of each tree below, at least 2.
    mode
        `faithful`: every program learns from what the network does at its own layer.  `refit`:
        the programs above the lowest layer are learned again, from the propositions of the layer
        below as the rules derive them from the lowest one.  What they lose entered at the top,
        they win entered at the bottom.

    Attributes
    ----------
    program_
        The learner's rules, then those for propositions, named d1, d2, … from the top down.
        Their only statistic is `support`.
    links_
        How well each proposition is derived from the layer below it, on training images.
    warnings_
        What the learner of the top layer warns of.
    """

    program_: Program
    links_: tuple[Link, ...]
    warnings_: tuple[str, ...]

    def __init__(
        self,
        learner: Callable[[], Learner] = TreeRules,
        leaves: int = 16,
        mode: Mode = "faithful",
    ) -> None:
        self.learner = learner
        self.leaves = leaves
        self.mode = mode

    def fit(
        self,
        bits: Bools,
        target: Ints,
        names: Sequence[str],
        classes: Sequence[str],
        layers: Layers,
        *,
        validation: Validation | None = None,
    ) -> Self:
        """Learn as `Learner.fit` says, from several layers.

        Parameters
        ----------
        layers
            The propositions of each layer, lowest layer first; together they are `names`.

        Raises
        ------
        BadOption
            Besides: layers that make no chain, for there are fewer than two, one is without
            propositions, or one tells nothing of the layer above it.
        """
        check_options(self, _OPTIONS)
        learned = table(bits, target, names, classes, validation)
        levels = _levels(learned, layers)
        trees: list[Trees] = []  # of the layers above the lowest, from the top down
        top = self._top(learned, levels[-1], learned.bits, learned.validation)
        wanted = _used(learned, top)
        for upper, lower in pairwise(reversed(levels)):
            trees.append(self._grown(learned.bits, learned.bits, lower, wanted))
            above, wanted = wanted, _read(trees[-1])
            if above and not wanted:
                raise _untold(learned, upper, lower)
        if self.mode == "refit":
            top, trees = self._refitted(learned, trees)
        truth = learned.bits if self.mode == "faithful" else _composed(learned.bits, trees)
        rules = (*top.program_.rules, *_rules(learned, trees, truth))
        self.program_ = replace(top.program_, rules=rules)
        self.links_ = links(self.program_, learned.bits, learned.names, layers)
        self.warnings_ = tuple(getattr(top, "warnings_", ()))
        return self

    def _top(
        self, learned: Table, columns: Sequence[int], bits: Bools, held: Validation | None
    ) -> Learner:
        learner = self.learner()
        at = list(columns)
        return learner.fit(
            bits[:, at],
            learned.target,
            [learned.names[column] for column in at],
            learned.classes,
            validation=None if held is None else (held[0][:, at], held[1]),
        )

    def _grown(
        self, bits: Bools, truth: Bools, lower: Sequence[int], wanted: Iterable[int]
    ) -> Trees:
        """A tree on the columns `lower` of `bits` for each wanted column of `truth`."""
        at = np.array(sorted(lower), dtype=np.intp)
        columns = Columns(bits.take(at, axis=1))
        trees: Trees = {}
        for column in sorted(wanted):
            paths = shortened(
                grow_on_bits(columns, truth[:, column].astype(np.int64), leaves=self.leaves)
            )
            trees[column] = tuple(
                Path(tuple((int(at[own]), sign) for own, sign in path.literals), 1)
                for path in paths
                if path.label
            )
        return trees

    def _refitted(self, learned: Table, trees: list[Trees]) -> tuple[Learner, list[Trees]]:
        """Learn all but the lowest trees again, on what the rules below them derive."""
        again = [trees[-1]]  # of the layers above the lowest, from the bottom up
        composed = _composed(learned.bits, again)
        for before in reversed(trees[:-1]):
            lower = _changing(composed, again[-1])
            again.append(self._grown(composed, learned.bits, lower, before))
            composed = _composed(composed, again[-1:])
        held = learned.validation
        if held is not None:
            held = _composed(held[0], again[::-1]), held[1]
        top = self._top(learned, _changing(composed, again[-1]), composed, held)
        kept: list[Trees] = []
        wanted = _used(learned, top)
        for found in reversed(again):
            kept.append({column: found[column] for column in sorted(wanted)})
            wanted = _read(kept[-1])
        return top, kept


def _levels(learned: Table, layers: Layers) -> list[list[int]]:
    """The columns of each layer. Raises BadOption for layers that make no chain."""
    if len(layers) < 2:
        raise BadOption(
            f"a chain needs at least two layers, and there is {', '.join(layers) or 'none'}; "
            "name another layer, or leave the chain out",
            option="chain",
        )
    column = {name: place for place, name in enumerate(learned.names)}
    levels = []
    for atom, names in layers.items():
        if not names:
            raise BadOption(
                f"layer {atom} has no proposition, so nothing above it can be derived from it; "
                "choose another layer, grid or threshold",
                option="chain",
                layer=atom,
            )
        unknown = [name for name in names if name not in column]
        if unknown:
            raise BadOption(f"{unknown[0]} of layer {atom} is no column of the bits", layer=atom)
        levels.append([column[name] for name in names])
    placed = [place for level in levels for place in level]
    if sorted(placed) != list(range(len(learned.names))):
        lost = next(n for n, place in column.items() if placed.count(place) != 1)
        raise BadOption(
            f"{lost} stands in {placed.count(column[lost])} of the layers "
            f"{', '.join(layers)}; each proposition belongs to one"
        )
    return levels


def _untold(learned: Table, upper: Sequence[int], lower: Sequence[int]) -> BadOption:
    above, below = learned.names[upper[0]], learned.names[lower[0]]
    return BadOption(
        f"no proposition of the layer of {above} that the rules use can be told from the layer of "
        f"{below}; give that layer a finer grid, or choose another",
        option="chain",
    )


def _used(learned: Table, top: Learner) -> set[int]:
    column = {name: place for place, name in enumerate(learned.names)}
    return {column[name] for name in top.program_.propositions()}


def _read(trees: Mapping[int, tuple[Path, ...]]) -> set[int]:
    return {column for paths in trees.values() for path in paths for column, _ in path.literals}


def _changing(bits: Bools, trees: Trees) -> list[int]:
    """The columns that trees decide and that are not the same for all images; else all of them."""
    columns = list(trees)
    varied = [column for column in columns if 0 < int(bits[:, column].sum()) < len(bits)]
    return varied or columns


def _composed(bits: Bools, trees: Sequence[Trees]) -> Bools:
    """The bits with every column that a tree decides replaced, from the bottom up."""
    composed = bits.copy()
    for found in reversed(trees):
        for column, paths in found.items():
            composed[:, column] = _derived(composed, paths)
    return composed


def _derived(bits: Bools, paths: Sequence[Path]) -> Bools:
    holds = np.zeros(len(bits), dtype=np.bool_)
    for path in paths:
        holds |= path.holds(bits)
    return holds


def _rules(learned: Table, trees: Sequence[Trees], truth: Bools) -> list[Rule]:
    """The trees as clauses, the most frequent path of each first."""
    rules: list[Rule] = []
    for found in trees:
        for column, paths in found.items():
            counted = [(int(path.holds(truth).sum()), path) for path in paths]
            for support, path in sorted(counted, key=lambda pair: -pair[0]):
                rules.append(
                    Rule(
                        f"d{len(rules) + 1}",
                        DerivedHead(learned.names[column]),
                        tuple(Literal(learned.names[at], sign) for at, sign in path.literals),
                        (("support", support),),
                    )
                )
    return rules
