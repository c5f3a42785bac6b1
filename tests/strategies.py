"""Random programs with everything that a program can have, and values for them, ties included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import numpy as np
from hypothesis import strategies as st

from proofsight_server.rules.program import (
    AtLeast,
    ClassHead,
    DerivedHead,
    Element,
    ExceptionHead,
    Head,
    Literal,
    PointsHead,
    Policy,
    Program,
    Rule,
    Stat,
    Unless,
)
from proofsight_server.symbols.feature import Bools, Cell, Feature, Floats, Layer, Proposition
from proofsight_server.symbols.quantisation import proposition_names

CLASSES = ("street", "T-shirt/top", "digit_7", "it's", "two words", "Élan")
LAYERS = (
    Layer("conv1", "features.0", "conv", 8, "features.2"),
    Layer("conv2", "features.3", "conv", 8, "features.5"),
    Layer("layer3", "layer3", "map", 8, "layer3"),
    Layer("fc1", "head.1", "linear", 8, "head.1"),
)


def random_propositions(rng: np.random.Generator, per_layer: int = 4) -> tuple[Proposition, ...]:
    """Propositions over all `LAYERS`, by depth; upper layers have some that are never observed."""
    features: list[Feature] = []
    for layer in LAYERS:
        for index in sorted(rng.choice(layer.size, per_layer, replace=False).tolist()):
            features.append(_feature(rng, layer, index))
    names = proposition_names(features, LAYERS)
    propositions = []
    for name, feature in zip(names, features, strict=True):
        threshold = float(np.float32(rng.normal()))
        propositions.append(Proposition(name, feature.layer, feature, threshold))
        if feature.layer != LAYERS[0].atom and rng.random() < 0.2:
            propositions.append(Proposition(f"{name}_off", feature.layer, None, None))
    return tuple(propositions)


def random_program(
    rng: np.random.Generator,
    *,
    policy: Policy | None = None,
    classes: int | None = None,
    rules: int | None = None,
    per_layer: int = 4,
) -> tuple[Program, tuple[Proposition, ...]]:
    """A stratified program with `at_least`, nested exceptions and chains of derived clauses.

    What is not given is drawn.  `LAYERS` are the layers of the propositions, which come in
    order of depth.  Each proposition that is never observed has a `derived/2` clause over those
    before it; some others above the first layer have some too, over those of layers below.
    """
    propositions = random_propositions(rng, per_layer)
    names = [proposition.name for proposition in propositions]
    n_classes = int(rng.integers(2, len(CLASSES) + 1)) if classes is None else classes
    atoms = tuple(CLASSES[k] for k in rng.permutation(len(CLASSES))[:n_classes])
    chosen = get_args(Policy)[rng.integers(len(get_args(Policy)))] if policy is None else policy
    growth = _Growth(rng)
    for _ in range(int(rng.integers(0, 8)) if rules is None else rules):
        growth.clause(_head(rng, chosen, atoms), names, depth=3)
    for place, proposition in enumerate(propositions):
        unseen = proposition.feature is None
        layers = [other.layer for other in propositions[:place]]
        below = (
            place if unseen or proposition.layer not in layers else layers.index(proposition.layer)
        )
        if below and (unseen or rng.random() < 0.5):
            for _ in range(int(rng.integers(1, 3))):
                growth.clause(DerivedHead(proposition.name), names[:below], depth=1)
    order = tuple(atoms[k] for k in rng.permutation(n_classes)) if rng.random() < 0.5 else ()
    clauses = [growth.rules[k] for k in rng.permutation(len(growth.rules))]
    program = Program(
        tuple(clauses),
        atoms,
        policy=chosen,
        default=_default(rng, chosen, atoms),
        class_order=order,
        bases=_bases(rng, chosen, atoms),
    )
    return program, propositions


def random_values(
    rng: np.random.Generator, propositions: Sequence[Proposition], images: int
) -> Floats:
    """Values of the observable ones, (images, p) float32; some at the threshold or just above."""
    thresholds = np.array(
        [p.threshold for p in propositions if p.feature is not None], dtype=np.float32
    )
    values = thresholds + rng.normal(size=(images, len(thresholds))).astype(np.float32)
    kind = rng.integers(0, 5, values.shape)
    above = np.nextafter(thresholds, np.float32(np.inf), dtype=np.float32)
    return np.where(kind == 0, thresholds, np.where(kind == 1, above, values)).astype(np.float32)


def random_bits(rng: np.random.Generator, images: int, width: int) -> Bools:
    """Bits (images, width), half of them active."""
    return rng.random((images, width)) < 0.5


def random_generators() -> st.SearchStrategy[np.random.Generator]:
    """Generators with a seed that hypothesis chooses."""
    return st.integers(0, 2**32 - 1).map(np.random.default_rng)


def programs() -> st.SearchStrategy[tuple[Program, tuple[Proposition, ...]]]:
    """Random programs with their propositions, as `random_program` makes them."""
    return random_generators().map(random_program)


def _feature(rng: np.random.Generator, layer: Layer, index: int) -> Feature:
    if layer.kind == "linear":
        return Feature(layer.atom, index, "value")
    reduction = (("l1", "l1", "l2", "mean", "max") * 2)[rng.integers(10)]
    cell = None
    if rng.random() < 0.3:
        rows, columns = int(rng.integers(1, 4)), int(rng.integers(2, 4))
        at = int(rng.integers(rows)), int(rng.integers(columns))
        cell = Cell((rows, columns), at)
    return Feature(layer.atom, index, reduction, cell)  # type: ignore[arg-type]  # drawn from a str tuple


def _head(rng: np.random.Generator, policy: Policy, classes: Sequence[str]) -> Head:
    name = classes[int(rng.integers(len(classes)))]
    # Few different points, so that there are ties.
    return PointsHead(name, int(rng.integers(-2, 4))) if policy == "points" else ClassHead(name)


def _default(rng: np.random.Generator, policy: Policy, classes: Sequence[str]) -> str | None:
    if policy == "points" or rng.random() >= 0.6:
        return None
    return classes[int(rng.integers(len(classes)))]


def _bases(
    rng: np.random.Generator, policy: Policy, classes: Sequence[str]
) -> tuple[tuple[str, int], ...]:
    if policy != "points":
        return ()
    return tuple((name, int(rng.integers(-2, 3))) for name in classes if rng.random() < 0.5)


class _Growth:
    """Rules as they are drawn; a clause may draw exceptions of its own."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self.rules: list[Rule] = []

    def clause(self, head: Head, names: Sequence[str], *, depth: int) -> None:
        rng = self._rng
        number = len(self.rules)
        name = f"r{number}" if rng.random() < 0.9 else f"Rule {number}"
        rule = Rule(name, head, (), self._stats())
        self.rules.append(rule)  # so that exceptions get other ids
        length = int(rng.choice(5, p=[0.04, 0.26, 0.3, 0.25, 0.15]))
        body: list[Element] = [
            self._at_least(names) if rng.random() < 0.2 else self._literal(names)
            for _ in range(length)
        ]
        if depth and rng.random() < 0.4:
            body.insert(int(rng.integers(len(body) + 1)), Unless(name))
            for _ in range(int(rng.integers(0, 3))):
                self.clause(ExceptionHead(name), names, depth=depth - 1)
        self.rules[number] = replace(rule, body=tuple(body))

    def _literal(self, names: Sequence[str]) -> Literal:
        return Literal(names[int(self._rng.integers(len(names)))], bool(self._rng.random() < 0.5))

    def _at_least(self, names: Sequence[str]) -> AtLeast:
        literals = tuple(self._literal(names) for _ in range(int(self._rng.integers(1, 5))))
        return AtLeast(int(self._rng.integers(1, len(literals) + 1)), literals)

    def _stats(self) -> tuple[tuple[str, Stat], ...]:
        if self._rng.random() < 0.2:
            return ()
        confidence = (0.5, 0.75, 0.9821, 1)[self._rng.integers(4)]  # few, so that there are ties
        return (("support", int(self._rng.integers(1, 500))), ("confidence", confidence))
