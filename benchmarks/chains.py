"""Programs over two layers of the digits network, entered at each: the table of docs/chains.md."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.figures import Figure, Row
from benchmarks.workspace import Workspace

COLUMNS = {
    "program": "the program entered there",
    "network": "the network on the quantised layer",
    "tree": "a tree on that layer alone",
}


def run(workspace: Workspace) -> list[Row]:
    """One seed, both modes."""
    return [row for mode in ("faithful", "refit") for row in _chain(workspace, mode)]


def _chain(workspace: Workspace, mode: str) -> Iterator[Row]:
    weights, _ = workspace.trained("digits", 0)
    layers = ("--layer", "conv3", "--layer", "conv2", "--chain", "--chain-mode", mode)
    revision = workspace.extracted(f"digits-{mode}", "digits", "small-cnn", weights, *layers)
    curve = str(workspace.root / f"digits-{mode}.svg")
    measured = workspace.run("evaluate", revision, "--data", "digits", "--curve", curve)
    for entry in measured["entries"]:
        for column, noun in COLUMNS.items():
            yield Figure(
                f"digits, chained ({mode}), {entry['layer']}: test fidelity of {noun}",
                (entry[column]["test"]["fidelity"],),
                "",
            )
