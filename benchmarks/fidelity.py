"""How much of the network's decisions small programs keep."""

from __future__ import annotations

from typing import Any

from benchmarks.figures import Figure, Row, Skipped
from benchmarks.workspace import Workspace

SEEDS = range(5)


def run(workspace: Workspace) -> list[Row]:
    """Digits over five seeds, and the full MNIST."""
    rows: list[Row] = []
    reports = [_measured(workspace, "digits", "digits", seed) for seed in SEEDS]
    rows += _figures("digits", reports, fidelity=0.975, accuracy=0.985)
    if workspace.data is None:
        rows.append(Skipped("MNIST: test fidelity, CNN accuracy", "PROOFSIGHT_DATA is not set"))
    else:
        uri = f"mnist:{workspace.data / 'MNIST'}"
        rows += _figures(
            "MNIST", [_measured(workspace, "mnist", uri, 0)], fidelity=0.985, accuracy=0.99
        )
    return rows


def _measured(workspace: Workspace, kb: str, data: str, seed: int) -> dict[str, Any]:
    weights, _ = workspace.trained(data, seed)
    name = kb if seed == 0 else f"{kb}-{seed}"
    revision = workspace.extracted(name, data, "small-cnn", weights, "--seed", str(seed))
    return workspace.run("evaluate", revision, "--data", data)


def _figures(
    name: str, reports: list[dict[str, Any]], *, fidelity: float, accuracy: float
) -> list[Row]:
    def values(split: str, key: str) -> tuple[float, ...]:
        return tuple(report[split][key] for report in reports)

    unit = "mean" if len(reports) > 1 else ""
    return [
        Figure(
            f"{name}: test fidelity, tree ≤ 30 rules", values("test", "fidelity"), unit, fidelity
        ),
        Figure(f"{name}: test accuracy of the CNN", values("test", "cnn_accuracy"), unit, accuracy),
        Figure(f"{name}: test accuracy of the program", values("test", "accuracy"), unit),
        Figure(f"{name}: rules", tuple(report["rules"] for report in reports), unit, 30, "at_most"),
        Figure(f"{name}: literals", tuple(report["literals"] for report in reports), unit),
        Figure(f"{name}: atoms", tuple(report["atoms"] for report in reports), unit),
    ]
