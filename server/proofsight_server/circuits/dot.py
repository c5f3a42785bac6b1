"""A circuit for Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from proofsight_server.circuits.graph import Channel, CircuitGraph

# Colours that colour-blind people tell apart: blue excites, orange inhibits.
COLOURS = {"excite": "#2166ac", "inhibit": "#b35806", "neutral": "#888888"}


def dot(name: str, graph: CircuitGraph) -> str:
    """The whole circuit, a column of channels per node, as text in the language of Graphviz."""
    return "\n".join(_lines(name, graph)) + "\n"


def _lines(name: str, graph: CircuitGraph) -> Iterator[str]:
    yield f"digraph {_quoted(name)} {{"
    yield '  rankdir=LR; ranksep=1.5; node [shape=circle, fontname="sans-serif", fontsize=9];'
    ends = [(kernel.source, kernel.channel) for kernel in graph.kernels]
    channels = sorted({channel for pair in (*ends, *graph.wires) for channel in pair})
    constants = set(graph.constants)
    for node in graph.nodes:
        members = [channel for channel in channels if channel.node == node]
        if members:
            yield f"  subgraph {_quoted(f'cluster_{node}')} {{"
            yield f"    label={_quoted(node)}; color=none;"
            for channel in members:
                marks = ", penwidth=3" if channel == graph.target else ""
                marks += ", style=dashed" if channel in constants else ""
                yield f"    {_node(channel)} [label={_quoted(str(channel.index))}{marks}];"
            yield "  }"
    strongest = max((kernel.score for kernel in graph.kernels), default=0.0) or 1.0
    for kernel in graph.kernels:
        width = 0.3 + 3 * (max(kernel.score, 0.0) / strongest) ** 0.5
        yield (
            f"  {_node(kernel.source)} -> {_node(kernel.channel)} "
            f'[color="{COLOURS[kernel.sign]}", penwidth={width:.2f}, '
            f"tooltip={_quoted(f'rank {kernel.rank}, score {kernel.score:.4g}')}];"
        )
    for source, channel in graph.wires:
        yield f"  {_node(source)} -> {_node(channel)} [style=dotted, arrowhead=none];"
    yield "}"


def _node(channel: Channel) -> str:
    return _quoted(str(channel))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
