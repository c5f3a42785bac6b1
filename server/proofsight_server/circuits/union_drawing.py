"""Two circuits in one picture: a line's colour and dashes say whose kernel it is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from html import escape

from proofsight_server.circuits.drawing import (
    STYLE,
    channels_drawn,
    curve,
    cut_told,
    headings,
    key,
)
from proofsight_server.circuits.graph import Channel
from proofsight_server.circuits.layout import Layout, place
from proofsight_server.circuits.union import Part, Union
from proofsight_server.circuits.view import View

# Colours that the colour-blind tell apart; dashes too, for print without colour.
LINES: Mapping[Part, tuple[str, str]] = {
    "both": ("#555555", ""),
    "first": ("#0072b2", "7 3"),
    "second": ("#d55e00", "2 3"),
}
_NOTES = 40.0  # pixels beneath the columns, for the legend


def draw_union(
    found: Union,
    shown: View,
    names: tuple[str, str],
    pictures: Mapping[Channel, str],
    shapes: Mapping[str, str],
) -> str:
    """The picture of two circuits, as SVG.

    `names` are what the legend calls them; `pictures` and `shapes` as in `draw`.
    """
    layout = place(found.graph, shown)
    width, height = max(layout.width, 760.0), layout.height + _NOTES
    title = f"{names[0]} and {names[1]}"
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="circuit" width="{width:.0f}" '
            f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
            f'aria-label="{escape(title)}">',
            f"<style>{STYLE}</style>",
            f'<rect class="back" width="{width:.0f}" height="{height:.0f}"/>',
            f'<text class="title" x="16" y="26">{escape(title)}</text>',
            f'<text class="soft" x="16" y="44">{escape(cut_told(found.graph, shown))}</text>',
            '<g class="edges">',
            *_lines(found, shown, layout),
            '</g>\n<g class="nodes">',
            *channels_drawn(found.graph, shown, layout, pictures, found.targets),
            "</g>",
            *headings(found.graph, layout, shapes),
            *_legend(found, names, layout),
            "</svg>",
        )
    )


def _lines(found: Union, shown: View, layout: Layout) -> Iterator[str]:
    for kernel in reversed(shown.kernels):
        edge = kernel.source, kernel.channel
        width = 0.6 + 3.4 * math.sqrt(max(kernel.score, 0.0))
        told = f"{kernel.source} into {kernel.channel}: {kernel.score:.3g} of the strongest"
        yield _line(layout, edge, found.parts[edge], width, told)
    for edge in shown.wires:
        told = f"{edge[0]} is passed on to {edge[1]}"
        yield _line(layout, edge, found.parts[edge], 0.8, told)


def _line(
    layout: Layout, edge: tuple[Channel, Channel], part: Part, width: float, told: str
) -> str:
    colour, dashes = LINES[part]
    return (
        f'<path class="edge" data-part="{part}" data-from="{escape(key(edge[0]))}" '
        f'data-to="{escape(key(edge[1]))}" d="{curve(layout, *edge)}" stroke="{colour}" '
        f'stroke-width="{width:.2f}" stroke-dasharray="{dashes}">'
        f"<title>{escape(told)}</title></path>"
    )


def _legend(found: Union, names: tuple[str, str], layout: Layout) -> Iterator[str]:
    x, y, total = 16.0, layout.height + 18, found.total
    told_of: tuple[tuple[Part, str], ...] = (
        ("both", f"shared: {total.both:,}"),
        ("first", f"only {names[0]}: {total.first:,}"),
        ("second", f"only {names[1]}: {total.second:,}"),
    )
    for part, told in told_of:
        colour, dashes = LINES[part]
        yield (
            f'<path d="M{x:.0f} {y - 4:.0f}h34" stroke="{colour}" stroke-width="2.5" '
            f'stroke-dasharray="{dashes}"/>'
            f'<text class="soft" x="{x + 40:.0f}" y="{y:.0f}">{escape(told)}</text>'
        )
        x += 70 + 6.6 * len(told)
