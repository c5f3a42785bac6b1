"""The page of two circuits: one file that a browser opens from the disk, needing no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any

from proofsight_server.circuits.legend import criterion_told, figure


def compared_page(
    svg: str, document: Mapping[str, Any], reports: Sequence[Mapping[str, Any]]
) -> str:
    """The page: the picture, switches for what is shown, counts per layer, both circuits' figures.

    Parameters
    ----------
    svg
        As `draw_union` gives it.
    document
        As `compare_circuits` makes it.
    reports
        Of the two circuits.
    """
    title = f"{' and '.join(document['circuits'])} in {document['revision']}"
    return "".join(
        (
            '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width">\n',
            f"<title>{escape(title)}</title>\n<style>\n{_text('circuit_page.css')}</style>\n",
            *_controls(document),
            f"<main>\n<figure>\n{svg}\n</figure>\n<aside>\n",
            *_aside(document, reports),
            "</aside>\n</main>\n",
            f"<script>\n{_text('compared_page.js')}</script>\n</html>\n",
        )
    )


def _text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _controls(document: Mapping[str, Any]) -> Iterator[str]:
    first, second = document["circuits"]
    yield "<header>\n"
    for part, told in (
        ("both", "shared"),
        ("first", f"only {first}"),
        ("second", f"only {second}"),
    ):
        yield (
            f'<label><input type="checkbox" data-shows="{part}" checked>{escape(told)} '
            f"({document['total'][part]:,})</label>\n"
        )
    yield '<button id="print">print</button>\n</header>\n'


def _aside(document: Mapping[str, Any], reports: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield '<h2>Channel</h2>\n<div id="detail" aria-live="polite"></div>\n'
    yield (
        '<h2>Kernels</h2>\n<table><tr><th>layer<th class="n">shared<th class="n">only first'
        '<th class="n">only second<th class="n">IoU\n'
    )
    every = [*document["layers"], {"layer": "all", **document["total"]}]
    for layer in every:
        own = ' class="own"' if layer["layer"] == "all" else ""
        numbers = "".join(f'<td class="n">{layer[part]:,}' for part in ("both", "first", "second"))
        yield (
            f'<tr{own}><td>{escape(layer["layer"])}{numbers}<td class="n">{figure(layer["iou"])}\n'
        )
    yield "</table>\n"
    for word, report in zip(("First", "Second"), reports, strict=True):
        yield f"<h2>{word}</h2>\n<table>\n"
        for name, value in _told(report):
            yield f"<tr><td>{escape(name)}<td>{escape(value)}\n"
        yield "</table>\n"
    yield (
        '<p class="help">Point at a channel, or move there with <kbd>Tab</kbd>, to see its lines '
        "alone; click or <kbd>Enter</kbd> pins, <kbd>Esc</kbd> clears.</p>\n"
    )


def _told(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    found = report["figures"]["held_out"]
    yield "circuit", str(report["circuit"])
    yield "target", str(report["target"])
    yield "criterion", criterion_told(report)
    yield "keep", f"{report['keep']:g}, effective {report['effective_keep']:.4f}"
    yield "held out", f"r {figure(found['r'])}, slope {figure(found['slope'])}"
