"""The page of a circuit: one file that a browser opens from the disk, needing no other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from importlib import resources
from typing import Any

from proofsight_server.circuits.colour import EXCITES, INHIBITS, NOTHING
from proofsight_server.circuits.drawing import Drawing, key
from proofsight_server.circuits.graph import CircuitGraph
from proofsight_server.circuits.legend import criterion_told, figure, loss_told, removal_told


def circuit_page(graph: CircuitGraph, drawing: Drawing, report: Mapping[str, Any]) -> str:
    """The page: the picture, a slider over keep, search, what a channel reads, figures."""
    title = f"Circuit of {report['target']} in {report['revision']}"
    data = json.dumps(_data(graph, drawing, report), separators=(",", ":"), allow_nan=False)
    data = data.replace("<", "\\u003c")  # so that no text of ours ends the element
    return "".join(
        (
            '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width">\n',
            f"<title>{escape(title)}</title>\n<style>\n{_text('circuit_page.css')}</style>\n",
            _controls(),
            f"<main>\n<figure>\n{drawing.svg}\n</figure>\n<aside>\n",
            *_aside(graph, report),
            "</aside>\n</main>\n",
            f'<script type="application/json" id="data">{data}</script>\n',
            f"<script>\n{_text('circuit_page.js')}</script>\n</html>\n",
        )
    )


def _text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _data(graph: CircuitGraph, drawing: Drawing, report: Mapping[str, Any]) -> dict[str, Any]:
    largest: dict[str, float] = {}
    for kernel in drawing.view.kernels:
        node = kernel.channel.node
        largest[node] = max(largest.get(node, 0.0), float(abs(kernel.taps).max()))
    return {
        "name": report["circuit"],
        "target": key(graph.target),
        "total": report["total_kernels"],
        "constants": [key(channel) for channel in graph.constants],
        "largest": largest,
        "colours": {"excites": EXCITES, "inhibits": INHIBITS, "nothing": NOTHING},
        "places": {
            key(channel): [round(x, 1), round(y, 1)]
            for channel, (x, y) in drawing.layout.places.items()
        },
        "kernels": [
            {
                "source": key(kernel.source),
                "channel": key(kernel.channel),
                "rank": kernel.rank,
                "score": kernel.score,
                "taps": [
                    [float(f"{weight:.3g}") for weight in row] for row in kernel.taps.tolist()
                ],
            }
            for kernel in drawing.view.kernels
        ],
    }


def _controls() -> str:
    return (
        "<header>\n"
        '<label>keep <input type="range" id="keep" min="1" value="1"></label>'
        '<output id="told" for="keep"></output>\n'
        '<label>find <input type="search" id="search" placeholder="conv2:5"></label>\n'
        '<button id="svg">save SVG</button><button id="png">save PNG</button>'
        '<button id="print">print</button>\n'
        "</header>\n"
    )


def _aside(graph: CircuitGraph, report: Mapping[str, Any]) -> Iterator[str]:
    yield '<h2>Channel</h2>\n<div id="detail" aria-live="polite"></div>\n'
    yield "<h2>Faithfulness by keep</h2>\n"
    yield '<table><tr><th class="n">keep<th class="n">effective<th class="n">r<th class="n">slope\n'
    for level in report["curve"]:
        found = level["held_out"]
        own = ' class="own"' if level["keep"] == report["keep"] else ""
        told = (
            '<td class="n" colspan="2">collapse'
            if found["collapse"]
            else f'<td class="n">{figure(found["r"])}<td class="n">{figure(found["slope"])}'
        )
        yield (
            f'<tr{own}><td class="n">{level["keep"]:g}<td class="n">'
            f"{level['effective_keep']:.4f}{told}\n"
        )
    yield "</table>\n<h2>Layers</h2>\n<table><tr><th>layer<th class=n>kept<th class=n>of\n"
    for layer in report["layers"]:
        yield (
            f'<tr title="{escape(layer["module"])}"><td>{escape(layer["layer"])}'
            f'<td class="n">{layer["kept"]:,}<td class="n">{layer["kernels"]:,}\n'
        )
    yield "</table>\n<h2>Where it comes from</h2>\n<table>\n"
    for name, value in _provenance(report):
        yield f"<tr><td>{escape(name)}<td>{escape(value)}\n"
    yield (
        '</table>\n<p class="help">Point at a channel to see what it is made from and what is made '
        "from it; click to pin. Keyboard: <kbd>Tab</kbd> and arrows move, <kbd>Enter</kbd> pins, "
        "<kbd>Esc</kbd> clears, <kbd>/</kbd> finds, <kbd>[</kbd> <kbd>]</kbd> keep fewer or more. "
        "Moving the slider keeps the strongest kernels that are drawn, and of them those on a "
        "path.</p>\n"
    )


def _provenance(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "circuit", str(report["circuit"])
    yield "model", f"{report['model'][:23]}…"
    yield "data", f"{report['data']}, seed {report['seed']}"
    images = report["images"]
    yield "images", f"{images['in_sample']} scored, {images['held_out']} held out"
    yield "criterion", f"{criterion_told(report)}, reduce {report['reduce']}"
    yield "loss", loss_told(report)
    yield "removal", removal_told(report)
