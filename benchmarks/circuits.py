"""How faithful circuits are: |r| on images that were neither scored on nor chosen by.

Each target is written to the workspace when it is done, so that a run can be ended and gone on
with; after each one standard error says how long the rest will take. `auto` is the product's own
choice. FORCE over our criterion is run at keep 0.1 and below only.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.circuit_networks import CASES, Case, Prepared, prepared, targets
from benchmarks.figures import Figure, Row, Skipped
from benchmarks.workspace import Workspace
from proofsight_server.circuits import Scores, TargetNetwork, score, select, target_network
from proofsight_server.circuits.automatic import AUTO, Candidate, automatic
from proofsight_server.circuits.connecting import selected
from proofsight_server.circuits.evaluation import evaluate
from proofsight_server.circuits.faithfulness import Faithfulness, MeasureOptions
from proofsight_server.circuits.force import ForceOptions, force
from proofsight_server.circuits.masked import MaskedNetwork, masked, mean_contributions
from proofsight_server.circuits.reductions import PassCriterion
from proofsight_server.circuits.score_options import ScoreOptions
from proofsight_server.circuits.target import Unit
from proofsight_server.errors import BadTarget

TARGETS = 54
KEEPS = (0.5, 0.3, 0.2, 0.1, 0.05, 0.01)
LOW = 0.3  # from here down, what looks at images must beat what does not
PUBLISHED = ("magnitude", "snip", "actgrad", "force")
OURS = ("kernel_mask", "force:kernel_mask")
# FORCE, by the criterion that it iterates, and the largest share that it is run for. As published
# it iterates SNIP.
ITERATED: Mapping[PassCriterion, float] = {"snip": 1.0, "kernel_mask": 0.1}
# Ours too: kernels that lead nowhere passed over, and what removed ones leave.
SELECTED = Candidate("kernel_mask", "connected")
FILLED = Candidate("kernel_mask", "ranked", "mean")
BOTH = Candidate("kernel_mask", "connected", "mean")
CONTROLS = ("random", str(SELECTED), str(FILLED), str(BOTH))
SINGLE = ScoreOptions(precision="single", batch=8)
MEASURE = MeasureOptions(batch=16, draws=1)

# By keep and name, the figures on the images scored on and on those reported.
Measured = dict[str, dict[str, dict[str, Any]]]


def run(workspace: Workspace) -> list[Row]:
    """Every criterion at every keep on three networks, and a choice between them per target."""
    if workspace.data is None:
        return [
            Skipped(f"{case.name}: circuits, held-out |r|", "PROOFSIGHT_DATA is not set")
            for case in CASES
        ]
    rows: list[Row] = []
    for case in CASES:
        rows += table(case, measured(workspace, workspace.data, case))
    return rows


def measured(
    workspace: Workspace, data: Path | None, case: Case, count: int = TARGETS
) -> list[Measured]:
    """Per target what was measured, now or in an earlier run on this workspace."""
    # Not where an earlier form, with another choice, kept its figures.
    folder = workspace.root / "circuits-chosen" / case.slug
    folder.mkdir(parents=True, exist_ok=True)
    ready = prepared(workspace, data, case)
    found: list[Measured] = []
    seconds: list[float] = []
    for unit in targets(ready.network, 2 * count):
        if len(found) == count:
            break
        kept = folder / f"{str(unit).replace(':', '-')}.json"
        if not kept.exists():
            start = time.perf_counter()
            kept.write_text(json.dumps(_target(case, ready, unit)), encoding="utf-8")
            seconds.append(time.perf_counter() - start)
            left = (count - len(found) - 1) * statistics.median(seconds)
            print(
                f"{case.name}: {unit} took {seconds[-1]:.0f} s, the rest some {left / 60:.0f} min",
                file=sys.stderr,
                flush=True,
            )
        one = json.loads(kept.read_text(encoding="utf-8"))
        if one is not None:
            found.append(one)
    return found


def table(case: Case, found: list[Measured]) -> list[Row]:
    """The median over targets of |r| on the reported images, 0 for a collapse."""
    rows: list[Row] = []
    names = (*PUBLISHED, *OURS, *CONTROLS, AUTO)
    for keep in KEEPS:
        strengths = {
            name: _strengths(found, keep, name, "held_out")
            for name in names
            if all(name in one[str(keep)] for one in found)
        }
        medians = {name: statistics.median(values) for name, values in strengths.items()}
        for name, values in strengths.items():
            target = None
            if name == AUTO:
                target = max(medians[one] for one in PUBLISHED if one in medians)
            elif keep <= LOW and name in {"snip", "actgrad", "force", "kernel_mask"}:
                target = medians["magnitude"]
            inside = statistics.median(_strengths(found, keep, name, "in_sample"))
            collapsed = sum(one[str(keep)][name]["held_out"]["collapse"] for one in found)
            rows.append(
                Figure(
                    f"{case.name}, keep {keep}, {name}: held-out |r|",
                    values,
                    "",
                    target,
                    note=f"in sample {inside:.3f}, collapsed {collapsed} of {len(found)}",
                )
            )
    return rows


def _strengths(found: list[Measured], keep: float, name: str, kind: str) -> tuple[float, ...]:
    return tuple(one[str(keep)][name][kind]["absolute_r"] for one in found)


def _target(case: Case, ready: Prepared, unit: Unit) -> Measured | None:
    """What one target gives; None where it is dead."""
    network = target_network(ready.network, unit)
    try:
        scores = score(
            network, ready.scored, None,
            ["magnitude", "snip", "actgrad", "kernel_mask", "random"], options=SINGLE,
        )  # fmt: skip
    except BadTarget:
        return None
    contributions = mean_contributions(network, ready.scored, MEASURE.batch)
    return {
        str(keep): _level(case, ready, network, scores, contributions, keep) for keep in KEEPS
    }  # fmt: skip


def _level(
    case: Case,
    ready: Prepared,
    network: TargetNetwork,
    scores: Mapping[str, Scores],
    contributions: Mapping[str, Any],
    keep: float,
) -> dict[str, dict[str, Any]]:
    masks = {name: select(one, keep=keep) for name, one in scores.items()}
    circuits = {name: masked(network, mask) for name, mask in masks.items()}
    for criterion in (one for one, most in ITERATED.items() if keep <= most):
        options = ForceOptions(case.rounds, criterion, score=SINGLE)
        forced = force(network, ready.scored, keep=keep, options=options, dense=scores[criterion])
        name = "force" if criterion == "snip" else f"force:{criterion}"
        circuits[name] = masked(network, forced.mask)
    for candidate in (SELECTED, FILLED, BOTH):
        mask = selected(scores[candidate.criterion], keep, candidate.selection)
        left = contributions if candidate.ablation == "mean" else None
        circuits[str(candidate)] = masked(network, mask, left)
    best = automatic(
        network, ready.scored, ready.chosen, keep=keep, options=SINGLE, rounds=case.rounds
    )
    left = contributions if best.candidate.ablation == "mean" else None
    circuits[AUTO] = masked(network, best.mask, left)
    figures = {
        kind: _figures(circuits, images)
        for kind, images in (("in_sample", ready.scored), ("held_out", ready.reported))
    }
    level: dict[str, dict[str, Any]] = {
        name: {kind: each[name].to_json() for kind, each in figures.items()} for name in circuits
    }
    level[AUTO]["choice"] = str(best.candidate)
    return level


def _figures(circuits: Mapping[str, MaskedNetwork], images: Any) -> dict[str, Faithfulness]:
    return dict(zip(circuits, evaluate(list(circuits.values()), images, MEASURE), strict=True))
