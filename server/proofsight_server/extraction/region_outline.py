"""Outlines of regions: closed lines along the edges of their pixels."""

from __future__ import annotations

import numpy as np

from proofsight_server.symbols.feature import Bools

Corner = tuple[int, int]


def outlines(inside: Bools) -> list[list[Corner]]:
    """Closed lines (x, y) around the pixels of a region, holes included, corners only.

    Parameters
    ----------
    inside
        (height, width), the pixels of the region.
    """
    edges = _edges(inside)
    found = []
    while edges:
        start = next(iter(edges))
        line, at = [start], _step(edges, start, None)
        before = start
        while at != start:
            line.append(at)
            at, before = _step(edges, at, before), at
        found.append(_corners(line))
    return found


def _edges(inside: Bools) -> dict[Corner, list[Corner]]:
    """Edges of pixels on the boundary, with the region on their right."""
    padded = np.pad(inside, 1)
    edges: dict[Corner, list[Corner]] = {}
    for rows, columns, begin, end in (
        (slice(0, -2), slice(1, -1), (0, 0), (1, 0)),  # nothing above
        (slice(2, None), slice(1, -1), (1, 1), (0, 1)),  # nothing below
        (slice(1, -1), slice(0, -2), (0, 1), (0, 0)),  # nothing to the left
        (slice(1, -1), slice(2, None), (1, 0), (1, 1)),  # nothing to the right
    ):
        for y, x in np.argwhere(inside & ~padded[rows, columns]).tolist():
            edges.setdefault((x + begin[0], y + begin[1]), []).append((x + end[0], y + end[1]))
    return edges


def _step(edges: dict[Corner, list[Corner]], at: Corner, before: Corner | None) -> Corner:
    """Where the boundary goes on; where two pixels touch at a corner, around the same pixel."""
    ways = edges[at]
    place = 0
    if before is not None and len(ways) > 1:
        right = (at[0] - (at[1] - before[1]), at[1] + (at[0] - before[0]))
        place = ways.index(right) if right in ways else 0
    following = ways.pop(place)
    if not ways:
        del edges[at]
    return following


def _corners(line: list[Corner]) -> list[Corner]:
    """The points at which a closed line turns."""
    kept = []
    for place, (x, y) in enumerate(line):
        (a, b), (c, d) = line[place - 1], line[(place + 1) % len(line)]
        if (x - a) * (d - y) != (c - x) * (y - b):
            kept.append((x, y))
    return kept
