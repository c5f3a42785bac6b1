"""Formulas of a stack put into each other, from the bottom up, and what then is decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal as OneOf

import numpy as np

from proofsight_server.extraction.approximated_layer import ApproximatedLayer, beats, possible
from proofsight_server.extraction.side_formulas import SideFormula, side_name
from proofsight_server.rules.composition import Definition, clauses
from proofsight_server.rules.program import ClassHead, DerivedHead, Literal, Program, Rule, Stat
from proofsight_server.rules.term_truth import Held, Truth, held
from proofsight_server.rules.threshold_unit import Pair
from proofsight_server.symbols.feature import Bools, Ints

Negation = OneOf["two_sided", "closed"]

_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Manner:
    """How formulas are put into each other.

    Attributes
    ----------
    negation
        What "a hidden unit is off" is above it: its off side, or the absence of its on side.
    option
        What `rule_stats` say of how the terms were found.
    exact
        Whether a complete formula says all there is of its unit at 0/1 inputs.
    heldout
        The split that precision is counted on, besides `train`.
    """

    negation: Negation
    option: str
    exact: bool
    heldout: str


@dataclass(frozen=True, slots=True)
class ComposedLayer:
    """What the program says of the targets of a layer: per split on and off, (images, targets).

    Where neither holds a target is undecided.  `lost` counts terms that lean on what nothing
    derives.
    """

    on: Mapping[str, Bools]
    off: Mapping[str, Bools]
    lost: int


@dataclass(frozen=True, slots=True)
class Composed:
    """A program and, lowest layer first, what it says on the way."""

    program: Program
    layers: tuple[ComposedLayer, ...]


def composed(
    layers: Sequence[ApproximatedLayer],
    sides: Sequence[Sequence[SideFormula]],
    inputs: Sequence[str],
    decisions: Mapping[str, Ints],
    classes: Sequence[str],
    manner: Manner,
) -> Composed:
    """The program of a stack.

    Parameters
    ----------
    layers, sides
        What `approximated_layers` and `formulas` gave, lowest first.
    inputs
        The propositions of the inputs of the lowest layer.
    decisions
        What the network decides, per split.
    """
    truth = {name: Truth.of(bits) for name, bits in layers[0].bits.items()}
    known = _Known(
        {
            (at, sign): Literal(name, sign)
            for at, name in enumerate(inputs)
            for sign in (True, False)
        },
        frozenset(range(len(inputs))),
    )
    definitions: list[Definition] = []
    found: list[ComposedLayer] = []
    wins = {
        name: {split: own == index for split, own in decisions.items()}
        for index, name in enumerate(classes)
    }
    for place, (layer, own) in enumerate(zip(layers, sides, strict=True)):
        top = place + 1 == len(layers)
        step = _Step(layer, known, replace(manner, negation="two_sided") if top else manner)
        for side in own:
            step.define(side, truth, wins if top else {})
        ruled_out = [] if top else list(step.ruled_out())
        definitions = ruled_out + step.definitions + definitions
        found.append(step.composed(own, truth))
        truth = {name: Truth.of(found[-1].on[name], found[-1].off[name]) for name in truth}
        known = step.known(own, observable=not top)
    by_logit = all(target.off is None for target in layers[-1].targets)
    winners = () if by_logit else tuple(_winners(layers[-1], known, found[-1], wins, manner))
    rules = clauses(definitions, winners)
    program = Program(rules, tuple(classes), "confidence" if by_logit else "exclusive")
    return Composed(program, tuple(found))


@dataclass(frozen=True, slots=True)
class _Known:
    """The literals there are for the inputs of a layer, and the inputs never undecided."""

    literals: Mapping[Pair, Literal]
    decided: frozenset[int]


class _Step:
    """One layer over what is known of the one below it.

    `definitions` are its clauses; `_written` has the sides that have any, and whether nothing is
    missing of them: where such a side does not hold, the other does.
    """

    def __init__(self, layer: ApproximatedLayer, known: _Known, manner: Manner) -> None:
        self._layer, self._known, self._manner = layer, known, manner
        self._holds: dict[Pair, dict[str, Bools]] = {}
        self._written: dict[Pair, bool] = {}
        self._lost = 0
        self.definitions: list[Definition] = []

    def define(
        self,
        side: SideFormula,
        truth: Mapping[str, Truth],
        wins: Mapping[str, Mapping[str, Bools]],
    ) -> None:
        """Write the clauses of a side; `wins` has per class and split where it is decided."""
        terms = tuple(t for t in side.written if all(p in self._known.literals for p in t))
        self._lost += len(side.written) - len(terms)
        if not terms:
            return
        name = side_name(self._layer, side)
        wanted = wins.get(name) or {
            split: own[:, side.target] == side.on for split, own in self._layer.on.items()
        }
        counted = {split: held(terms, own, wanted[split]) for split, own in truth.items()}
        key = (side.target, side.on)
        self._holds[key] = {split: own.some for split, own in counted.items()}
        self._written[key] = (
            self._manner.exact
            and side.formula.status == "complete"
            and len(terms) == len(side.formula.terms)
            and all(at in self._known.decided for term in terms for at, _ in term)
        )
        head = ClassHead(name) if name in wins else DerivedHead(name)
        stats = tuple(
            (
                ("method", "approximation"),
                ("side", "on" if side.on else "off"),
                ("option", self._manner.option),
                ("literals", len(term)),
                *_counts(counted["train"], counted[self._manner.heldout], place),
            )
            for place, term in enumerate(terms)
        )
        self.definitions.append(Definition(head, terms, self._known.literals, stats))

    def composed(self, sides: Sequence[SideFormula], truth: Mapping[str, Truth]) -> ComposedLayer:
        """What holds of the targets."""
        on, off = (
            {split: self._column(side, split, own) for split, own in truth.items()}
            for side in (True, False)
        )
        for at in self._by_absence(sides):
            for split in truth:
                off[split][:, at] = ~on[split][:, at]
        return ComposedLayer(on, off, self._lost)

    def ruled_out(self) -> Iterator[Definition]:
        """Of each off side: the unit is possible where it is not off.

        Where the layer is observed, the unit's value decides what is possible, and so what above
        it leans on the off side too; an off side has many terms, and no threshold of its own.
        """
        for at, side in self._written:
            if side:
                continue
            target = self._layer.targets[at]
            off = Literal(target.off or "", False)
            counted = {
                split: _held(~own, self._layer.on[split][:, at])
                for split, own in self._holds[at, side].items()
            }
            stats: tuple[tuple[str, Stat], ...] = (
                ("method", "approximation"),
                ("side", "possible"),
                ("literals", 1),
                *_counts(counted["train"], counted[self._manner.heldout], 0),
            )
            head = DerivedHead(possible(target.on))
            yield Definition(head, (((0, False),),), {(0, False): off}, (stats,))

    def known(self, sides: Sequence[SideFormula], *, observable: bool) -> _Known:
        """The literals for the layer above; `observable`: its units can be read as well."""
        literals: dict[Pair, Literal] = {}
        for at, side in self._written:
            target = self._layer.targets[at]
            if side or not observable:
                literals[at, side] = Literal(target.on if side else target.off or "")
            else:
                literals[at, side] = Literal(possible(target.on), False)
        for at in self._by_absence(sides):
            literals[at, False] = Literal(self._layer.targets[at].on, False)
        decided = frozenset(at for (at, _), whole in self._written.items() if whole)
        return _Known(literals, decided)

    def _column(self, side: bool, split: str, own: Truth) -> Bools:
        never = np.zeros(own.images, dtype=np.bool_)
        columns = [
            self._holds[at, side][split] if (at, side) in self._holds else never
            for at in range(len(self._layer.targets))
        ]
        return np.stack(columns, axis=1)

    def _by_absence(self, sides: Sequence[SideFormula]) -> list[int]:
        """The targets that are off where their on side does not hold."""
        asked = {(side.target, side.on) for side in sides}
        closed = self._manner.negation == "closed"
        return [
            at
            for (at, side), whole in self._written.items()
            if side and (closed or (whole and (at, False) not in asked))
        ]


def _counts(train: Held, heldout: Held, place: int) -> tuple[tuple[str, Stat], ...]:
    count, others = int(train.counts[place]), int(heldout.counts[place])
    return (
        ("support", count),
        ("confidence", _share(int(train.hits[place]), count)),
        ("heldout_support", others),
        ("heldout_precision", _share(int(heldout.hits[place]), others)),
    )


def _share(hits: int, count: int) -> float:
    return round(hits / count, _DECIMALS) if count else 0.0


def _winners(
    layer: ApproximatedLayer,
    known: _Known,
    found: ComposedLayer,
    wins: Mapping[str, Mapping[str, Bools]],
    manner: Manner,
) -> Iterator[Rule]:
    """A class holds where it beats every other; one that can never do so has no rule."""
    place = {target.on: (at, True) for at, target in enumerate(layer.targets)}
    place |= {target.off or "": (at, False) for at, target in enumerate(layer.targets)}
    for name, own in wins.items():
        rivals = [place[beats(name, other)] for other in wins if other != name]
        if not all(pair in known.literals for pair in rivals):
            continue
        holds = {
            split: np.logical_and.reduce(
                [(found.on if on else found.off)[split][:, at] for at, on in rivals]
            )
            for split in own
        }
        train, heldout = (_held(holds[split], own[split]) for split in ("train", manner.heldout))
        yield Rule(
            "",
            ClassHead(name),
            tuple(known.literals[pair] for pair in rivals),
            (
                ("method", "approximation"),
                ("option", "rivals"),
                ("literals", len(rivals)),
                *_counts(train, heldout, 0),
            ),
        )


def _held(holds: Bools, wanted: Bools) -> Held:
    counts, hits = np.array([holds.sum()]), np.array([(holds & wanted).sum()])
    return Held(holds, (), counts, hits)
