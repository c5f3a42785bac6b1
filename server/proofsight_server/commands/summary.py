"""Figures over several seeds, in the manner of published tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from proofsight_server.commands.figures import SPLITS
from proofsight_server.commands.table import print_table

if TYPE_CHECKING:
    from proofsight_server.extraction.evaluate import EvaluationReport
    from proofsight_server.rules.metrics import Summary

RATES = {
    "cnn_accuracy": "CNN accuracy",
    "accuracy": "program accuracy",
    "fidelity": "fidelity",
    "undecided": "undecided",
}
SIZES = {"atoms": "atoms", "rules": "rules", "literals": "size (literals)"}


def print_summary(figures: Sequence[Mapping[str, Any]]) -> None:
    """Print mean ± deviation: a row per figure with a column per split, then the sizes."""
    from proofsight_server.extraction.beside import summary_of_figures

    found = summary_of_figures(figures)
    rows = [
        [noun, *(_told(found[split].get(key), 4) for split in SPLITS)]
        for key, noun in RATES.items()
    ]
    print_table(["", *SPLITS], rows)
    print_table(list(SIZES.values()), [[_told(found["size"].get(key), 1) for key in SIZES]])


def summary_document(
    reports: Sequence[EvaluationReport], differences: Sequence[str]
) -> dict[str, Any]:
    """The document of `evaluate --json` for several revisions."""
    from proofsight_server.extraction.beside import summary_of_figures

    found = summary_of_figures([report.figures for report in reports])
    return {
        "revisions": [report.to_json() for report in reports],
        "summary": {
            group: {key: asdict(summary) for key, summary in figures.items()}
            for group, figures in found.items()
        },
        "differences": list(differences),
    }


def _told(summary: Summary | None, decimals: int) -> str:
    if summary is None:
        return "–"
    deviation = "" if summary.deviation is None else f" ± {summary.deviation:.{decimals}f}"
    return f"{summary.mean:.{decimals}f}{deviation}"
