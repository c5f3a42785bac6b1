"""Measured figures for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
HYBRIDS = {"program": "program", "network": "CNN on bits", "tree": "tree"}
_COMPARED = {"fidelity": "", "accuracy": " acc."}
_ENTERED = {"program": {**_COMPARED, "undecided": ""}, "network": _COMPARED, "tree": _COMPARED}
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
    if figures.get("entries"):
        _print_entries(figures["entries"])
    if "mofn" in figures:
        _print_layers(figures["mofn"]["layers"])


def _print_entries(entries: Sequence[Mapping[str, Any]]) -> None:
    """Print how the program, and the network, do wherever the one gives way to the other."""
    sources = [source for source in HYBRIDS if any(entry.get(source) for entry in entries)]
    rows = []
    for entry in entries:
        for split in entry["program"]:
            row = [entry["layer"], split]
            for source in sources:
                own = (entry.get(source) or {}).get(split, {})
                row += [share(own.get(key)) for key in _ENTERED[source]]
            links = entry["links"].get(split) or ()
            agreement = [link["agreement"] for link in links]
            rows.append([*row, share(sum(agreement) / len(agreement) if agreement else None)])
    headings = [
        f"{HYBRIDS[source]}{heading}" if key != "undecided" else key
        for source in sources
        for key, heading in _ENTERED[source].items()
    ]
    print_table(["entered at", "split", *headings, "links"], rows)


def _print_layers(layers: Sequence[Mapping[str, Any]]) -> None:
    """Print how well M-of-N rules explain the units of each layer, as means over these."""
    rows = []
    for layer in layers:
        rules = layer["rules"]
        units = f"{layer['units'] - len(layer['without_target'])}/{layer['units']}"
        size = [f"{rules[key] or 0:.1f}" for key in ("m", "literals")]
        rows.append(
            [layer["layer"], layer["below"], units, str(layer["inputs"]), *size]
            + [share(rules["error"][part]) for part in ("fit", "heldout", "test")]
            + [share(layer["baseline"]["test"] or layer["baseline"]["fit"])]
        )
    headings = ["layer", "reads", "units", "inputs", "M", "N", "error", "held out", "test"]
    print_table([*headings, "constant"], rows)
