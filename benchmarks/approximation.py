"""The approximation method: prime implicants and diagrams by the second, and its own experiment.

Two networks are trained on the digits, and read as docs/approximation.md has them.

With data two networks are trained on MNIST (`examples.networks`: 16 logistic hidden units between
the means of 32 channels and the logits), one of them with its hidden units near their ends: a batch
norm with factor 16 stands before the logistic function.  Formulas of at most 2 to 5 literals are
then read off the layer of the logits alone, over hidden values, and off both layers, over the
outputs of the convolutions; for every input there could be, and for the 10,000 images of fitting.
Training takes about a minute each, reading about a quarter of an hour.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.figures import Figure, Row, Skipped
from benchmarks.workspace import Workspace
from proofsight_server.errors import BadOption
from proofsight_server.extraction.approximated_layer import (
    approximated_layers,
    check_stack,
    stack_features,
)
from proofsight_server.extraction.approximation import Approximation
from proofsight_server.extraction.layerwise import Subject, explained
from proofsight_server.extraction.pedagogical import pedagogical
from proofsight_server.extraction.probing import Seen
from proofsight_server.extraction.progress import Watch
from proofsight_server.rules.approximation import implicants
from proofsight_server.rules.decision_diagram import DecisionDiagram
from proofsight_server.rules.metrics import measure
from proofsight_server.rules.threshold_unit import ThresholdUnit
from proofsight_server.symbols.feature import Feature
from proofsight_server.vision.dataset import open_dataset
from proofsight_server.vision.layers import LayerInfo
from proofsight_server.vision.network import load_network

DRAWS = 3
ORDERS: tuple[int | Literal["auto"], ...] = (2, 3, 4, 5, "auto")
KINDS = {"soft": "logistic16", "saturated": "logistic16_saturated"}
FITTED = 10_000
TERMS = 200
SECONDS = 5.0  # for one side of a unit
TRAINING = ("--epochs", "2")


def run(workspace: Workspace) -> list[Row]:
    """Enumeration at 24 inputs, diagrams, and MNIST."""
    rows: list[Row] = [*_enumeration(), *_diagrams()]
    for noun, factory in KINDS.items():
        rows += _digits(workspace, noun, factory)
    if workspace.data is None:
        rows.append(Skipped("approximation on MNIST", "no --data"))
        return rows
    uri = f"mnist:{workspace.data / 'MNIST'}"
    for noun, factory in KINDS.items():
        rows += _experiment(workspace, uri, noun, factory)
    return rows


def _enumeration() -> Iterator[Row]:
    seconds, counts = [], []
    for seed in range(DRAWS):
        weights = np.abs(np.random.default_rng(seed).normal(size=24))
        start = time.process_time()
        counts.append(len(implicants(weights, -weights.sum() / 2)))
        seconds.append(time.process_time() - start)
    yield Figure(
        "all prime implicants, n = 24",
        (max(seconds),),
        "s of processor time",
        5,
        "at_most",
        note=f"the slowest of {DRAWS} draws; " + ", ".join(f"{count:,}" for count in counts),
    )


def _diagrams() -> Iterator[Row]:
    for inputs in (24, 32, 800):
        weights = np.abs(np.random.default_rng(0).normal(size=inputs))
        unit = ThresholdUnit.of(weights, -weights.sum() / 2)
        start = time.process_time()
        diagram = DecisionDiagram.of(unit)
        seconds = time.process_time() - start
        bits = np.random.default_rng(1).random((2000, inputs)) < 0.5
        yield Figure(
            f"decision diagram, n = {inputs}{'' if diagram.exact else ', weights of 4 bits'}",
            (seconds,),
            "s of processor time",
            note=f"{len(diagram):,} nodes; agreement {diagram.agreement(unit, bits):.4f}",
        )


@dataclass(frozen=True)
class _Kept(Subject):
    """A subject that runs the network once per set of features, and fits on some of its images."""

    seen: dict[tuple[Feature, ...], dict[str, Seen]] = field(default_factory=dict)

    def see(self, features: Sequence[Feature], layers: Sequence[LayerInfo]) -> dict[str, Seen]:
        key = tuple(features)
        if key not in self.seen:
            found = super().see(features, layers)
            train = found["train"]
            found["train"] = Seen(train.values[:FITTED], train.decisions[:FITTED], None)
            self.seen[key] = found
        return self.seen[key]


def _experiment(workspace: Workspace, uri: str, noun: str, factory: str) -> Iterator[Row]:
    weights, said = workspace.example(uri, factory, 0, *TRAINING)
    yield Figure(f"MNIST, {noun}: accuracy of the network", (said["test"]["accuracy"],), "")
    for layers in ((), ("hidden",)):
        subject = _subject(uri, weights, factory, layers)
        where = "both layers" if layers else "logits over hidden values"
        for limited in (False, True):
            for order in ORDERS:
                limit = "limited to images" if limited else "every input"
                name = f"MNIST, {noun}, {where}, {limit}, order {order}: fidelity"
                yield _reading(name, subject, order, limited)
        yield _fidelity(f"MNIST, {noun}, {where}, auto", subject, Approximation(fallback=None))
        yield _tree(f"MNIST, {noun}, {where}: fidelity of a tree on the same bits", subject)


def _digits(workspace: Workspace, noun: str, factory: str) -> Iterator[Row]:
    weights, _ = workspace.example("digits", factory, 0)
    for layers in ((), ("hidden",)):
        subject = _subject("digits", weights, factory, layers)
        name = f"digits, {noun}, {'both layers' if layers else 'logits over hidden values'}"
        limited = Approximation(order=4, max_terms=500, limit_data=True, fallback=None)
        for said, learner in (
            ("limited to images, order 4", limited),
            ("auto", Approximation(fallback=None)),
        ):
            yield _fidelity(f"{name}, {said}", subject, learner)
        yield _tree(f"{name}: fidelity of a tree on the same bits", subject)


def _fidelity(name: str, subject: Subject, learner: Approximation) -> Row:
    report = learner.read(subject).report
    fidelity = report["figures"]["composed"]["test"]["fidelity"]
    return Figure(f"{name}: fidelity", (fidelity,), "", note=_told(report))


def _subject(uri: str, weights: Path, factory: str, layers: tuple[str, ...]) -> Subject:
    model = f"examples.networks:{factory}"
    network = load_network(weights, model=model, allow=frozenset({model}))
    dataset = open_dataset(uri, seed=0)
    return _Kept(network, dataset, explained(network, layers), 0, 256, Watch())


def _reading(name: str, subject: Subject, order: int | Literal["auto"], limited: bool) -> Row:
    learner = Approximation(
        order=order,
        max_terms=TERMS,
        time_limit=SECONDS,
        limit_data=limited,
        min_support=2 if limited else 1,
        fallback=None,
    )
    try:
        report = learner.read(subject).report
    except BadOption as error:
        return Figure(name, (0.0,), "", note=f"no class has a rule: {_least(error)}")
    return Figure(
        name, (report["figures"]["composed"]["test"]["fidelity"],), "", note=_told(report)
    )


def _least(error: BadOption) -> str:
    told = [part for part in error.message.split(". ") if "least order" in part]
    return told[0].rsplit("; ", 1)[-1] if told else "those there are hold on no image"


def _told(report: Mapping[str, Any]) -> str:
    own = report["figures"]["composed"]
    layers = "; ".join(
        f"{layer['layer']}: {layer['written']:,} terms, agreement {layer['agreement']:.3f}, recall "
        f"{layer['recall']:.3f}"
        for layer in report["layers"]
    )
    far = "".join(
        f"; {one['layer']} {one['mean']:.3f} from its ends" for one in report["saturation"]
    )
    return f"undecided {own['test']['undecided']:.3f}, {own['rules']:,} rules; {layers}{far}"


def _tree(name: str, subject: Subject) -> Row:
    """The pedagogical program that the same propositions give."""
    stack = check_stack(subject.layers, None)
    infos = [stack[0].below, *(layer.info for layer in stack[:-1])]
    splits = subject.see(stack_features(stack), infos)
    lowest = approximated_layers(
        stack, splits, subject.classes, cut=0.5, relu_cut=None, softmax="rivals"
    )[0]
    names = [f"input{at}" for at in range(len(stack[0].inputs))]
    tables = {split: (lowest.bits[split], seen.decisions) for split, seen in splits.items()}
    program = pedagogical(tables, names, subject.classes, 0)
    test = measure(program, lowest.bits["test"], names, splits["test"].decisions)
    return Figure(name, (test.fidelity,), "", note=f"{len(program.rules)} rules")
