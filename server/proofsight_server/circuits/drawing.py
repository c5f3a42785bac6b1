"""A circuit as SVG: channels are pictures, kernels are lines."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from proofsight_server.circuits.colour import signed
from proofsight_server.circuits.graph import Channel, CircuitGraph, KernelEdge
from proofsight_server.circuits.layout import Layout, place
from proofsight_server.circuits.view import View

STYLE = """
svg.circuit { font: 12px system-ui, sans-serif; }
svg.circuit text { fill: #222; paint-order: stroke; stroke: #fff; stroke-width: 3px; }
svg.circuit .soft { fill: #666; font-size: 11px; }
svg.circuit .title { font-size: 17px; font-weight: 600; }
svg.circuit .edge { fill: none; } svg.circuit .wire { stroke: #999; stroke-dasharray: 2 3; }
svg.circuit .frame { fill: #fff; stroke: #777; } svg.circuit .target .frame { stroke: #111; }
svg.circuit .target .frame { stroke-width: 3.5; }
svg.circuit .constant .frame { stroke-dasharray: 4 3; } svg.circuit .bar { fill: #2a7f4f; }
svg.circuit .back { fill: #fff; }
"""
_NOTES = 136.0  # pixels beneath the columns, for legend and provenance
_LEGEND = 5  # strokes of the scale on each side of zero


@dataclass(frozen=True, slots=True)
class Drawing:
    """A circuit's picture: SVG, its layout, and which line is which kernel."""

    svg: str
    layout: Layout
    view: View


def draw(
    graph: CircuitGraph,
    shown: View,
    report: Mapping[str, Any],
    pictures: Mapping[Channel, str],
    shapes: Mapping[str, str],
) -> Drawing:
    """The picture of a circuit.

    Parameters
    ----------
    graph, shown
        The circuit, and what of it is drawn.
    report
        As `FoundCircuit.report` gives it, with `circuit` and `revision`.
    pictures
        A data URI per channel, as far as there are any.
    shapes
        Per node what stands beneath its name: `32 × 8 × 8`.
    """
    layout = place(graph, shown)
    width = max(layout.width, 760.0)
    height = layout.height + _NOTES
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="circuit" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'aria-label="Circuit of {escape(str(report["target"]))}">',
        f"<style>{STYLE}</style>",
        f'<rect class="back" width="{width:.0f}" height="{height:.0f}"/>',
        f'<text class="title" x="16" y="26">Circuit of {escape(str(report["target"]))} in '
        f"{escape(str(report['revision']))}</text>",
        f'<text class="soft" x="16" y="44">{escape(cut_told(graph, shown))}</text>',
        '<g class="edges">',
        *_wires(shown, layout),
        *_kernels(shown, layout),
        "</g>",
        '<g class="nodes">',
        *channels_drawn(graph, shown, layout, pictures, {graph.target}),
        "</g>",
        *headings(graph, layout, shapes),
        *_legend(layout),
        *_provenance(report, layout),
        "</svg>",
    ]
    return Drawing("\n".join(lines), layout, shown)


def key(channel: Channel) -> str:
    """The id of a channel in the picture and its data."""
    return str(channel)


def cut_told(graph: CircuitGraph, shown: View) -> str:
    """How much is drawn, and what is left out."""
    drawn = f"{len(shown.kernels):,} kernels between {len(shown.channels)} channels"
    if shown.whole:
        return f"the whole circuit: {drawn}"
    return (
        f"{drawn}, by rank; not drawn: {shown.cut_kernels:,} kernels and {shown.cut_channels} "
        f"channels, with {1 - shown.share:.1%} of the score of all {len(graph.kernels):,}"
    )


def headings(graph: CircuitGraph, layout: Layout, shapes: Mapping[str, str]) -> Iterator[str]:
    """The name, shape and kernels of each column's nodes, above them."""
    kept = {count.node: f"{count.kept:,} of {count.total:,} kernels" for count in graph.layers}
    tops: dict[str, float] = {}
    for channel, (_, y) in layout.places.items():
        tops[channel.node] = min(tops.get(channel.node, math.inf), y)
    for column, nodes in enumerate(layout.columns):
        x = layout.column_x(column)
        for node in nodes:
            y = tops[node] - layout.side / 2 - 8
            below = [part for part in (shapes.get(node), kept.get(node)) if part]
            for place_of, part in enumerate(reversed(below)):
                yield (
                    f'<text class="soft" x="{x:.1f}" y="{y - 13 * place_of:.1f}" '
                    f'text-anchor="middle">{escape(part)}</text>'
                )
            yield (
                f'<text x="{x:.1f}" y="{y - 13 * len(below):.1f}" text-anchor="middle" '
                f'font-weight="600">{escape(node)}</text>'
            )


def _kernels(shown: View, layout: Layout) -> Iterator[str]:
    strongest = max((kernel.score for kernel in shown.kernels), default=0.0) or 1.0
    largest = scales(shown)
    # The strongest last, so that they lie on top.
    for kernel in reversed(shown.kernels):
        weight = float(kernel.taps.sum(dtype="float64"))
        width = 0.5 + 4.5 * math.sqrt(max(kernel.score, 0.0) / strongest)
        yield (
            f'<path class="edge kernel" data-from="{escape(key(kernel.source))}" '
            f'data-to="{escape(key(kernel.channel))}" data-rank="{kernel.rank}" '
            f'd="{curve(layout, kernel.source, kernel.channel)}" '
            f'stroke="{signed(weight, largest[kernel.channel.node])}" stroke-width="{width:.2f}">'
            f"<title>{escape(_told(kernel))}</title></path>"
        )


def scales(shown: View) -> dict[str, float]:
    """Per layer the largest absolute sum of a drawn kernel's weights."""
    largest: dict[str, float] = {}
    for kernel in shown.kernels:
        node, weight = kernel.channel.node, abs(float(kernel.taps.sum(dtype="float64")))
        largest[node] = max(largest.get(node, 0.0), weight)
    return largest


def _told(kernel: KernelEdge) -> str:
    verb = {"excite": "excites", "inhibit": "inhibits", "neutral": "reads into"}[kernel.sign]
    return (
        f"{kernel.source} {verb} {kernel.channel}: rank {kernel.rank:,}, score {kernel.score:.4g}"
    )


def _wires(shown: View, layout: Layout) -> Iterator[str]:
    for source, channel in shown.wires:
        yield (
            f'<path class="edge wire" data-from="{escape(key(source))}" '
            f'data-to="{escape(key(channel))}" d="{curve(layout, source, channel)}">'
            f"<title>{escape(f'{source} is passed on to {channel}')}</title></path>"
        )


def curve(layout: Layout, source: Channel, channel: Channel) -> str:
    """The path of a line from one channel to another."""
    (x, y), (u, v) = layout.places[source], layout.places[channel]
    half = layout.side / 2
    x, u = x + half, u - half
    bend = (u - x) * 0.45
    return f"M{x:.1f} {y:.1f}C{x + bend:.1f} {y:.1f} {u - bend:.1f} {v:.1f} {u:.1f} {v:.1f}"


def channels_drawn(
    graph: CircuitGraph,
    shown: View,
    layout: Layout,
    pictures: Mapping[Channel, str],
    targets: Collection[Channel],
) -> Iterator[str]:
    """The channels as SVG: framed pictures with their index, which the keyboard reaches."""
    constants = set(graph.constants)
    inward = _sums(graph, lambda kernel: kernel.channel)
    outward = _sums(graph, lambda kernel: kernel.source)
    most = max([*inward.values(), *outward.values()], default=1.0) or 1.0
    side = layout.side
    for channel in shown.channels:
        x, y = layout.places[channel]
        left, top = x - side / 2, y - side / 2
        marks = " target" if channel in targets else ""
        marks += " constant" if channel in constants else ""
        fan = _fan(graph, channel)
        label = f"{channel}: {fan[0]} kernels in, {fan[1]} out" + (
            ", also passes a constant on" if channel in constants else ""
        )
        yield (
            f'<g class="node{marks}" id="n-{escape(key(channel))}" '
            f'data-channel="{escape(key(channel))}" tabindex="0" role="button" '
            f'aria-label="{escape(label)}"><title>{escape(label)}</title>'
        )
        yield (
            f'<rect class="frame" x="{left:.1f}" y="{top:.1f}" width="{side:.1f}" '
            f'height="{side:.1f}" rx="4"/>'
        )
        if channel in pictures:
            yield (
                f'<image href="{pictures[channel]}" x="{left + 2:.1f}" y="{top + 2:.1f}" '
                f'width="{side - 4:.1f}" height="{side - 4:.1f}" '
                'style="image-rendering:pixelated" preserveAspectRatio="xMidYMid meet"/>'
            )
        else:
            yield (
                f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">'
                f"{escape(_mark(channel))}</text>"
            )
        held = max(inward.get(channel, 0.0), outward.get(channel, 0.0))
        long = (side - 4) * math.sqrt(held / most)
        yield (
            f'<rect class="bar" x="{left + 2:.1f}" y="{top + side + 1.5:.1f}" '
            f'width="{long:.1f}" height="2.5"/>'
        )
        if channel in pictures:
            yield (
                f'<text class="soft" x="{left - 5:.1f}" y="{y + 4:.1f}" text-anchor="end">'
                f"{channel.index}</text>"
            )
        yield "</g>"


def _mark(channel: Channel) -> str:
    if channel.node.startswith("add"):
        return f"+{channel.index}"
    return "◎" if channel.node == "target" else str(channel.index)


def _fan(graph: CircuitGraph, channel: Channel) -> tuple[int, int]:
    inward = sum(kernel.channel == channel for kernel in graph.kernels)
    return inward, sum(kernel.source == channel for kernel in graph.kernels)


def _sums(graph: CircuitGraph, end: Any) -> dict[Channel, float]:
    sums: dict[Channel, float] = {}
    for kernel in graph.kernels:
        sums[end(kernel)] = sums.get(end(kernel), 0.0) + kernel.score
    return sums


def _legend(layout: Layout) -> Iterator[str]:
    y = layout.height + 18
    yield f'<text class="soft" x="16" y="{y}">weights of a kernel together, of its layer:</text>'
    for step in range(-_LEGEND, _LEGEND + 1):
        x = 262 + (step + _LEGEND) * 15
        yield (
            f'<rect x="{x}" y="{y - 10}" width="15" height="11" fill="{signed(step, _LEGEND)}"/>'
        )
    yield f'<text class="soft" x="436" y="{y}">inhibits · 0 · excites</text>'
    yield (
        f'<text class="soft" x="16" y="{y + 18}">line width: √score · dotted: passed on unchanged '
        "· green bar: √ of the score of a channel's kernels</text>"
    )
    yield (
        f'<text class="soft" x="16" y="{y + 35}">dashed frame: a constant reaches its readers · '
        "thick frame: the target</text>"
    )


def _provenance(report: Mapping[str, Any], layout: Layout) -> Iterator[str]:
    y = layout.height + 75
    found = report["figures"]["held_out"]
    for place_of, text in enumerate(
        (
            f"{report['kernels']:,} of {report['total_kernels']:,} kernels are on a path; keep "
            f"{report['keep']:g} by {criterion_told(report)} (loss {report['loss']}), effective "
            f"{report['effective_keep']:.4f}; {removal_told(report)}",
            f"on {report['images']['held_out']} held-out images of {report['data']}: r "
            f"{figure(found['r'])}, slope {figure(found['slope'])}, error "
            f"{figure(found['nmae'])}; scored on {report['images']['in_sample']} others",
            f"model {report['model'][:19]}…; pictures: what each channel sees where it is "
            "strongest on the scored images, the first layer its weights",
        )
    ):
        yield f'<text class="soft" x="16" y="{y + 17 * place_of}">{escape(text)}</text>'


def criterion_told(report: Mapping[str, Any]) -> str:
    """The criterion, and of `auto` what it took."""
    chosen = report.get("chosen")
    return f"{report['criterion']} ({chosen})" if chosen else str(report["criterion"])


def removal_told(report: Mapping[str, Any]) -> str:
    """Which kernels are removed, and what they leave."""
    # Reports of before there was a choice say nothing of the selection.
    return f"selection {report.get('selection', 'ranked')}, ablation {report['ablation']}"


def figure(value: float | None) -> str:
    """A figure with three digits."""
    return "undefined" if value is None else f"{value:.3f}"
