"""Panels of interactions: the image, the strongest primitives, and the score as a sum of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from proofsight_server.extraction.drawing import Line, Mark, Picture, Rect, Shape, Text
from proofsight_server.extraction.interaction_rows import (
    FALLS,
    PALE,
    SOFT,
    Row,
    colour,
    letter,
    picture_of,
    thumbnail,
)
from proofsight_server.extraction.interactions import ExplainedImage
from proofsight_server.extraction.region_outline import outlines
from proofsight_server.interactions.facts import UNIT, NetworkFacts
from proofsight_server.interactions.masks import members

ROW = 31.0
_BARS = (260.0, 720.0)  # where the bars of primitives begin and end
FALL = (150.0, 470.0)  # and those of the sum


def heading(text: str) -> Text:
    """The title of a panel."""
    return Text(0, 12, text, 13, bold=True)


def image_panel(image: ExplainedImage, width: float, height: float) -> Iterator[Shape]:
    """The image, with its regions outlined and numbered."""
    yield heading("a  Regions")
    rows, columns = image.pixels.shape[:2]
    scale = min(width / columns, (height - 24) / rows)
    yield Picture(0, 22, columns * scale, rows * scale, picture_of(image.pixels))
    regions = image.explanation.tables.regions
    for region, name in enumerate(regions.names):
        mark = Mark("region", {"region": region}, f"region {region}: {name}")
        inside = regions.pixels(region)
        path = [
            tuple((x * scale, 22 + y * scale) for x, y in corners) for corners in outlines(inside)
        ]
        for points in path:
            yield Line(points, "#ffffff", 3, True, opacity=0.85)
            yield Line(points, "#1d1d22", 1.2, True, mark=mark)
        left, top, right, bottom = regions.box(region)
        x, y = (left + right) / 2 * scale, 22 + (top + bottom) / 2 * scale
        wide = 8.0 + 7 * len(str(region))
        yield Rect(x - wide / 2, y - 9, wide, 18, "#ffffff", "#1d1d22", 0.8, 0.9)
        yield Text(x, y + 4.5, str(region), 12, anchor="middle", bold=True)


def primitive_panel(image: ExplainedImage, rows: Sequence[Row]) -> Iterator[Shape]:
    """Rows of primitives, one bar per network: solid where all share it, else hollow."""
    networks = image.explanation.networks
    several = len(networks) > 1
    yield heading("b  Strongest primitives" + (", one bar per network" if several else ""))
    largest = max((abs(e) for row in rows for e in row.effects.values()), default=1.0)
    left, right = _BARS
    middle, reach = (left + right) / 2, (right - left) / 2 - 44
    yield Line(((middle, 20), (middle, 26 + ROW * len(rows))), SOFT)
    for place, row in enumerate(rows):
        y = 24 + ROW * place
        yield from _primitive(image, row, place, y)
        high = min(13.0, (ROW - 4) / len(networks))
        for network, effect in row.effects.items():
            at = y + (ROW - 2 - high * len(networks)) / 2 + high * network
            long = abs(effect) / largest * reach
            solid = row.everywhere or not several
            mark = Mark("bar", {"row": place, "net": network})
            yield Rect(
                middle if effect >= 0 else middle - long,
                at + 0.5,
                long,
                high - 1.5,
                colour(effect) if solid else "#ffffff",
                colour(effect),
                1.2,
                mark=mark,
            )
            told = f"{letter(network)} {effect:+.2f}" if several else f"{effect:+.3f}"
            yield Text(
                middle + long + 4 if effect >= 0 else middle - long - 4,
                at + high / 2 + 3.2,
                told,
                9.5,
                anchor="start" if effect >= 0 else "end",
                mark=mark,
            )


def _primitive(image: ExplainedImage, row: Row, place: int, y: float) -> Iterator[Shape]:
    """A thumbnail with only its regions, a bar for AND or a fork for OR, and its regions."""
    explanation = image.explanation
    regions = explanation.tables.regions
    shown = regions.kept(np.array([row.primitive.mask]))[0] & (regions.labels >= 0)
    names = "; ".join(regions.names[region] for region in row.primitive.regions)
    mark = Mark("primitive", {"row": place}, f"{row.text}: {names}")
    high, wide = image.pixels.shape[:2]
    side = ROW - 4
    scale = side / max(high, wide)
    yield Picture(0, y, wide * scale, high * scale, thumbnail(image.pixels, shown), mark)
    yield Rect(0, y, wide * scale, high * scale, "", PALE, 0.6)
    x, middle = side + 14, y + side / 2
    if row.primitive.order == 1:
        yield Rect(x - 2.5, middle - 2.5, 5, 5, "#1d1d22", mark=mark)
    elif row.primitive.kind == "and":
        yield Rect(x - 2.5, middle - 10, 5, 20, "#1d1d22", mark=mark)
    else:
        for end in (-9, 0, 9):
            yield Line(((x - 7, middle), (x + 7, middle + end)), thickness=1.6, mark=mark)
    yield Text(x + 16, middle + 4.5, _cut(row.text, 30), 12, mark=mark)
    if not row.everywhere and len(explanation.networks) > 1:
        badges = ", ".join(letter(network) for network in row.effects)
        yield Text(_BARS[0] - 8, middle + 4.5, f"only {badges}", 10, SOFT, "end", mark=mark)


def sum_rows(facts: NetworkFacts, rows: Sequence[Row], mask: int) -> list[tuple[str, float, bool]]:
    """Label, number, and whether it is a total, of each row of the sum for a mask."""
    effects = dict(facts.effects)
    fired = {
        one: effect
        for one, effect in effects.items()
        if (one.mask & mask == one.mask if one.kind == "and" else one.mask & mask)
    }
    told = [(row.text, fired.get(row.primitive, 0) / UNIT, False) for row in rows]
    named = {row.primitive for row in rows}
    others = sum(effect for one, effect in fired.items() if one not in named)
    total = facts.bias + sum(fired.values())
    said = int(facts.scores[mask])
    count = len([one for one in effects if one not in named])
    return [
        ("bias: nothing kept", facts.bias / UNIT, True),
        *told,
        (f"{count} others", others / UNIT, False),
        ("sum", total / UNIT, True),
        ("what it leaves", (said - total) / UNIT, False),
        ("the network's score", said / UNIT, True),
    ]


def sum_panel(
    image: ExplainedImage, rows: Sequence[Row], network: int, mask: int
) -> Iterator[Shape]:
    """From the bias to the score of one network, row by row."""
    facts = image.explanation.networks[network]
    yield heading(f"c  The sum, {facts.network}")
    told = sum_rows(facts, rows, mask)
    spans = falls(told)
    low, high = min(a for a, _ in spans), max(b for _, b in spans)
    low, high = min(low, 0.0), max(high, 0.0)
    left, right = FALL
    scale = (right - left) / max(high - low, 1e-9)
    yield Line(
        ((left - low * scale, 20), (left - low * scale, 26 + 21 * len(told))),
        SOFT,
        mark=Mark("zero", {"net": network}),
    )
    for place, ((label, number, total), (a, b)) in enumerate(zip(told, spans, strict=True)):
        y = 24 + 21 * place
        data: dict[str, str | int] = {"net": network, "fall": place}
        yield Text(left - 10, y + 13, _cut(label, 22), 11, anchor="end", mark=Mark("falls", data))
        fill = "#55555e" if total else colour(number)
        yield Rect(
            left + (a - low) * scale,
            y + 3,
            max((b - a) * scale, 0.6),
            14,
            fill,
            mark=Mark("fall", data),
        )
        yield Text(right + 66, y + 13, f"{number:+.3f}", 11, anchor="end", mark=Mark("told", data))
    bound = facts.bound / UNIT
    yield Text(
        0,
        24 + 21 * len(told) + 16,
        f"On every mask the sum is within ±{bound:.3f} of the score.",
        11,
        FALLS,
    )


def falls(rows: Sequence[tuple[str, float, bool]]) -> list[tuple[float, float]]:
    """Where each row of a sum begins and ends, the lesser first; totals begin at 0."""
    spans, at = [], 0.0
    for _, number, total in rows:
        begin = 0.0 if total else at
        at = number if total else at + number
        spans.append((min(begin, at), max(begin, at)))
    return spans


def numbers(mask: int) -> str:
    """The regions of a mask by number."""
    return ", ".join(map(str, members(mask)))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
