"""Where the channels of a circuit's picture stand: columns in the order of the dataflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from proofsight_server.circuits.graph import Channel, CircuitGraph
from proofsight_server.circuits.view import View

SWEEPS = 12
_TALLEST = 900.0  # pixels that a column may take before its channels move together
_APART = (30.0, 78.0)  # least and most between two channels of a column
_COLUMN = (170.0, 260.0)  # least and most between two columns
_WIDE = 760.0  # pixels that few columns may take
_MARK = 20.0  # across a channel that is only passed on
_MARK_APART = 26.0  # between two of them
_LANE = 34.0  # between two branches of a column
_MARGIN = (70.0, 96.0)  # left, top


@dataclass(frozen=True, slots=True)
class Layout:
    """Centres of channels and columns of nodes, `step` pixels apart.

    `side` is a picture's; `marks` are the channels that are only passed on, and take less room.
    """

    places: Mapping[Channel, tuple[float, float]]
    marks: frozenset[Channel]
    columns: tuple[tuple[str, ...], ...]
    side: float
    step: float
    width: float
    height: float

    def column_x(self, column: int) -> float:
        """The centre of a column."""
        return _MARGIN[0] + column * self.step

    def half(self, channel: Channel) -> float:
        """From the centre of a channel to its edge."""
        return _MARK / 2 if channel in self.marks else self.side / 2


def place(graph: CircuitGraph, shown: View) -> Layout:
    """Columns by distance from the image; branches of a column are lanes, one above the other.

    Within its lane a channel stands at the barycentre of what it is joined to, as far as there
    is room, so that few edges cross.
    """
    columns = _columns(graph, shown)
    order = _ordered(columns, shown)
    marks = graph.passing & set(shown.channels)
    counts = [
        sum(channel not in marks for node in nodes for channel in order[node]) for nodes in columns
    ]
    apart = min(max(_TALLEST / max(*counts, 1), _APART[0]), _APART[1])
    step = min(max(_WIDE / max(len(columns) - 1, 1), _COLUMN[0]), _COLUMN[1])

    def room(channel: Channel) -> float:
        return _MARK_APART if channel in marks else apart

    heights = [
        sum(room(channel) for node in nodes for channel in order[node]) + _LANE * (len(nodes) - 1)
        for nodes in columns
    ]
    tallest = max(heights, default=0.0)
    places: dict[Channel, tuple[float, float]] = {}
    for column, nodes in enumerate(columns):
        y = _MARGIN[1] + (tallest - heights[column]) / 2
        for node in nodes:
            for channel in order[node]:
                places[channel] = (_MARGIN[0] + column * step, y + room(channel) / 2)
                y += room(channel)
            y += _LANE
    return Layout(
        places=places,
        marks=marks,
        columns=columns,
        side=min(apart * 0.8, 48.0),
        step=step,
        width=2 * _MARGIN[0] + max(len(columns) - 1, 0) * step,
        height=_MARGIN[1] + tallest + 30.0,
    )


def _columns(graph: CircuitGraph, shown: View) -> tuple[tuple[str, ...], ...]:
    """Nodes by the longest way from the image, each after all that it reads."""
    drawn = {channel.node for channel in shown.channels}
    depth = dict.fromkeys(graph.nodes, 0)
    edges = [(k.source.node, k.channel.node) for k in shown.kernels]
    edges += [(source.node, channel.node) for source, channel in shown.wires]
    readers: dict[str, set[str]] = {}
    for source, reader in edges:
        readers.setdefault(source, set()).add(reader)
    for node in graph.nodes:
        for reader in readers.get(node, ()):
            depth[reader] = max(depth[reader], depth[node] + 1)
    by_depth: dict[int, list[str]] = {}
    for node in graph.nodes:
        if node in drawn:
            by_depth.setdefault(depth[node], []).append(node)
    return tuple(tuple(by_depth[key]) for key in sorted(by_depth))


def _ordered(columns: Sequence[Sequence[str]], shown: View) -> dict[str, list[Channel]]:
    """The channels of each node from top to bottom."""
    order: dict[str, list[Channel]] = {node: [] for nodes in columns for node in nodes}
    for channel in shown.channels:
        order[channel.node].append(channel)
    near: dict[Channel, list[tuple[Channel, float]]] = {}
    strongest = max((kernel.score for kernel in shown.kernels), default=1.0) or 1.0
    for kernel in shown.kernels:
        weight = 0.05 + kernel.score / strongest
        near.setdefault(kernel.channel, []).append((kernel.source, weight))
        near.setdefault(kernel.source, []).append((kernel.channel, weight))
    for source, channel in shown.wires:
        near.setdefault(channel, []).append((source, 1.0))
        near.setdefault(source, []).append((channel, 1.0))
    for sweep in range(SWEEPS):
        heights = _heights(columns, order)
        for nodes in columns if sweep % 2 == 0 else reversed(columns):
            for node in nodes:
                order[node].sort(key=lambda channel: _barycentre(channel, near, heights))
                heights |= _heights([nodes], order)
    return order


def _heights(
    columns: Sequence[Sequence[str]], order: Mapping[str, Sequence[Channel]]
) -> dict[Channel, float]:
    """Where each channel stands in its column, 0 to 1."""
    found = {}
    for nodes in columns:
        all_of = [channel for node in nodes for channel in order[node]]
        for place, channel in enumerate(all_of):
            found[channel] = (place + 0.5) / len(all_of)
    return found


def _barycentre(
    channel: Channel,
    near: Mapping[Channel, Sequence[tuple[Channel, float]]],
    heights: Mapping[Channel, float],
) -> float:
    joined = near.get(channel, ())
    if not joined:
        return heights[channel]
    return fmean([heights[one] for one, _ in joined], [weight for _, weight in joined])
