"""A revision beside its parent, for people."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from proofsight_server.commands.figures import SPLITS, print_figures
from proofsight_server.commands.table import print_table, share

if TYPE_CHECKING:
    from proofsight_server.extraction.revise import Revised

COLUMNS = {"accuracy": "accuracy", "fidelity": "fidelity", "undecided": "undecided"}
SHOWN = 10  # images that changed, and classes; --json has all


def print_revised(revised: Revised) -> None:
    """Print what became of a revision; warnings go to standard error."""
    for warning in revised.warnings:
        print(f"proofsight: warning: {warning}", file=sys.stderr)
    comparison, made = revised.comparison, revised.revision
    if made is None:
        print(f"nothing was published; {comparison.parent} would become:")
    else:
        print(f"{made.name} is in {made.directory}, made from {comparison.parent}")
    if revised.basis == "withheld":
        print(f"figures are withheld: {revised.why or 'its parent was not measured either'}")
    elif revised.basis == "carried over":
        print(f"no rule changed: the figures are those of {comparison.parent}")
    elif comparison.after:
        print_comparison_document(comparison.to_json())
    else:
        print(f"what {comparison.parent} decided before it was edited in place is not known")
        print_figures(revised.figures)


def print_comparison_document(document: Mapping[str, Any]) -> None:
    """Print figures before and after, a row per split; then sizes, classes, and images.

    A program with several entry layers has these rows, and those of the classes, for each.
    """
    entries = document["entries"]
    headings = ["entered at"] if entries else []
    rows = []
    for entry in entries or [document]:
        for name in SPLITS:
            split = entry[name]
            cells = [name, str(split["images"]), *(_change(split[key], share) for key in COLUMNS)]
            rows.append([*_place(entry), *cells, _count(split["changed"])])
    print_table([*headings, "split", "images", *COLUMNS.values(), "changed"], rows)
    print(", ".join(f"{noun} {_change(pair, str)}" for noun, pair in document["size"].items()))
    _print_classes(headings, entries or [document])
    for entry in entries or [document]:
        images = entry["changed_validation_images"]
        if images:
            where = "".join(f" entered at {layer}" for layer in _place(entry))
            more = f" and {len(images) - SHOWN} more (--json)" if len(images) > SHOWN else ""
            print(f"validation images decided otherwise{where}: {', '.join(images[:SHOWN])}{more}")


def _print_classes(headings: Sequence[str], entries: Sequence[Mapping[str, Any]]) -> None:
    """Print what became of each class of the validation images, the most changed first."""
    rows, hidden = [], 0
    for entry in entries:
        classes = entry["validation"]["classes"]
        most = sorted(classes, key=lambda name: classes[name]["changed"], reverse=True)
        hidden += len(most[SHOWN:])
        for name in most[:SHOWN]:
            own = classes[name]
            cells = [_change(own[key], share) for key in ("accuracy", "fidelity")]
            rows.append([*_place(entry), name, *cells, _count(own["changed"])])
    if rows:
        print("classes of validation images that are decided otherwise:")
        print_table([*headings, "class", "accuracy", "fidelity", "changed"], rows)
    if hidden:
        print(f"{hidden} more rows of classes that changed are in --json")


def _place(entry: Mapping[str, Any]) -> list[str]:
    return [entry["layer"]] if "layer" in entry else []


def _count(changed: int | None) -> str:
    """How many changed; a dash where one of the programs could not be entered."""
    return "–" if changed is None else str(changed)


def _change(pair: dict[str, object], shown: Callable[[object], str]) -> str:
    before, after = shown(pair["before"]), shown(pair["after"])
    return before if before == after else f"{before} → {after}"
