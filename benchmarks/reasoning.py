"""What the pool of Prolog workers adds to the time that Prolog itself takes.

`python -m benchmarks.reasoning` runs it alone: it needs no model and no data.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import Figure, Row, table
from benchmarks.workspace import Workspace
from proofsight.prolog_home import prolog_home
from proofsight_server.reasoning.answer import describe
from proofsight_server.reasoning.call import Question, facts_part
from proofsight_server.reasoning.facts import FactsFrame
from proofsight_server.reasoning.limits import QueryLimits
from proofsight_server.reasoning.pool import Pool

PROPOSITIONS, DEPTH, CLASSES = 64, 5, 10
CALLS, ROUNDS = 400, 5
CALLERS, SECONDS = 8, 3.0

QUESTIONS = {
    "a trivial goal": Question("goal", "true"),
    "the decision": Question(),
    "why not digit_3": Question("class", "digit_3"),
}
TARGETS = {"the decision": 0.6}  # milliseconds


def run(workspace: Workspace | None = None) -> list[Row]:
    """Three questions, through the pool and in Prolog alone."""
    with tempfile.TemporaryDirectory(prefix="proofsight-bench-") as name:
        directory = Path(name)
        _write_revision(directory)
        pooled = asyncio.run(_pooled(directory))
        alone = _alone(directory)
    rows: list[Row] = []
    for question in QUESTIONS:
        through, inside = pooled[question], alone[question]
        medians = tuple(_share(times, 50) for times in through)
        own = tuple(_share(times, 50) for times in inside)
        added = tuple(a - b for a, b in zip(medians, own, strict=True))
        rows += [
            Figure(
                f"{question} through the pool, p50", medians, "ms", TARGETS.get(question), "at_most"
            ),
            Figure("the same, p99", tuple(_share(times, 99) for times in through), "ms"),
            Figure("the same in Prolog alone, p50", own, "ms"),
            Figure("what the pool adds", added, "ms", 0.15, "at_most"),
        ]
    rows.append(Figure("pool start, 2 workers", tuple(pooled["start"][0]), "s"))
    rows.append(
        Figure(f"explanations per second, {CALLERS} callers, 2 workers", tuple(pooled["rate"][0]),
               "/s", 600)
    )  # fmt: skip
    return rows


async def _pooled(directory: Path) -> dict[str, list[list[float]]]:
    """Milliseconds of single calls, a list per round; the rate of many; seconds to start."""
    starts, rates = [], []
    times: dict[str, list[list[float]]] = {name: [] for name in QUESTIONS}
    for _ in range(3):
        start = time.perf_counter()
        async with Pool(directory, prolog_home(), workers=2):
            starts.append(time.perf_counter() - start)
    async with Pool(directory, prolog_home(), workers=2) as pool:
        facts = _facts()
        for round_ in range(ROUNDS + 1):
            for name, question in QUESTIONS.items():
                round_times = []
                for number in range(CALLS):
                    start = time.perf_counter()
                    await pool.explain(facts[number % len(facts)], question)
                    round_times.append((time.perf_counter() - start) * 1e3)
                if round_:  # the first round warms up
                    times[name].append(round_times)
        for _ in range(ROUNDS):
            rates.append(await _rate(pool, facts))
    return {**times, "start": [starts], "rate": [rates]}


async def _rate(pool: Pool, facts: list[FactsFrame]) -> float:
    done = 0
    start = time.perf_counter()

    async def caller(number: int) -> None:
        nonlocal done
        while time.perf_counter() < start + SECONDS:
            await pool.explain(facts[(number + done) % len(facts)])
            done += 1

    await asyncio.gather(*(caller(number) for number in range(CALLERS)))
    return done / (time.perf_counter() - start)


def _alone(directory: Path) -> dict[str, list[list[float]]]:
    """The same calls in a process of their own, without frames, sockets and scheduling."""
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks.reasoning", str(directory)],
        stdout=subprocess.PIPE,
        check=True,
    )
    answer: dict[str, list[list[float]]] = json.loads(process.stdout)
    return answer


def _measure_alone(directory: Path) -> dict[str, list[list[float]]]:
    from proofsight_server.reasoning.worker import Worker  # starts Prolog in this process

    limits = QueryLimits()
    here, there = socket.socketpair()
    times: dict[str, list[list[float]]] = {name: [] for name in QUESTIONS}
    with here, there:
        worker = Worker(there)
        load: dict[str, Any] = {
            "op": "load",
            "prolog": str(prolog_home()),
            "directory": str(directory),
            "stack_bytes": limits.stack_bytes,
            "memory_bytes": limits.memory_bytes,
        }
        description = describe(json.loads(worker.answer(load, b"")))
        for round_ in range(ROUNDS + 1):
            for name, question in QUESTIONS.items():
                requests = []
                for facts in _facts():
                    header, payload = facts_part(facts, description)
                    header |= {"op": "explain", "question": question.to_header()}
                    header["limits"] = {
                        "inferences": limits.inferences,
                        "nodes": limits.nodes,
                        "seconds": limits.seconds,
                    }
                    requests.append((header, payload))
                round_times = []
                for number in range(CALLS):
                    start = time.perf_counter()
                    worker.answer(*requests[number % len(requests)])
                    round_times.append((time.perf_counter() - start) * 1e3)
                if round_:
                    times[name].append(round_times)
    return times


def _share(times: list[float], percent: int) -> float:
    return statistics.quantiles(times, n=100)[percent - 1]


def _facts() -> list[FactsFrame]:
    generator = np.random.default_rng(5)
    predicted = tuple((f"digit_{index}", 0.1) for index in range(CLASSES))
    return [
        FactsFrame("img", generator.random(PROPOSITIONS, np.float32), predicted) for _ in range(50)
    ]


def _write_revision(directory: Path) -> None:
    """A program like those that the tree learner writes: exclusive rules, a literal per split."""
    names = [f"conv3_c{index}" for index in range(PROPOSITIONS)]
    quantiser = [f"layer(conv3, 'features.8', conv, {PROPOSITIONS}).", "reads(conv3, relu3)."]
    quantiser += [
        f"proposition({name}, channel(conv3, {index}, l1), 0.5)."
        for index, name in enumerate(names)
    ]
    rules = []
    for leaf in range(1 << DEPTH):
        path = format(leaf, f"0{DEPTH}b")
        literals = [
            ("" if sign == "1" else "\\+ ") + f"active(Image, {names[int('1' + path[:depth], 2)]})"
            for depth, sign in enumerate(path)
        ]
        body = ", ".join([f"rule(r{leaf + 1}, Image)", *literals])
        rules.append((leaf % CLASSES, f"class(Image, digit_{leaf % CLASSES}) :- {body}."))
    classes = ", ".join(f"digit_{index}" for index in range(CLASSES))
    clauses = [clause for _, clause in sorted(rules)]
    clauses += ["policy(exclusive).", "default_class(digit_0).", f"class_order([{classes}])."]
    (directory / "quantiser.pl").write_text("\n".join(quantiser) + "\n")
    (directory / "rules.pl").write_text("\n".join(clauses) + "\n")


if __name__ == "__main__":
    if sys.argv[1:]:
        json.dump(_measure_alone(Path(sys.argv[1])), sys.stdout)
        sys.stdout.flush()
        os._exit(0)
    print(table(run()))
