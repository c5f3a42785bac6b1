"""Shrunk networks beside their masked ones: how equal they are, and what they really save."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from benchmarks.circuit_networks import CASES, Case, Prepared, prepared, targets
from benchmarks.figures import Figure, Row, Skipped
from benchmarks.workspace import Workspace
from proofsight_server.circuits import score, select, target_network
from proofsight_server.circuits.exactness import TOLERANCE, Exactness, verify
from proofsight_server.circuits.masked import masked
from proofsight_server.circuits.savings import Savings, savings, wall_time
from proofsight_server.circuits.score_options import ScoreOptions
from proofsight_server.circuits.shrinking import shrink
from proofsight_server.circuits.target import Logit, Target
from proofsight_server.errors import BadTarget

KEEPS = (0.5, 0.1, 0.05, 0.01)
UNITS, SCORED, TIMED = 3, 12, 8
SINGLE = ScoreOptions(precision="single", batch=4)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One circuit, shrunk: how equal, what it saves, and seconds of the three networks."""

    exactness: Exactness
    savings: Savings
    whole: float
    masked: float
    shrunk: float


def run(workspace: Workspace) -> list[Row]:
    """Three channels and a logit of each network, at four keeps; about 5 minutes."""
    if workspace.data is None:
        return [Skipped(f"{case.name}: shrinking", "PROOFSIGHT_DATA is not set") for case in CASES]
    rows: list[Row] = []
    for case in CASES:
        rows += table(case, prepared(workspace, workspace.data, case))
    return rows


def table(case: Case, ready: Prepared) -> list[Row]:
    """The figures of one network, with its circuits that did not collapse."""
    rows: list[Row] = []
    chosen: list[Target] = [*targets(ready.network, UNITS), Logit(0)]
    found = {target: _outcomes(ready, target) for target in chosen}
    for keep in KEEPS:
        outcomes = [one[keep] for one in found.values() if keep in one]
        if not outcomes:
            rows.append(Skipped(f"{case.name}, keep {keep}: shrinking", "every circuit collapsed"))
        else:
            rows += _rows(f"{case.name}, keep {keep}", outcomes)
    return rows


def _rows(name: str, outcomes: list[Outcome]) -> list[Row]:
    def values(of: Callable[[Outcome], float]) -> tuple[float, ...]:
        return tuple(of(one) for one in outcomes)

    return [
        Figure(
            f"{name}: max|F_raw − F_ext| in deviations of F_raw",
            values(lambda one: one.exactness.difference / (one.exactness.deviation or 1)),
            "", TOLERANCE, "at_most",
            note=f"equal up to rounding: {sum(one.exactness.exact for one in outcomes)} of "
            f"{len(outcomes)}",
        ),
        Figure(
            f"{name}: kernels with an effect, of N",
            values(lambda one: one.savings.effective_kernels / one.savings.kernels), "",
        ),
        Figure(
            f"{name}: live filters, of all",
            values(lambda one: one.savings.live_filters / one.savings.filters), "",
        ),
        Figure(
            f"{name}: weights of the shrunk network, of the masked one's",
            values(lambda one: one.savings.shrunk_weights / one.savings.weights), "",
        ),
        Figure(
            f"{name}: multiplications of the shrunk network, of the masked one's",
            values(lambda one: one.savings.shrunk_macs / one.savings.macs), "",
        ),
        Figure(
            f"{name}: {TIMED} images by the shrunk network",
            values(lambda one: 1e3 * one.shrunk), "ms",
        ),
        Figure(
            f"{name}: {TIMED} images by the masked network",
            values(lambda one: 1e3 * one.masked), "ms",
        ),
        Figure(
            f"{name}: the shrunk network is faster than the masked one",
            values(lambda one: one.masked / one.shrunk), "×",
        ),
        Figure(
            f"{name}: the masked network is faster than the whole one",
            values(lambda one: one.whole / one.masked), "×",
        ),
    ]  # fmt: skip


def _outcomes(ready: Prepared, target: Target) -> dict[float, Outcome]:
    network = target_network(ready.network, target)
    images = ready.reported[:TIMED]
    try:
        scores = score(network, ready.scored[:SCORED], None, "kernel_mask", options=SINGLE)
    except BadTarget:
        return {}
    found = {}
    for keep in KEEPS:
        circuit = masked(network, select(scores["kernel_mask"], keep=keep))
        if circuit.collapse:
            continue
        shrunk = shrink(circuit)
        with torch.inference_mode():
            found[keep] = Outcome(
                verify(circuit, shrunk, images, input_shape=network.input_shape),
                savings(circuit, shrunk),
                wall_time(network, images),
                wall_time(circuit, images),
                wall_time(shrunk, images),
            )
    return found
