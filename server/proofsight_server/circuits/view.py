"""What of a circuit fits into one picture: the strongest kernels, each with a path to hold it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from proofsight_server.circuits.graph import Channel, CircuitGraph, KernelEdge

Edge = tuple[Channel, Channel]


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a person can read at once: most channels, and most kernels and wires.

    Channels that are only passed on do not count: they are marks on the way, and their wires count.
    """

    channels: int = 60
    edges: int = 200


@dataclass(frozen=True, slots=True)
class View:
    """The part of a circuit that is drawn.

    Attributes
    ----------
    channels
        In the order of the circuit's nodes, by index within each.
    kernels, wires
        Those drawn, strongest kernels first.
    cut_channels, cut_kernels
        How many of the circuit's are left out.
    share
        Of the circuit's total score, the part of what is drawn.
    """

    channels: tuple[Channel, ...]
    kernels: tuple[KernelEdge, ...]
    wires: tuple[Edge, ...]
    cut_channels: int
    cut_kernels: int
    share: float

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return not self.cut_channels and not self.cut_kernels


def view(graph: CircuitGraph, budget: Budget | None = None) -> View:
    """The kernels by rank, each with the strongest path that it lies on, while there is room.

    Whatever is drawn is connected from the image to the target.  A kernel whose path does not fit
    is passed over; weaker ones may still fit between channels that are drawn already.
    """
    budget = budget or Budget()
    order = {node: place for place, node in enumerate(graph.nodes)}
    strengths: dict[Edge, float] = {(k.source, k.channel): k.score for k in graph.kernels}
    strengths |= dict.fromkeys(graph.wires, math.inf)
    before = _widest(strengths, order, onward=False)
    after = _widest(strengths, order, onward=True)
    passing = graph.passing
    drawn: set[Edge] = set()
    channels: set[Channel] = set()
    for kernel in sorted(graph.kernels, key=lambda k: k.rank):
        path = {
            (kernel.source, kernel.channel),
            *_path(kernel.source, before, onward=False),
            *_path(kernel.channel, after, onward=True),
        }
        met = channels | {channel for edge in path for channel in edge}
        if len(met - passing) <= budget.channels and len(drawn | path) <= budget.edges:
            channels, drawn = met, drawn | path
    # Of two targets that one dense layer gives, paths lead to the first.
    ends = {there for _, there in strengths} - {source for source, _ in strengths}
    for end in sorted(ends - channels):
        path = set(_path(end, before, onward=False))
        channels |= {channel for edge in path for channel in edge}
        drawn |= path
    kernels = [kernel for kernel in graph.kernels if (kernel.source, kernel.channel) in drawn]
    # A channel that is passed on where both ends are drawn shows that it is, while there is room:
    # without a wire that a path takes, kernels would lead nowhere.
    needed = [wire for wire in graph.wires if wire in drawn]
    spare = [w for w in graph.wires if w not in drawn and channels.issuperset(w)]
    room = max(0, budget.edges - len(kernels) - len(needed))
    every = {channel for edge in strengths for channel in edge}
    total = sum(kernel.score for kernel in graph.kernels)
    return View(
        channels=tuple(sorted(channels, key=lambda c: (order[c.node], c.index))),
        kernels=tuple(sorted(kernels, key=lambda k: k.rank)),
        wires=(*needed, *spare[:room]),
        cut_channels=len(every - channels),
        cut_kernels=len(graph.kernels) - len(kernels),
        share=sum(kernel.score for kernel in kernels) / total if total else 1.0,
    )


def _widest(
    strengths: Mapping[Edge, float], order: Mapping[str, int], *, onward: bool
) -> dict[Channel, Channel]:
    """Per channel the next on the strongest path to the target, or from the image."""
    ends: dict[Channel, list[tuple[Channel, float]]] = {}
    for (source, channel), strength in strengths.items():
        here, there = (source, channel) if onward else (channel, source)
        ends.setdefault(here, []).append((there, strength))
    width: dict[Channel, float] = {}
    chosen: dict[Channel, Channel] = {}
    by_order: Iterable[Channel] = sorted(
        ends, key=lambda c: (order[c.node], c.index), reverse=onward
    )
    for channel in by_order:
        options = [(min(s, width.get(there, math.inf)), there) for there, s in ends[channel]]
        best, there = max(options, key=lambda option: (option[0], _reversed(option[1])))
        width[channel], chosen[channel] = best, there
    return chosen


def _reversed(channel: Channel) -> tuple[int, ...]:
    """Equal strengths are broken by the smaller name and index."""
    return (*(-ord(letter) for letter in channel.node), 1, -channel.index)


def _path(start: Channel, chosen: Mapping[Channel, Channel], *, onward: bool) -> Iterable[Edge]:
    here = start
    while here in chosen:
        there = chosen[here]
        yield (here, there) if onward else (there, here)
        here = there
