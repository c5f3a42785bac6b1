"""How long circuits take to load as facts and to be asked about.

A chain of layers of 64 channels, of whose kernels 20,000 are kept, and one of AlexNet's size up
to its fifth convolution with every kernel; in SWI-Prolog itself, and as a query through a pool of
one worker.  Needs no model and no data.
"""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, Row
from benchmarks.workspace import Workspace
from proofsight.prolog_home import prolog_home
from proofsight_server.reasoning.pool import Pool

RUNS = 5
LOAD_SECONDS, MILLISECONDS = 1.0, 1.0
QUESTIONS = {
    "feeds_channel": "which kernels feed a channel",
    "fed_by_channel": "which channels a channel feeds",
    "feeds_kernel": "which kernels feed a kernel",
    "ancestors": "all ancestors of the target",
    "strongest_path": "the strongest path from the image",
    "avoids": "whether the target is left without a channel",
    "bottlenecks": "bottlenecks",
}


def run(workspace: Workspace | None = None) -> list[Row]:
    """Load time, then each question, first and warm."""
    chain = [("image", 3)] + [(f"conv{layer}", 64) for layer in range(1, 12)]
    alexnet = [("image", 3), *zip(("conv1", "conv2", "conv3"), (64, 192, 384), strict=True)]
    alexnet += [("conv4", 256), ("conv5", 1)]
    rows = list(_rows("20,000 kernels", chain, 20_000, targets=True))
    return rows + list(_rows("AlexNet's 184,768", alexnet, 184_768, targets=False))


def _rows(
    name: str, layers: list[tuple[str, int]], kernels: int, *, targets: bool
) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="proofsight-bench-") as root:
        directory = Path(root)
        count = _written(directory, layers, kernels)
        middle = layers[len(layers) // 2][0]
        asked = [layers[-1][0], "0", middle, "5"]
        runs = [_prolog(directory, asked) for _ in range(RUNS)]
        load = tuple(run["load"][0] / 1e3 for run in runs)
        target = LOAD_SECONDS if targets else None
        note = f"{count:,} facts of kernels"
        yield Figure(f"circuit, {name}, load", load, "s", target, "at_most", note)
        for key, question in QUESTIONS.items():
            first, warm = zip(*(run[key] for run in runs), strict=True)
            target = MILLISECONDS if targets and key == "feeds_channel" else None
            note = f"{np.median(first):.2f} ms the first time"
            yield Figure(f"circuit, {name}, {question}", warm, "ms", target, "at_most", note)
        times = asyncio.run(_served(directory, f"kernel(c1, {middle}, 5, S, I, W, Rank, Sign)"))
        yield Figure(f"circuit, {name}, kernels of a channel through a worker", times, "ms")


def _written(directory: Path, layers: list[tuple[str, int]], kernels: int) -> int:
    """A revision whose circuit keeps that many kernels of the chain, drawn at random."""
    rng = np.random.default_rng(0)
    possible = [
        f"kernel(c1, {layer}, {o}, {below}, {i}"
        for (below, inputs), (layer, outputs) in itertools.pairwise(layers)
        for o in range(outputs)
        for i in range(inputs)
    ]
    kept = np.sort(rng.permutation(len(possible))[:kernels])
    ranks, scores = rng.permutation(len(kept)) + 1, rng.random(len(kept))
    last = layers[-1][0]
    lines = [f"circuit(c1, 'sha256:0', unit({last},0), 0.5, kernel_mask)."]
    lines += [
        f"{possible[place]}, {score!r}, {rank}, excite)."
        for place, score, rank in zip(kept, scores.tolist(), ranks, strict=True)
    ]
    (directory / "circuits").mkdir()
    (directory / "circuits" / "c1.pl").write_text("\n".join(lines) + "\n")
    (directory / "quantiser.pl").write_text(f"layer({last}, 'features.9', conv, 64).\n")
    (directory / "rules.pl").write_text("default_class(a).\n")
    return len(kept)


def _prolog(directory: Path, asked: list[str]) -> dict[str, tuple[float, float]]:
    script = Path(__file__).with_name("circuits.pl")
    command = ["swipl", "-f", "none", str(script), str(directory), *asked]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    lines = (line.split() for line in done.stdout.splitlines())
    return {name: (float(first), float(again)) for name, first, again in lines}


async def _served(directory: Path, goal: str) -> tuple[float, ...]:
    times = []
    async with Pool(directory, prolog_home(), workers=1) as pool:
        for _ in range(200):
            start = time.perf_counter()
            async for _solution in pool.query(None, goal):
                pass
            times.append((time.perf_counter() - start) * 1e3)
    return tuple(times[100:])
