"""The learner `fold` beside FOLD-RM and FOLD-R++, on the same tables and in the same run.

foldrm 0.0.2 and foldrpp 0.0.2 are not among our requirements: `pip install --no-deps --target
DIR foldrm==0.0.2 foldrpp==0.0.2`, then `PYTHONPATH=DIR python -m benchmarks learners`.  They
learn for about 10 minutes.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.figures import Figure, Row, Skipped
from benchmarks.workspace import Workspace
from proofsight_server.rules import DefaultRules, evaluate, size_of
from proofsight_server.symbols.feature import Bools, Ints

SEEDS = range(3)
TRAINING, FRESH, COLUMNS = 10_000, 10_000, 512
ACTIVE, FLIPPED = 0.3, 0.25  # of a class's bits; of the bits of one image
RUNS = 5  # of ours, of which the median counts
VERSION = "0.0.2"


@dataclass(frozen=True, slots=True)
class Task:
    """Images of classes that each have bits of their own, of which some are flipped."""

    bits: Bools
    target: Ints
    fresh: Bools
    truth: Ints

    @classmethod
    def drawn(cls, classes: int, seed: int) -> Task:
        """A task that depends on the seed alone."""
        rng = np.random.default_rng(seed)
        prototypes = rng.random((classes, COLUMNS)) < ACTIVE
        target = rng.integers(0, classes, TRAINING + FRESH)
        flipped = rng.random((len(target), COLUMNS)) < FLIPPED
        bits = prototypes[target] ^ flipped
        return cls(bits[:TRAINING], target[:TRAINING], bits[TRAINING:], target[TRAINING:])


@dataclass(frozen=True, slots=True)
class Result:
    """Processor seconds to learn from the training images, and what came of it."""

    seconds: float
    accuracy: float
    literals: int | None = None


# learns from the training images, and returns the seconds and the decisions of the fresh ones
Rival = Callable[[Task], tuple[float, Ints]]


def run(workspace: Workspace) -> list[Row]:
    """Two classes against FOLD-R++, three and ten against FOLD-RM."""
    rows: list[Row] = []
    contests: tuple[tuple[int, str, Rival], ...] = (
        (2, "foldrpp", _foldrpp),
        (3, "foldrm", _foldrm),
        (10, "foldrm", _foldrm),
    )
    for classes, package, rival in contests:
        name = f"fold and {package}, {classes} classes, {TRAINING:,} × {COLUMNS} bits"
        found = _version(package)
        if found == VERSION:
            rows += _contest(name, classes, rival)
        else:
            here = "is not installed" if found is None else f"is installed as {found}"
            rows.append(Skipped(name, f"{package} {VERSION} {here}"))
    return rows


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _contest(name: str, classes: int, rival: Rival) -> list[Row]:
    tasks = [Task.drawn(classes, seed) for seed in SEEDS]
    theirs = [_judged(task, *rival(task)) for task in tasks]
    ours = {
        # the rivals have no tail; exceptions go one deep, as by default
        "tail 0": [_fold(task, classes, lambda: DefaultRules(tail=0)) for task in tasks],
        # as the rivals', whose exceptions nest without bound
        "tail 0, any depth": [
            _fold(task, classes, lambda: DefaultRules(tail=0, max_depth=None)) for task in tasks
        ],
        "default options": [_fold(task, classes, DefaultRules) for task in tasks],
    }
    rows: list[Row] = []
    for label, results in ours.items():
        pairs = list(zip(results, theirs, strict=True))
        faster = tuple(their.seconds / our.seconds for our, their in pairs)
        better = tuple(our.accuracy - their.accuracy for our, their in pairs)
        aimed = label == "tail 0"
        rows.append(Figure(f"{name}: times as fast, {label}", faster, "×", 100 if aimed else None))
        rows.append(
            Figure(f"{name}: accuracy above theirs, {label}", better, "mean", 0 if aimed else None)
        )
    for label, results in {"theirs": theirs, **ours}.items():
        seconds = tuple(result.seconds for result in results)
        accuracy = tuple(result.accuracy for result in results)
        literals = tuple(float(r.literals) for r in results if r.literals is not None)
        rows.append(Figure(f"{name}: learning, {label}", seconds, "s of processor time"))
        rows.append(Figure(f"{name}: accuracy on fresh images, {label}", accuracy, "mean"))
        if literals:
            rows.append(Figure(f"{name}: literals, {label}", literals, "mean"))
    return rows


def _judged(task: Task, seconds: float, decided: Ints, literals: int | None = None) -> Result:
    return Result(seconds, float((decided == task.truth).mean()), literals)


def _fold(task: Task, classes: int, made: Callable[[], DefaultRules]) -> Result:
    names = [f"conv1_c{column}" for column in range(COLUMNS)]
    seconds = []
    for _ in range(RUNS):
        learner = made()
        start = time.process_time()
        learner.fit(task.bits, task.target, names, [f"class_{label}" for label in range(classes)])
        seconds.append(time.process_time() - start)
    program = learner.program_
    decided = evaluate(program, task.fresh, names).decisions
    return _judged(task, statistics.median(seconds), decided, size_of(program, ()).literals)


def _foldrm(task: Task) -> tuple[float, Ints]:
    """Each image a list of "0" and "1", its class last."""
    foldrm = importlib.import_module("foldrm")
    learner = foldrm.Classifier(attrs=_attributes(), numeric=[], label="class")
    table = [
        [*row, str(label)]
        for row, label in zip(_texts(task.bits), task.target.tolist(), strict=True)
    ]
    start = time.process_time()
    learner.fit(table, ratio=0.5)
    seconds = time.process_time() - start
    decided = learner.predict([[*row, ""] for row in _texts(task.fresh)])
    return seconds, np.array([-1 if label is None else int(label) for label in decided])


def _foldrpp(task: Task) -> tuple[float, Ints]:
    """Each image a dictionary of "0" and "1"; the second class is the positive one."""
    foldrpp = importlib.import_module("foldrpp.foldrpp")
    names = _attributes()
    learner = foldrpp.Foldrpp(str_attrs=names, num_attrs=[], label="class", pos_val="1")
    table = [
        {**dict(zip(names, row, strict=True)), "label": label}
        for row, label in zip(_texts(task.bits), task.target.tolist(), strict=True)
    ]
    start = time.process_time()
    learner.fit(table, ratio=0.5)
    seconds = time.process_time() - start
    fresh = [dict(zip(names, row, strict=True)) for row in _texts(task.fresh)]
    return seconds, np.array([int(positive) for positive in learner.predict(fresh)])


def _attributes() -> list[str]:
    return [f"c{column}" for column in range(COLUMNS)]


def _texts(bits: Bools) -> list[list[str]]:
    texts: list[list[str]] = np.where(bits, "1", "0").tolist()
    return texts
