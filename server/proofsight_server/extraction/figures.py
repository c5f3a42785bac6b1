"""Every measured figure of a program: per split, its size, and what it is to be compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from proofsight_server.extraction.entries import entries_of
from proofsight_server.extraction.probing import SPLITS, Seen
from proofsight_server.rules.baselines import baselines
from proofsight_server.rules.metrics import measure, size_of
from proofsight_server.rules.program import Program
from proofsight_server.symbols.quantisation import Quantisation

LEAST_LEAVES = 2


def figures_of(
    program: Program, quantisation: Quantisation, seen: Mapping[str, Seen], *, seed: int
) -> dict[str, Any]:
    """Figures as `evaluate --json` prints them and a manifest keeps them.

    Per split: `images`, `accuracy`, `cnn_accuracy`, `fidelity`, `undecided`,
    `covered_fidelity`, `error_fidelity`, and `baselines` (the fidelity of the most frequent
    decision, and of a tree of equally many leaves on the values themselves; of a chain, on those
    of the top layer).  Beside them the size of the program, the seed, and `entries` (see
    `entries_of`).  Shares are in 0..1; None where nothing was measured.  A split without images
    has only its number of images.
    """
    size = size_of(program, quantisation.propositions)
    leaves = max(LEAST_LEAVES, size.top_rules)
    entries = entries_of(program, quantisation, seen, leaves=leaves)
    compared = {}
    if "train" in seen:
        top = {entries[0]["layer"]} if entries else {p.layer for p in quantisation.observable}
        columns = [at for at, p in enumerate(quantisation.observable) if p.layer in top]
        compared = baselines(
            seen["train"].values[:, columns],
            seen["train"].decisions,
            {name: (split.values[:, columns], split.decisions) for name, split in seen.items()},
            leaves=leaves,
            seed=seed,
        )
    figures: dict[str, Any] = {}
    for name in SPLITS:
        if name not in seen:
            figures[name] = {"images": 0, **dict.fromkeys(_RATES)}
            continue
        split = seen[name]
        bits = quantisation.bits(split.values)
        metrics = measure(program, bits, quantisation.names, split.decisions, split.labels)
        baseline = asdict(compared[name]) if name in compared else None
        figures[name] = {**asdict(metrics), "baselines": baseline}
    return {**figures, **asdict(size), "seed": seed, "entries": entries}


_RATES = ("accuracy", "cnn_accuracy", "fidelity", "undecided", "covered_fidelity", "error_fidelity")
