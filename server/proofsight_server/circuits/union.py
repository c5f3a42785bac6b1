"""Two circuits of one network as one graph: what they share, and what each has alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from proofsight_server.circuits.graph import TARGET, Channel, CircuitGraph, KernelEdge, LayerCount
from proofsight_server.circuits.view import Edge

Part = Literal["both", "first", "second"]


@dataclass(frozen=True, slots=True)
class SharedCount:
    """Of a layer how many kernels two circuits share, and how many each has alone."""

    node: str
    both: int
    first: int
    second: int

    @property
    def iou(self) -> float | None:
        """Shared kernels of those that either has; None where there are none."""
        every = self.both + self.first + self.second
        return self.both / every if every else None


@dataclass(frozen=True, slots=True, eq=False)
class Union:
    """Two circuits as one graph.

    Attributes
    ----------
    graph
        All kernels of either. A score is the larger share of the strongest score of its own
        circuit, since criteria have scales of their own; ranks are by that.
    parts
        Per kernel and wire, (source, channel), whose it is.
    targets
        Of the first and of the second; the same where they are of one channel.
    layers
        Of each layer of kernels that either has.
    """

    graph: CircuitGraph
    parts: Mapping[Edge, Part]
    targets: tuple[Channel, Channel]
    layers: tuple[SharedCount, ...]

    @property
    def total(self) -> SharedCount:
        """Of all layers together."""
        return SharedCount(
            "",
            both=sum(one.both for one in self.layers),
            first=sum(one.first for one in self.layers),
            second=sum(one.second for one in self.layers),
        )


def union(first: CircuitGraph, second: CircuitGraph, *, one_target: bool) -> Union:
    """The union of two circuits.

    Parameters
    ----------
    first, second
        Circuits of one network, whose nodes have the same names in both.
    one_target
        Whether the targets are the same; directions and logits have no channel that could tell.
    """
    second = second if one_target else _apart(second)
    kernels = _kernels(first, second)
    edges = [
        {*((k.source, k.channel) for k in graph.kernels), *graph.wires} for graph in (first, second)
    ]
    parts = {edge: _part(edge in edges[0], edge in edges[1]) for edge in edges[0] | edges[1]}
    nodes = _merged(first.nodes, second.nodes)
    order = {node: place for place, node in enumerate(nodes)}
    graph = CircuitGraph(
        nodes=nodes,
        kernels=kernels,
        wires=tuple(dict.fromkeys((*first.wires, *second.wires))),
        constants=(),
        target=first.target,
        layers=_counts(first, second, kernels),
    )
    held: dict[str, dict[Part, int]] = {}
    for kernel in kernels:
        of = held.setdefault(kernel.channel.node, {"both": 0, "first": 0, "second": 0})
        of[parts[kernel.source, kernel.channel]] += 1
    layers = tuple(
        SharedCount(node, **held[node]) for node in sorted(held, key=lambda node: order[node])
    )
    return Union(graph, parts, (first.target, second.target), layers)


def _part(first: bool, second: bool) -> Part:
    if first and second:
        return "both"
    return "first" if first else "second"


def _apart(graph: CircuitGraph) -> CircuitGraph:
    """The same with a target that no other circuit's stands for."""
    if graph.target.node != TARGET:
        return graph
    target = Channel(TARGET, 1)
    wires = ((source, target if to == graph.target else to) for source, to in graph.wires)
    return replace(graph, wires=tuple(wires), target=target)


def _kernels(first: CircuitGraph, second: CircuitGraph) -> tuple[KernelEdge, ...]:
    """The kernels of either by layer, channel, source, with shares as scores."""
    found: dict[Edge, KernelEdge] = {}
    for graph in (first, second):
        strongest = max((kernel.score for kernel in graph.kernels), default=0.0) or 1.0
        for kernel in graph.kernels:
            edge, share = (kernel.source, kernel.channel), kernel.score / strongest
            if edge not in found or found[edge].score < share:
                found[edge] = replace(kernel, score=share)
    ranked = sorted(found, key=lambda edge: (-found[edge].score, edge))
    rank = {edge: place for place, edge in enumerate(ranked, start=1)}
    return tuple(replace(found[edge], rank=rank[edge]) for edge in found)


def _merged(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """Both sequences as one that keeps the order of each."""
    merged, place = list(first), 0
    for node in second:
        if node in merged:
            place = merged.index(node) + 1
        else:
            merged.insert(place, node)
            place += 1
    return tuple(merged)


def _counts(
    first: CircuitGraph, second: CircuitGraph, kernels: Sequence[KernelEdge]
) -> tuple[LayerCount, ...]:
    """How many kernels each layer has; that of two channels as targets has the rows of both."""
    rows_of_both = first.target != second.target and first.target.node == second.target.node
    totals: dict[str, LayerCount] = {}
    for count in (*first.layers, *second.layers):
        known = totals.get(count.node, replace(count, total=0))
        apart = rows_of_both and count.node == first.target.node
        total = known.total + count.total if apart else max(known.total, count.total)
        totals[count.node] = replace(count, total=total)
    kept = Counter(kernel.channel.node for kernel in kernels)
    return tuple(replace(count, kept=kept[node]) for node, count in totals.items())
