"""How long it takes to verify a score as a sum of interactions over all masks, in SWI-Prolog.

50 drawn primitives over 12 regions, 4,096 masked scores, in a fresh process each time; of a second
network one effect is altered by more than the bound allows.  Needs no model and no data, and takes
about 10 s.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, Row
from benchmarks.workspace import Workspace
from proofsight_server.interactions.facts import UNIT, NetworkFacts, quantised
from proofsight_server.interactions.primitive import Primitive
from proofsight_server.interactions.refit import refit

RUNS = 5
REGIONS, PRIMITIVES = 12, 50
MOST_SECONDS = 1.0


def run(workspace: Workspace | None = None) -> list[Row]:
    """`verified/3` first after loading and again, and what else is asked about all masks."""
    return list(_rows())


def _rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="proofsight-bench-") as root:
        directory = Path(root)
        _write(directory, drawn_facts(REGIONS, PRIMITIVES, seed=0))
        runs = [_prolog(directory) for _ in range(RUNS)]
    about = f"{PRIMITIVES} primitives, {1 << REGIONS:,} masks"
    first, again = _seconds(runs, "verified", 0), _seconds(runs, "verified", 1)
    yield Figure(f"verified/3, {about}, first call", first, "s", MOST_SECONDS, "at_most")
    yield Figure(f"verified/3, {about}, again", again, "s", MOST_SECONDS, "at_most")
    false = tuple(one["altered"][2] for one in runs)
    yield Figure("verified/3 fails where one effect is off", false, "share", 1.0)
    for name in ("load", "score", "entails", "sufficient", "proof"):
        yield Figure(f"interactions in Prolog, {about}, {name}", _seconds(runs, name, 0), "s")


def drawn_facts(regions: int, count: int, seed: int) -> NetworkFacts:
    """Facts of drawn primitives and scores that are near their sum."""
    rng = np.random.default_rng(seed)
    masks = rng.choice(np.arange(1, 1 << regions), count, replace=False).tolist()
    kinds = rng.integers(0, 2, count).tolist()
    primitives = [
        Primitive("or" if kind and mask & (mask - 1) else "and", mask)
        for kind, mask in zip(kinds, masks, strict=True)
    ]
    kept = np.arange(1 << regions)
    table = -2 + rng.normal(0, 0.05, len(kept))
    for one in primitives:
        table += rng.normal(0, 1) * one.fires(kept)
    return quantised("net", table, refit(table, primitives), frozenset())


def _write(directory: Path, facts: NetworkFacts) -> None:
    lines = [f"regions(image, {REGIONS})."]
    lines += [f"region(image, {i}, box({i}, 0, {i + 1}, 1), 'part {i}')." for i in range(REGIONS)]
    for name, extra in (("net", 0), ("altered", 2 * facts.bound + 1)):
        about = f"{name}, image, cat"
        lines += [f"bias({about}, {facts.bias}).", f"residual_bound({about}, {facts.bound})."]
        for place, (one, effect) in enumerate(facts.effects):
            told = effect + (extra if place == 0 else 0)
            lines.append(f"interaction({about}, {one.kind}, {one.mask}, {told}).")
        scores = facts.scores.tolist()
        lines += [
            f"masked_scores({about}, {at}, {scores[at : at + 64]})."
            for at in range(0, len(scores), 64)
        ]
    assert facts.bound < UNIT
    (directory / "interactions").mkdir()
    (directory / "interactions" / "image.pl").write_text("\n".join(lines) + "\n")
    (directory / "quantiser.pl").write_text("layer(conv1, 'features.0', conv, 8).\n")
    (directory / "rules.pl").write_text("default_class(cat).\n")


def _prolog(directory: Path) -> dict[str, tuple[float, float, float]]:
    script = Path(__file__).with_name("verified.pl")
    command = ["swipl", "-f", "none", str(script), str(directory)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    rows = (line.split() for line in done.stdout.splitlines())
    return {name: (float(first), float(again), float(found)) for name, first, again, found in rows}


def _seconds(
    runs: list[dict[str, tuple[float, float, float]]], name: str, place: int
) -> tuple[float, ...]:
    return tuple(one[name][place] / 1e3 for one in runs)
