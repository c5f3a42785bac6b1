"""A circuit as SVG: channels are pictures, kernels are lines."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from proofsight_server.circuits.colour import signed
from proofsight_server.circuits.graph import TARGET, Channel, CircuitGraph, KernelEdge
from proofsight_server.circuits.layout import Layout, place
from proofsight_server.circuits.legend import HEIGHT, legend, provenance
from proofsight_server.circuits.preservation_curve import WIDTH, preservation_curve
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
svg.circuit .mark .frame { fill: #f3f4f6; } svg.circuit .mark text { font-size: 10px; }
svg.circuit .back { fill: #fff; } svg.circuit .curve { font-size: 11px; }
"""
_LEAST = 900.0  # pixels across, with the curve beside the legend


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
    width = max(layout.width, _LEAST)
    height = layout.height + HEIGHT
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
        *legend(layout.height + 18),
        *provenance(report, layout.height + 92),
        preservation_curve(report["curve"], report["keep"], _LEAST - WIDTH - 10, layout.height + 4),
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
        tops[channel.node] = min(tops.get(channel.node, math.inf), y - layout.half(channel))
    for column, nodes in enumerate(layout.columns):
        x = layout.column_x(column)
        for node in nodes:
            y = tops[node] - 8
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
    x, u = x + layout.half(source), u - layout.half(channel)
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
    # From left to right and from top to bottom, as the Tab key then goes.
    for channel in sorted(shown.channels, key=layout.places.__getitem__):
        passes = channel in layout.marks
        classes = " target" if channel in targets else ""
        classes += " constant" if channel in constants else ""
        classes += " mark" if passes else ""
        fan = _fan(graph, channel)
        label = (
            f"{channel}: "
            + ("passed on" if passes else f"kernels in: {fan[0]}, out: {fan[1]}")
            + (", also passes a constant on" if channel in constants else "")
        )
        yield (
            f'<g class="node{classes}" id="n-{escape(key(channel))}" '
            f'data-channel="{escape(key(channel))}" tabindex="0" role="button" '
            f'aria-label="{escape(label)}"><title>{escape(label)}</title>'
        )
        if passes:
            yield from _round(channel, layout)
        else:
            held = max(inward.get(channel, 0.0), outward.get(channel, 0.0))
            yield from _square(channel, layout, pictures.get(channel), math.sqrt(held / most))
        yield "</g>"


def _round(channel: Channel, layout: Layout) -> Iterator[str]:
    x, y = layout.places[channel]
    yield f'<circle class="frame" cx="{x:.1f}" cy="{y:.1f}" r="{layout.half(channel):.1f}"/>'
    yield f'<text x="{x:.1f}" y="{y + 3.5:.1f}" text-anchor="middle">{channel.index}</text>'


def _square(channel: Channel, layout: Layout, picture: str | None, share: float) -> Iterator[str]:
    """A channel's picture with its number beside it, or the number alone; `share` is its bar's."""
    (x, y), side = layout.places[channel], layout.side
    left, top = x - side / 2, y - side / 2
    yield (
        f'<rect class="frame" x="{left:.1f}" y="{top:.1f}" width="{side:.1f}" '
        f'height="{side:.1f}" rx="4"/>'
    )
    if picture is None:
        told = "◎" if channel.node == TARGET else str(channel.index)
        yield f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">{told}</text>'
    else:
        yield (
            f'<image href="{picture}" x="{left + 2:.1f}" y="{top + 2:.1f}" '
            f'width="{side - 4:.1f}" height="{side - 4:.1f}" '
            'style="image-rendering:pixelated" preserveAspectRatio="xMidYMid meet"/>'
            f'<text class="soft" x="{left - 5:.1f}" y="{y + 4:.1f}" text-anchor="end">'
            f"{channel.index}</text>"
        )
    yield (
        f'<rect class="bar" x="{left + 2:.1f}" y="{top + side + 1.5:.1f}" '
        f'width="{(side - 4) * share:.1f}" height="2.5"/>'
    )


def _fan(graph: CircuitGraph, channel: Channel) -> tuple[int, int]:
    inward = sum(kernel.channel == channel for kernel in graph.kernels)
    return inward, sum(kernel.source == channel for kernel in graph.kernels)


def _sums(graph: CircuitGraph, end: Any) -> dict[Channel, float]:
    sums: dict[Channel, float] = {}
    for kernel in graph.kernels:
        sums[end(kernel)] = sums.get(end(kernel), 0.0) + kernel.score
    return sums
