"""Panels of interactions: all masks, all effects, and the graph from regions to the class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from proofsight_server.extraction.drawing import INK, Line, Mark, Rect, Shape, Text
from proofsight_server.extraction.interaction_panels import heading
from proofsight_server.extraction.interaction_rows import (
    PALE,
    RISES,
    SOFT,
    Row,
    colour,
    letter,
)
from proofsight_server.extraction.interactions import ExplainedImage
from proofsight_server.interactions.facts import UNIT
from proofsight_server.interactions.masks import Doubles
from proofsight_server.interactions.primitive import effects_of, ranking

_SAMPLES = 400
_DECADES = 4
_SHARED = "#2c7fb8"


def mask_panel(image: ExplainedImage, network: int, width: float, height: float) -> Iterator[Shape]:
    """Scores of all masks, sorted; what is summed up stays within the band around them."""
    facts = image.explanation.networks[network]
    yield heading(f"d  All {len(facts.scores):,} masks by score, {facts.network}")
    order = np.argsort(facts.scores, kind="stable")
    places = np.unique(np.linspace(0, len(order) - 1, min(_SAMPLES, len(order))).round())
    chosen = order[places.astype(np.int64)]
    said, bound = facts.scores[chosen] / UNIT, facts.bound / UNIT
    summed = facts.sums()[chosen] / UNIT
    common = frozenset(
        one.primitive
        for one in image.explanation.shared
        if len(one.networks) == len(image.explanation.networks)
    )
    curves = [said - bound, said + bound, summed]
    alone = facts.sums(common)[chosen] / UNIT if common else None
    if alone is not None:
        curves.append(alone)
    low, high = min(c.min() for c in curves), max(c.max() for c in curves)
    left, top, bottom = 44.0, 24.0, height - 40
    x = left + places / max(len(order) - 1, 1) * (width - left)
    scale = (bottom - top) / max(high - low, 1e-9)

    def points(values: Doubles) -> tuple[tuple[float, float], ...]:
        return tuple(zip(x.tolist(), (bottom - (values - low) * scale).tolist(), strict=True))

    band = points(said + bound) + points(said - bound)[::-1]
    yield Line(band, "", closed=True, fill=PALE, opacity=0.7)
    for value in _ticks(float(low), float(high)):
        y = bottom - (value - low) * scale
        yield Line(((left, y), (width, y)), PALE if value else SOFT, 0.7)
        yield Text(left - 6, y + 3.5, f"{value:g}", 10, SOFT, "end")
    if alone is not None:
        yield Line(points(alone), _SHARED, 0.9, opacity=0.75)
    for px, py in points(summed):
        yield Rect(px - 1.1, py - 1.1, 2.2, 2.2, RISES)
    yield Line(points(said), INK, 1.8)
    rank = int(np.flatnonzero(order == len(order) - 1)[0])
    here = left + rank / max(len(order) - 1, 1) * (width - left)
    yield Line(
        ((here, top), (here, bottom)), SOFT, dashed=True, mark=Mark("here", {"net": network})
    )
    yield from _key(
        left,
        height - 16,
        [
            ("the network", INK),
            (f"sum of {len(facts.effects)} primitives", RISES),
            (f"within ±{bound:.3f}", SOFT),
            *([("shared primitives alone", _SHARED)] if alone is not None else []),
        ],
    )


def effect_panel(
    image: ExplainedImage, network: int, width: float, height: float
) -> Iterator[Shape]:
    """Sizes of all effects on a logarithmic axis, and the line above which they are salient."""
    explanation = image.explanation
    effects = effects_of(explanation.found)[network]
    sizes = np.abs(effects[ranking(effects)])
    share = explanation.solving.salient
    largest = float(sizes[0]) if len(sizes) and sizes[0] else 1.0
    above = int((sizes > share * largest).sum())
    yield heading(f"e  All effects by size, {explanation.networks[network].network}")
    left, top, bottom = 44.0, 24.0, height - 26
    shown = sizes[: max(4 * above, 60)]

    def y(value: float) -> float:
        decades = np.log10(largest / max(value, largest * 10**-_DECADES))
        return float(top + decades / _DECADES * (bottom - top))

    for decade in range(_DECADES + 1):
        value = largest * 10**-decade
        yield Line(((left, y(value)), (width, y(value))), PALE, 0.7)
        yield Text(left - 6, y(value) + 3.5, f"{value:.2g}", 10, SOFT, "end")
    step = (width - left - 8) / max(len(shown), 1)
    for place, size in enumerate(shown.tolist()):
        mark = RISES if place < above else SOFT
        yield Rect(left + 6 + place * step, y(size) - 1.3, 2.6, 2.6, mark)
    line = y(share * largest)
    yield Line(((left, line), (width, line)), INK, 1, dashed=True)
    yield Text(width, line - 5, f"{share:.0%} of the largest: {above} above", 10.5, anchor="end")
    yield Text(
        left, height - 8, f"the {len(shown)} largest of {len(sizes):,}, in order", 10.5, SOFT
    )


def graph_panel(
    image: ExplainedImage, rows: Sequence[Row], network: int, width: float, height: float
) -> Iterator[Shape]:
    """Regions to ANDs and ORs to the sum to the class; widths are sizes of effects."""
    explanation = image.explanation
    facts = explanation.networks[network]
    yield heading(f"f  And-Or graph of the strongest primitives, {facts.network}")
    mine = [(place, row) for place, row in enumerate(rows) if network in row.effects]
    count = len(explanation.tables.regions)
    region_y = [40 + (height - 60) * (i + 0.5) / count for i in range(count)]
    largest = max((abs(row.effects[network]) for _, row in mine), default=1.0)
    sum_x, sum_y = width - 130, height / 2 + 10
    for at, (place, row) in enumerate(mine):
        y = 40 + (height - 60) * (at + 0.5) / max(len(mine), 1)
        effect = row.effects[network]
        mark = Mark("edge", {"row": place})
        for region in row.primitive.regions:
            yield Line(
                ((28, region_y[region]), (width * 0.42, y)), SOFT, 0.7, opacity=0.8, mark=mark
            )
        thick = 0.8 + 6 * abs(effect) / largest
        yield Line(
            ((width * 0.42 + 36, y), (sum_x, sum_y)), colour(effect), thick, opacity=0.85, mark=mark
        )
        yield Rect(width * 0.42, y - 8, 36, 16, "#ffffff", INK, 1, mark=mark)
        word = "" if row.primitive.order == 1 else row.primitive.kind.upper()
        yield Text(width * 0.42 + 18, y + 4, word or "=", 10, anchor="middle", bold=True, mark=mark)
    for region, y in enumerate(region_y):
        yield Rect(6, y - 8, 22, 16, "#ffffff", INK, 1, mark=Mark("leaf", {"region": region}))
        yield Text(17, y + 4, str(region), 10.5, anchor="middle", bold=True)
    yield Rect(sum_x - 14, sum_y - 14, 28, 28, "#ffffff", INK, 1.4)
    yield Text(sum_x, sum_y + 4, "sum", 11, anchor="middle", bold=True)
    yield Line(((sum_x + 14, sum_y), (sum_x + 34, sum_y)), INK, 1.4)
    yield Text(sum_x + 38, sum_y + 4, explanation.tables.class_name[:14], 12, bold=True)
    badge = letter(network) if len(explanation.networks) > 1 else ""
    yield Text(sum_x + 38, sum_y + 20, badge, 11, SOFT)


def _key(x: float, y: float, entries: Sequence[tuple[str, str]]) -> Iterator[Shape]:
    for label, shade in entries:
        yield Rect(x, y - 8, 9, 9, shade)
        yield Text(x + 13, y, label, 10.5)
        x += 27 + 6.0 * len(label)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between two, 0 among them where it is."""
    if high <= low:
        return [low]
    step = 10.0 ** np.floor(np.log10((high - low) / 3))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 6)
    first = int(np.ceil(low / step))
    return [round(place * step, 10) for place in range(first, int(high // step) + 1)]
