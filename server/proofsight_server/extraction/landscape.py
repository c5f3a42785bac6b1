"""Which layers can be explained: error against complexity, beside the better constant."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from proofsight_server.errors import BadOption
from proofsight_server.extraction.curve import curve_svg

# Of these the first that was measured.
_PARTS = ("test", "heldout", "fit")
_COLUMNS = (
    "layer", "below", "size", "units", "explained", "inputs", "order", "beta", "complexity",
    "literals", "m", "dnf_literals", "error", "baseline", "part",
)  # fmt: skip


def landscape_rows(reports: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per layer, order and β out of the figures of layers (see `layer_report`).

    Errors are means over the units that have a target, on images that no rule was read from
    where there are any; `baseline` is that of the better constant, and `part` names the images.
    `size` are the units that the layer has, `units` those that were looked at.
    """
    rows = []
    for report in reports:
        part = next((one for one in _PARTS if report["baseline"].get(one) is not None), None)
        for order, curve in report["orders"].items():
            for point in curve["betas"]:
                rows.append(
                    {
                        "layer": report["layer"],
                        "below": report["below"],
                        "size": report["size"],
                        "units": report["units"],
                        "explained": report["units"] - len(report["without_target"]),
                        "inputs": report["inputs"],
                        "order": order,
                        **{key: point[key] for key in ("beta", "complexity", "literals", "m")},
                        "dnf_literals": point["dnf_literals"],
                        "error": point["error"][part],
                        "baseline": report["baseline"][part],
                        "part": part,
                    }
                )
    return rows


def landscape_svg(reports: Sequence[Mapping[str, Any]], order: str) -> str:
    """The curves of all layers in one picture, each with the level of its better constant.

    Raises
    ------
    BadOption
        No layer has a unit with a target.
    """
    rows = [row for row in landscape_rows(reports) if row["order"] == order]
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    if not layers:
        raise BadOption("no unit of any layer has a target, so there is no landscape to draw")
    names = {
        row["layer"]: f"{row['layer']} ({row['explained']} of {row['size']} units)" for row in rows
    }
    part = rows[0]["part"]
    images = {"test": "test images", "heldout": "images held out", "fit": "fitting images"}[part]
    return curve_svg(
        f"M-of-N rules by layer ({images}; order {order})",
        "complexity, 0 … 1 within a layer",
        "error (dashed: the better constant)",
        {
            names[layer]: [
                (row["complexity"], row["error"]) for row in rows if row["layer"] == layer
            ]
            for layer in layers
        },
        levels={names[row["layer"]]: row["baseline"] for row in rows},
    )


def landscape_csv(reports: Sequence[Mapping[str, Any]]) -> str:
    """The rows as comma-separated values with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(landscape_rows(reports))
    return text.getvalue()


def landscape_files(reports: Sequence[Mapping[str, Any]], order: str) -> dict[str, bytes]:
    """The landscape as data and as a picture, by file name; none where no unit has a target."""
    if not landscape_rows(reports):
        return {}
    return {
        "landscape.json": (json.dumps(landscape_rows(reports), indent=1) + "\n").encode(),
        "landscape.csv": landscape_csv(reports).encode(),
        "landscape.svg": landscape_svg(reports, order).encode(),
    }
