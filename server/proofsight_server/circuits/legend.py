"""What stands beneath a circuit's picture: how to read it, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from proofsight_server.circuits.colour import signed
from proofsight_server.circuits.target import Loss

HEIGHT = 186.0  # pixels
_STROKES = 5  # of the scale, on each side of zero
_MEANINGS = {
    "abs_sum": "the sum of absolute values over the map",
    "sum": "the sum over the map",
    "mean": "the mean over the map",
    "max": "the maximum of the map",
    "argmax": "the value where the whole network's map has its maximum",
}


def legend(y: float) -> Iterator[str]:
    """What colours, widths and frames mean, as SVG, from `y` on."""
    yield f'<text class="soft" x="16" y="{y}">weights of a kernel together, of its layer:</text>'
    for step in range(-_STROKES, _STROKES + 1):
        x = 262 + (step + _STROKES) * 15
        yield (
            f'<rect x="{x}" y="{y - 10}" width="15" height="11" fill="{signed(step, _STROKES)}"/>'
        )
    yield f'<text class="soft" x="436" y="{y}">inhibits · 0 · excites</text>'
    yield from _lines(
        y + 18,
        "line width: √score · dotted: passed on unchanged · round: of a sum, a concatenation or a "
        "whole dense layer",
        "green bar: √ of the score of a channel's kernels · dashed frame: a constant reaches its "
        "readers",
        "thick frame: the target · pictures: what a channel sees where it is strongest; first "
        "layer: weights",
    )


def provenance(report: Mapping[str, Any], y: float) -> Iterator[str]:
    """Figures and settings of a circuit, as SVG, from `y` on."""
    found = report["figures"]["held_out"]
    yield from _lines(
        y,
        f"{report['kernels']:,} of {report['total_kernels']:,} kernels are on a path: effective "
        f"keep {report['effective_keep']:.4f}",
        f"keep {report['keep']:g} by {criterion_told(report)} · loss: {loss_told(report)}",
        f"{removal_told(report)} · model {report['model'][:19]}…",
        f"{report['images']['held_out']} held-out images: r {figure(found['r'])}, slope "
        f"{figure(found['slope'])}, error {figure(found['nmae'])} · scored on "
        f"{report['images']['in_sample']} others",
        f"data {report['data']}",
    )


def _lines(y: float, *lines: str) -> Iterator[str]:
    for place, text in enumerate(lines):
        yield f'<text class="soft" x="16" y="{y + 17 * place:.0f}">{escape(text)}</text>'


def criterion_told(report: Mapping[str, Any]) -> str:
    """The criterion, and of `auto` what it took."""
    chosen = report.get("chosen")
    return f"{report['criterion']} ({chosen})" if chosen else str(report["criterion"])


def loss_told(report: Mapping[str, Any]) -> str:
    """The number that was differentiated, also for who has not read of losses."""
    # The report and not its loss says so: those of before call a logit's `abs_sum`.
    if str(report["target"]).startswith("class:"):
        return "the logit itself"
    loss = Loss.parse(report["loss"])
    if loss.kind != "position":
        meaning = _MEANINGS[loss.kind]
    elif loss.at is None:
        meaning = "the value at the map's centre"
    else:
        meaning = "the value at that row and column"
    return f"{loss}, {meaning}"


def removal_told(report: Mapping[str, Any]) -> str:
    """Which kernels are removed, and what they leave."""
    # Reports of before there was a choice say nothing of the selection.
    return f"selection {report.get('selection', 'ranked')}, ablation {report['ablation']}"


def figure(value: float | None) -> str:
    """A figure with three digits."""
    return "undefined" if value is None else f"{value:.3f}"
