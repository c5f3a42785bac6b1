"""Measured figures for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofsight_server.commands.table import print_table, share

SPLITS = ("train", "validation", "test")
COLUMNS = {
    "accuracy": "accuracy",
    "cnn_accuracy": "CNN accuracy",
    "fidelity": "fidelity",
    "undecided": "undecided",
    "error_fidelity": "on errors",
}
BASELINES = {"majority": "majority", "value_tree": "tree on values"}


def print_figures(figures: Mapping[str, Any]) -> None:
    """Print figures on standard output: a row per split, and the program's size."""
    rows = []
    for name in SPLITS:
        split = figures[name]
        baselines = split.get("baselines") or {}
        rows.append(
            [name, str(split["images"])]
            + [share(split.get(key)) for key in COLUMNS]
            + [share(baselines.get(key)) for key in BASELINES]
        )
    print_table(["split", "images", *COLUMNS.values(), *BASELINES.values()], rows)
    print(
        f"{figures['rules']} rules, {figures['literals']} literals, {figures['atoms']} atoms; "
        f"seed {figures['seed']}"
    )
