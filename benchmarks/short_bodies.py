"""How well any rule of at most 3 literals can explain a softmax layer of 128 units.

No order of literals matters here: every body of at most 3 is tried, with the method's own cuts and
polarities, on the images that rules are learned from; the best is measured on test images.  What
it misses, no search over these literals finds.  The networks are those of the benchmark `mofn`.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from benchmarks.figures import Figure, Row, Skipped
from benchmarks.mofn import CLOSE, DATA, NETWORKS, SEEDS, explained, options
from benchmarks.workspace import Workspace
from proofsight_server.extraction.mofn_cases import cases_of, drawn
from proofsight_server.extraction.mofn_unit import Case
from proofsight_server.symbols.feature import Bools


def run(workspace: Workspace) -> list[Row]:
    """The best of all short bodies, per data set and activation."""
    if workspace.data is None:
        return [Skipped("all bodies of at most 3 literals", "PROOFSIGHT_DATA is not set")]
    rows: list[Row] = []
    for folder, scheme in DATA.items():
        for factory in NETWORKS:
            uri = f"{scheme}:{workspace.data / folder}"
            found = [_errors(workspace, uri, factory, seed) for seed in SEEDS]
            name = f"{folder} {factory}: best of all bodies of ≤ 3 literals"
            errors = tuple(float(np.mean(own)) for own in found)
            within = tuple(float(sum(error <= CLOSE for error in own)) for own in found)
            rows += [
                Figure(f"{name}, test error", errors, "mean"),
                Figure(f"{name}, classes of 10 within 1 %", within, "mean of classes"),
            ]
    return rows


def _errors(workspace: Workspace, uri: str, factory: str, seed: int) -> list[float]:
    """Test errors of each class's best short rule; what was found before is read."""
    kept = workspace.root / "mofn" / f"{uri.partition(':')[0]}-{factory}-{seed}-short.json"
    if not kept.exists():
        start = time.perf_counter()
        subject = explained(workspace, uri, factory, seed)
        cases = cases_of(subject.layers[0], drawn(subject, options("raw")), options("raw"))
        errors = [_error(case) for case in cases if isinstance(case, Case)]
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(json.dumps(errors), encoding="utf-8")
        seconds = time.perf_counter() - start
        print(f"short_bodies: {kept.stem} took {seconds:.0f} s", file=sys.stderr, flush=True)
    found: list[float] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def _error(case: Case) -> float:
    """The test error of the short rule of fewest errors on fitting images."""
    least, body = best_short(case.literals("fit"), case.targets["fit"])
    holds = case.literals("test")[list(body)].sum(axis=0) >= least
    return float((holds != case.targets["test"]).mean())


def best_short(literals: Bools, target: Bools) -> tuple[int, tuple[int, int, int]]:
    """M and the body of the "at least M of 3" of fewest errors on (n, images), (images,) bool.

    A literal may stand twice or thrice, which makes the shorter bodies of it.  Each rule is found
    by how many more images with the target than without it satisfy one, two and three literals.
    """
    columns = literals.astype(np.float32)
    signed = columns * np.where(target, np.float32(1), np.float32(-1))
    one, two = signed.sum(axis=1), signed @ columns.T
    best = (0.0, 4, (0, 0, 0))  # never
    for first, column in enumerate(columns):
        three = (signed * column) @ columns.T
        pairs = two[first][:, None] + two[first] + two
        ones = one[first] + one[:, None] + one
        for least, excess in ((3, three), (2, pairs - 2 * three), (1, ones - pairs + three)):
            second, third = divmod(int(excess.argmax()), len(columns))
            best = max(best, (float(excess[second, third]), least, (first, second, third)))
    return best[1:]
