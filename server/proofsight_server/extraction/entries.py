"""What a program is worth wherever it is entered, beside what the layer could give by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from proofsight_server.errors import BadOption
from proofsight_server.extraction.curve import curve_svg
from proofsight_server.extraction.probing import Seen
from proofsight_server.rules.bit_tree import grow_on_bits
from proofsight_server.rules.columns import Columns
from proofsight_server.rules.entry import entry_layers, observed_at
from proofsight_server.rules.link import links
from proofsight_server.rules.metrics import measure
from proofsight_server.rules.program import Program
from proofsight_server.symbols.feature import Bools, Ints
from proofsight_server.symbols.quantisation import Quantisation

COMPARED = ("accuracy", "fidelity")
HYBRIDS = {
    "program": "program on the network below",
    "network": "network on the quantised layer",
    "tree": "tree on that layer alone",
}


def entries_of(
    program: Program, quantisation: Quantisation, seen: Mapping[str, Seen], *, leaves: int
) -> list[dict[str, Any]]:
    """Figures per entry layer, the top one first; empty where there is only one.

    Each has the `layer`; `program`, per split the accuracy and fidelity of the program entered
    there, on top of the network below, and the share that it leaves `undecided`; `tree`, those of
    a tree of at most `leaves` leaves learned on that layer's bits for itself; and `links`, per
    split how well each proposition of the layer is derived from the layer below it: agreement,
    balanced agreement, base rate.
    """
    layers = quantisation.by_layer
    entries = entry_layers(program, layers)
    if len(entries) < 2:
        return []
    bits = {name: quantisation.bits(split.values) for name, split in seen.items()}
    found = {
        name: links(program, table, quantisation.names, layers) for name, table in bits.items()
    }
    return [
        {
            "layer": entry,
            "program": _program(program, quantisation, entry, bits, seen),
            "tree": _tree(quantisation, entry, bits, seen, leaves),
            "links": {
                name: [asdict(link) for link in own if link.layer == entry]
                for name, own in found.items()
            },
        }
        for entry in entries
    ]


def require_entries(program: Program, quantisation: Quantisation) -> None:
    """Accept a program that can be entered at several layers, so that there is a curve.

    Raises
    ------
    BadOption
        It can be entered at one only.
    """
    entries = entry_layers(program, quantisation.by_layer)
    if len(entries) < 2:
        raise BadOption(
            f"the program can be entered at {entries[0]} only, so that there is no curve to draw; "
            "extract several layers with --chain",
            option="curve",
        )


def curve_of(entries: Sequence[Mapping[str, Any]], split: str) -> str:
    """The figures of one split over the entry layers, the lowest first, as SVG.

    Raises BadOption where nothing was measured.
    """
    names: dict[float, str] = {
        float(place): entry["layer"] for place, entry in enumerate(reversed(entries))
    }
    series = {
        f"{noun}, {key}": [
            (place, entry[source][split][key])
            for place, entry in enumerate(reversed(entries))
            if (entry.get(source) or {}).get(split, {}).get(key) is not None
        ]
        for key in reversed(COMPARED)
        for source, noun in HYBRIDS.items()
        # Where the network is mostly right, more lines than these only hide each other.
        if (source, key) != ("tree", "accuracy")
    }
    return curve_svg(
        f"Where the program begins ({split} images)",
        "entry layer, from low to high",
        "share of images",
        series,
        x_names=names,
    )


def _program(
    program: Program,
    quantisation: Quantisation,
    entry: str,
    bits: Mapping[str, Bools],
    seen: Mapping[str, Seen],
) -> dict[str, Any]:
    observed = observed_at(entry, program, quantisation.by_layer)
    figures = {}
    for name, split in seen.items():
        metrics = measure(
            program,
            bits[name],
            quantisation.names,
            split.decisions,
            split.labels,
            observed=observed,
        )
        figures[name] = {key: getattr(metrics, key) for key in (*COMPARED, "undecided")}
    return figures


def _tree(
    quantisation: Quantisation,
    entry: str,
    bits: Mapping[str, Bools],
    seen: Mapping[str, Seen],
    leaves: int,
) -> dict[str, Any] | None:
    """The figures of a tree on one layer; None without training images to learn it from."""
    if "train" not in seen:
        return None
    own = [at for at, p in enumerate(quantisation.observable) if p.layer == entry]
    columns = Columns(bits["train"].take(own, axis=1))
    paths = grow_on_bits(columns, seen["train"].decisions, leaves=leaves)
    figures = {}
    for name, split in seen.items():
        decided = np.zeros(len(split.decisions), dtype=np.int64)
        table = bits[name].take(own, axis=1)
        for path in paths:
            decided[path.holds(table)] = path.label
        figures[name] = compared(decided, split)
    return figures


def compared(decided: Ints, split: Seen) -> dict[str, float | None]:
    """Accuracy and fidelity of decisions (n,)."""
    return {
        "accuracy": None if split.labels is None else float((decided == split.labels).mean()),
        "fidelity": float((decided == split.decisions).mean()),
    }
