"""A revision beside its parent, for people."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from proofsight_server.commands.figures import SPLITS, print_figures
from proofsight_server.commands.table import print_table, share

if TYPE_CHECKING:
    from proofsight_server.extraction.revise import Revised

COLUMNS = {"accuracy": "accuracy", "fidelity": "fidelity", "undecided": "undecided"}
CLASS_COLUMNS = ("accuracy", "fidelity")
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
    What stayed as it was is told in a line.
    """
    entries = document["entries"]
    headings = ["entered at"] if entries else []
    if all(_same(entry) for entry in entries or [document]):
        parent = document.get("parent", "its parent")
        print(f"no image is decided otherwise: the figures are those of {parent}")
        _print_sizes(document)
        return
    rows = []
    for entry in entries or [document]:
        for name in SPLITS:
            split = entry[name]
            cells = [name, str(split["images"]), *(_change(split[key], share) for key in COLUMNS)]
            rows.append([*_place(entry), *cells, _count(split["changed"])])
    print_table([*headings, "split", "images", *COLUMNS.values(), "changed"], rows)
    _print_sizes(document)
    _print_classes(headings, entries or [document])
    for entry in entries or [document]:
        images = entry["changed_validation_images"]
        if images:
            where = "".join(f" entered at {layer}" for layer in _place(entry))
            more = f" and {len(images) - SHOWN} more (--json)" if len(images) > SHOWN else ""
            print(f"validation images decided otherwise{where}: {', '.join(images[:SHOWN])}{more}")


def _same(entry: Mapping[str, Any]) -> bool:
    """Whether everything that was measured is as it was."""
    splits = [entry[name] for name in SPLITS]
    return all(split["changed"] == 0 and not _moved(split, COLUMNS) for split in splits)


def _moved(figures: Mapping[str, Any], keys: Iterable[str]) -> bool:
    return any(figures[key]["before"] != figures[key]["after"] for key in keys)


def _print_sizes(document: Mapping[str, Any]) -> None:
    print(", ".join(f"{noun} {_change(pair, str)}" for noun, pair in document["size"].items()))


def _print_classes(headings: Sequence[str], entries: Sequence[Mapping[str, Any]]) -> None:
    """Print what became of the classes of the validation images, the most changed first.

    An image that the network gets wrong counts with its label's class where that one's accuracy
    moves, and else not at all.
    """
    rows, hidden = [], 0
    for entry in entries:
        classes = {
            name: own
            for name, own in entry["validation"]["classes"].items()
            if own["changed"] or _moved(own, CLASS_COLUMNS)
        }
        most = sorted(classes, key=lambda name: classes[name]["changed"], reverse=True)
        hidden += len(most[SHOWN:])
        for name in most[:SHOWN]:
            own = classes[name]
            cells = [_change(own[key], share) for key in CLASS_COLUMNS]
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
