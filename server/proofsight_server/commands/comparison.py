"""A revision beside its parent, for people."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from proofsight_server.commands.figures import SPLITS, print_figures
from proofsight_server.commands.table import print_table, share

if TYPE_CHECKING:
    from proofsight_server.extraction.revise import Revised

COLUMNS = {"accuracy": "accuracy", "fidelity": "fidelity", "undecided": "undecided"}
SHOWN = 10  # images that changed; --json has all


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
    """Print figures before and after, a row per split; then sizes, and images that changed."""
    rows = []
    for name in SPLITS:
        split = document[name]
        cells = [_change(split[key], share) for key in COLUMNS]
        rows.append([name, str(split["images"]), *cells, str(split["changed"])])
    print_table(["split", "images", *COLUMNS.values(), "changed"], rows)
    print(", ".join(f"{noun} {_change(pair, str)}" for noun, pair in document["size"].items()))
    images = document["changed_validation_images"]
    if images:
        more = f" and {len(images) - SHOWN} more (--json)" if len(images) > SHOWN else ""
        print(f"validation images decided otherwise: {', '.join(images[:SHOWN])}{more}")


def _change(pair: dict[str, object], shown: Callable[[object], str]) -> str:
    before, after = shown(pair["before"]), shown(pair["after"])
    return before if before == after else f"{before} → {after}"
