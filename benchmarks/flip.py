"""How long the fewest propositions whose change alters a decision take to find.

Programs of about 200 literals of each learner, over 128 channels with two thresholds each and
10 classes that overlap; questions through a pool of one worker.  Needs no model and no data.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, Row
from benchmarks.workspace import Workspace
from proofsight.prolog_home import prolog_home
from proofsight_server.knowledge.source import write_quantiser, write_rules
from proofsight_server.reasoning.facts import FactsFrame
from proofsight_server.reasoning.pool import Pool
from proofsight_server.rules import DefaultRules, Learner, Program, TreeRules, evaluate, size_of
from proofsight_server.rules.program import Literal, PointsHead, Rule
from proofsight_server.rules.scorecard import Scorecard
from proofsight_server.symbols.feature import Feature, Floats, Ints, Layer, Proposition

CHANNELS, CLASSES, LITERALS = 128, 10, 200
TRAINING, IMAGES = 6_000, 300
THRESHOLDS = (0.75, 1.5)
MILLISECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Task:
    """Values (n, CHANNELS) float32 of images whose classes have levels of their own, and noise."""

    values: Floats
    target: Ints
    propositions: tuple[Proposition, ...]

    @classmethod
    def drawn(cls, seed: int = 0) -> Task:
        """A task that depends on the seed alone."""
        rng = np.random.default_rng(seed)
        levels = rng.choice([0.0, 0.0, 1.0, 2.0], (CLASSES, CHANNELS))
        target = rng.integers(0, CLASSES, TRAINING + IMAGES)
        noise = rng.normal(0, 1, (len(target), CHANNELS))
        values = np.maximum(levels[target] + noise, 0).astype(np.float32)
        propositions = tuple(
            Proposition(f"c{channel}_t{rank}", "conv3", Feature("conv3", channel, "l1"), threshold)
            for channel in range(CHANNELS)
            for rank, threshold in enumerate(THRESHOLDS, 1)
        )
        return cls(values, target, propositions)

    @property
    def names(self) -> tuple[str, ...]:
        """The propositions, in the order of `wide`."""
        return tuple(p.name for p in self.propositions)

    @property
    def wide(self) -> Floats:
        """The values, a column per proposition."""
        return np.repeat(self.values, len(THRESHOLDS), axis=1)

    @property
    def bits(self) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        """Which propositions are active."""
        active: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = self.wide > np.array(
            [p.threshold for p in self.propositions], np.float32
        )
        return active


def run(workspace: Workspace | None = None) -> list[Row]:
    """Each learner's program, any other decision and a class that is wanted."""
    task = Task.drawn()
    rows: list[Row] = []
    for name, program in _programs(task):
        literals = size_of(program, task.propositions).literals
        for asked, times, sizes, cut in asyncio.run(_measured(program, task)):
            note = f"{literals} literals; {np.mean(sizes):.1f} changes, {cut} cut short"
            figure = f"flip, {name}, {asked}"
            p50, p95 = (float(np.percentile(times, share)) for share in (50, 95))
            rows.append(Figure(f"{figure}, p50", (p50,), "ms", MILLISECONDS, "at_most", note))
            rows.append(Figure("the same, p95", (p95,), "ms"))
    return rows


def _programs(task: Task) -> Iterator[tuple[str, Program]]:
    """The program of each learner that is the first to have LITERALS."""
    yield "tree", _first(task, (TreeRules(max_rules=leaves) for leaves in range(20, 60, 2)))
    tails = np.geomspace(0.1, 0.002, 12)
    yield "fold", _first(task, (DefaultRules(tail=float(tail)) for tail in tails))
    lines = range(LITERALS, 3 * LITERALS, 50)
    yield "scorecard", _first(task, (Scorecard(max_rules=most) for most in lines))
    yield "points by hand", _points(task)


def _first(task: Task, learners: Iterable[Learner]) -> Program:
    classes = [f"digit_{number}" for number in range(CLASSES)]
    for learner in learners:
        learner.fit(task.bits[:TRAINING], task.target[:TRAINING], task.names, classes)
        if size_of(learner.program_, task.propositions).literals >= LITERALS:
            break
    return learner.program_


def _points(task: Task) -> Program:
    """Exactly LITERALS lines: for each class the bits that tell it best from all the others."""
    bits, target = task.bits[:TRAINING], task.target[:TRAINING]
    overall = bits.mean(axis=0)
    rules: list[Rule] = []
    for number in range(CLASSES):
        contrast = bits[target == number].mean(axis=0) - overall
        for column in np.argsort(-np.abs(contrast))[: LITERALS // CLASSES]:
            points = round(6 * contrast[column] / np.abs(contrast).max())
            head = PointsHead(f"digit_{number}", points)
            rules.append(Rule(f"p{len(rules) + 1}", head, (Literal(task.names[column]),)))
    classes = tuple(f"digit_{number}" for number in range(CLASSES))
    return Program(tuple(rules), classes, policy="points", class_order=classes)


async def _measured(program: Program, task: Task) -> list[tuple[str, list[float], list[int], int]]:
    """What was asked, the milliseconds of each call, the changes found, and how many cut short."""
    frames = [FactsFrame("img", np.ascontiguousarray(row)) for row in task.wide[TRAINING:]]
    decisions = evaluate(program, task.bits[TRAINING:], task.names).decisions
    wanted = [
        program.classes[(own + 1 + place % 9) % CLASSES] for place, own in enumerate(decisions)
    ]
    results = []
    with tempfile.TemporaryDirectory(prefix="proofsight-bench-") as name:
        layers = (Layer("conv3", "features.8", "conv", CHANNELS, "features.9"),)
        (Path(name) / "quantiser.pl").write_text(write_quantiser(layers, task.propositions))
        (Path(name) / "rules.pl").write_text(write_rules(program))
        async with Pool(Path(name), prolog_home(), workers=1) as pool:
            await pool.flip(frames[0])  # what a worker keeps of a program is made once
            for asked, targets in (("any other decision", [None] * IMAGES), ("a class", wanted)):
                times, sizes, cut = [], [], 0
                for frame, target in zip(frames, targets, strict=True):
                    start = time.perf_counter()
                    answer = await pool.flip(frame, target)
                    times.append((time.perf_counter() - start) * 1e3)
                    sizes.append(len(answer["changes"]))
                    cut += answer["status"] == "CUT_SHORT"
                results.append((asked, times, sizes, cut))
    return results
