"""Interactions to look at: a picture, and a page without a server whose regions can be switched."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from proofsight_server.extraction.drawing import Drawing, Shape, Text, moved
from proofsight_server.extraction.interaction_curves import effect_panel, graph_panel, mask_panel
from proofsight_server.extraction.interaction_panels import (
    FALL,
    ROW,
    image_panel,
    primitive_panel,
    sum_panel,
)
from proofsight_server.extraction.interaction_rows import SOFT, Row, letter, rows_of
from proofsight_server.extraction.interactions import ExplainedImage
from proofsight_server.interactions.facts import UNIT
from proofsight_server.interactions.sharing_null import SharingNull
from proofsight_server.knowledge.atom import quote

_IMAGE = (380.0, 400.0)
_PRIMITIVES = 740.0
_SUM = (545.0, 400.0)
_MASKS = (600.0, 400.0)
_EFFECTS = (545.0, 360.0)
_GRAPH = (600.0, 360.0)
_MASK_AXIS = 44.0
_GAP = 36.0
_LINE = 17.0
_WRAP = 170


def picture(image: ExplainedImage, network: int = 0) -> Drawing:
    """All panels as one drawing; those about one network are of `network`."""
    rows = rows_of(image)
    full = len(image.explanation.networks[0].scores) - 1
    tall = max(_IMAGE[1], 30 + ROW * len(rows))
    second = tall + _GAP
    third = second + _SUM[1] + _GAP
    end = third + _GRAPH[1] + _GAP
    beside = _SUM[0] + 2 * _GAP
    caption = [line for text in caption_of(image) for line in _wrapped(text)]
    shapes: list[Shape] = [
        *moved(image_panel(image, *_IMAGE), 0, 0),
        *moved(primitive_panel(image, rows), _IMAGE[0] + _GAP, 0),
        *moved(sum_panel(image, rows, network, full), 0, second),
        *moved(mask_panel(image, network, *_MASKS), beside, second),
        *moved(effect_panel(image, network, *_EFFECTS), 0, third),
        *moved(graph_panel(image, rows, network, *_GRAPH), beside, third),
        *(Text(0, end + _LINE * place, line, 11, SOFT) for place, line in enumerate(caption)),
    ]
    return Drawing(
        beside + _MASKS[0] + 32,
        end + _LINE * len(caption) + 16,
        moved(shapes, 16, 16),
        title_of(image),
    )


def page(image: ExplainedImage) -> str:
    """A whole HTML page, which a browser opens from the disk and which loads nothing."""
    rows = rows_of(image)
    networks = image.explanation.networks
    full = len(networks[0].scores) - 1
    title = escape(title_of(image))
    data = json.dumps(_facts(image, rows), ensure_ascii=False).replace("</", "<\\/")
    parts = files("proofsight_server.extraction") / "pages"
    style = (parts / "interactions.css").read_text(encoding="utf-8")
    script = (parts / "interactions.js").read_text(encoding="utf-8")
    panels = [
        _panel(_IMAGE[0], _IMAGE[1], image_panel(image, *_IMAGE)),
        _panel(_PRIMITIVES, 30 + ROW * len(rows), primitive_panel(image, rows)),
    ]
    for place in range(len(networks)):
        panels += [
            _panel(_SUM[0], _SUM[1], sum_panel(image, rows, place, full), place),
            _panel(_MASKS[0], _MASKS[1], mask_panel(image, place, *_MASKS), place),
            _panel(_EFFECTS[0], _EFFECTS[1], effect_panel(image, place, *_EFFECTS), place),
            _panel(_GRAPH[0], _GRAPH[1], graph_panel(image, rows, place, *_GRAPH), place),
        ]
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title>\n<style>\n{style}</style>\n<h1>{title}</h1>\n"
        "<p>Click a region, or reach it with Tab and press Space, to mask it or to keep it: the "
        "primitives that then apply light up, and the score is summed up anew from the facts.</p>\n"
        f"{_controls(image)}"
        f'<div class="panels">\n{"".join(panels)}</div>\n'
        '<h2>The proof</h2>\n<p><code id="goal"></code></p>\n<ol class="proof" id="proof"></ol>\n'
        f"<h2>What this is</h2>\n<ul>\n{_listed(caption_of(image))}</ul>\n"
        f'<script type="application/json" id="facts">{data}</script>\n'
        f"<script>\n{script}</script>\n</html>\n"
    )


def title_of(image: ExplainedImage) -> str:
    """What is explained, of which image."""
    return f"{image.explanation.tables.class_name}: interactions in {image.stem}"


def caption_of(image: ExplainedImage) -> list[str]:
    """How it was made, and each figure beside its chance level."""
    explanation = image.explanation
    tables, found = explanation.tables, explanation.found
    several = len(tables.networks) > 1
    names = ", ".join(
        f"{letter(place)} {name}" if several else name for place, name in enumerate(tables.networks)
    )
    dropped = "; ".join(tables.dropped)
    left_out = f" Left out, as equal to the baseline: {dropped}." if dropped else ""
    told = [
        f"Networks: {names}. Class {tables.class_name}; score {tables.score}, positive where "
        f"{tables.score.verdict}.",
        f"{len(tables.regions)} regions ({tables.regions.made}), masked to the baseline "
        f"{tables.baseline}; all {1 << len(tables.regions):,} masks were scored." + left_out,
        f"Objective {found.objective}, α = {found.alpha:g}; noise box ε = {found.box:g} of the "
        f"span; within {found.gap:.2g} of the optimum (certified).",
        *(
            f"{facts.network}: {len(facts.effects)} primitives, on every mask within D = "
            f"{facts.bound / UNIT:.3f} of the network; R² {one.r2:.4f}; mean score by mask size: "
            f"{premise}."
            for facts, one, premise in zip(
                explanation.networks, explanation.sums, explanation.premises, strict=True
            )
        ),
    ]
    if explanation.sharing is not None:
        whole = explanation.sharing.overlap
        shares = ", ".join(
            f"{share:.2f} of {size} (chance {chance:.3f})"
            for share, size, chance in zip(whole.share, whole.sizes, whole.chance, strict=True)
        )
        r2 = ", ".join(f"{one.r2:.3f}" for one in explanation.sharing.refits)
        told.append(
            f"Salient primitives that all networks share: {whole.shared}, which is {shares}; "
            f"intersection over union {whole.iou:.2f} (chance {whole.iou_chance:.3f}); R² of the "
            f"shared ones alone {r2}. Solid bars are shared, hollow ones are not."
        )
    if explanation.null is not None:
        told.append(_null_told(explanation.null))
    return [*told, *(f"Note: {note}." for note in explanation.notes)]


def _null_told(null: SharingNull) -> str:
    shares = ", ".join(f"{share:.2f}" for share in null.share)
    r2 = ", ".join(f"{one:.3f}" for one in null.r2)
    return (
        "The loss pulls any tables together: with the regions of all networks but the first "
        f"renamed, so that they have nothing to share, the same extraction shares {shares}; "
        f"intersection over union {null.iou:.2f}; R² of the shared ones alone {r2} (mean of "
        f"{null.extractions}). Only what is above that is evidence."
    )


def _facts(image: ExplainedImage, rows: Sequence[Row]) -> dict[str, Any]:
    explanation = image.explanation
    tables = explanation.tables
    shared = {one.primitive for one in explanation.shared}
    return {
        "image": image.facts.image,
        "className": tables.class_name,
        "classAtom": quote(tables.class_name),
        "verdict": tables.score.verdict,
        "unit": UNIT,
        "regions": list(tables.regions.names),
        "rows": [[row.primitive.kind, row.primitive.mask] for row in rows],
        "fall": list(FALL),
        "masks": [_MASK_AXIS, _MASKS[0]],
        "networks": [
            {
                "name": facts.network,
                "atom": quote(facts.network),
                "bias": facts.bias,
                "bound": facts.bound,
                "effects": [
                    [one.kind, one.mask, effect, one in shared] for one, effect in facts.effects
                ],
                "scores": facts.scores.tolist(),
            }
            for facts in explanation.networks
        ],
    }


def _controls(image: ExplainedImage) -> str:
    networks = image.explanation.networks
    choice = ""
    if len(networks) > 1:
        options = "".join(
            f'<option value="{place}">{letter(place)} {escape(facts.network)}</option>'
            for place, facts in enumerate(networks)
        )
        choice = f'<label>Network <select id="net">{options}</select></label>'
    return (
        '<div class="bar"><span class="verdict" id="verdict" role="status"></span>'
        '<span class="soft" id="kept"></span>'
        '<button id="all" type="button">keep all</button>'
        '<button id="none" type="button">mask all</button>'
        f'<button id="invert" type="button">invert</button>{choice}</div>\n'
    )


def _panel(width: float, height: float, shapes: Iterator[Shape], network: int | None = None) -> str:
    only = "" if network is None else f' data-only="{network}"'
    drawing = Drawing(width + 8, height + 8, moved(shapes, 2, 2))
    return f"<div{only}>{drawing.svg()}</div>\n"


def _listed(lines: Sequence[str]) -> str:
    return "".join(f"<li>{escape(line)}</li>\n" for line in lines)


def _wrapped(text: str) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + len(word) >= _WRAP:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line]
