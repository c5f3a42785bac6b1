"""A circuit as Prolog facts; see `prolog/proofsight/annex_words.pl` for what they may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from proofsight_server.circuits.graph import Channel, CircuitGraph
from proofsight_server.circuits.target import Direction, Logit, Target
from proofsight_server.knowledge.atom import quote

Value = str | int | float | bool | None


def circuit_facts(
    circuit: str,
    model: str,
    target: Target,
    keep: float,
    criterion: str,
    graph: CircuitGraph,
    info: Mapping[str, Value | Mapping[str, float]],
) -> str:
    """The file of a circuit: what it is, what was set and measured, its kernels and wires.

    Parameters
    ----------
    circuit
        Its id.
    model
        The hash of the network's weights: `sha256:...`.
    target, keep, criterion
        What was asked for.
    graph
        What was found.
    info
        A fact for each setting and each measured value, of a mapping `Name-Number` for each of
        its entries; None is left out.
    """
    name = quote(circuit)
    lines = [
        f"circuit({name}, {quote(model)}, {target_term(target, graph)}, {_number(keep)}, "
        f"{quote(criterion)})."
    ]
    lines += [
        f"circuit_info({name}, {quote(key)}, {told})."
        for key, value in info.items()
        for told in _values(value)
    ]
    lines += [
        f"circuit_info({name}, {quote(key)}, {quote(count.node)}-{number})."
        for count in graph.layers
        for key, number in (("kept", count.kept), ("kernels", count.total))
    ]
    lines += [
        f"circuit_info({name}, module, {quote(count.node)}-{quote(count.module)})."
        for count in graph.layers
    ]
    lines.extend(_edges(name, graph))
    return "\n".join(lines) + "\n"


def target_term(target: Target, graph: CircuitGraph) -> str:
    """The third argument of `circuit/5`: `unit(conv3,12)`, `logit(street)`, `direction(...)`."""
    if isinstance(target, Logit):
        return f"logit({quote(str(target.label))})"
    if isinstance(target, Direction):
        layer = next((wire[0].node for wire in graph.wires if wire[1] == graph.target), "")
        # Two minus signs side by side would be read as one operator, `--`.
        weights = ", ".join(
            f"{channel}-{_number(weight)}".replace("--", "- -")
            for channel, weight in target.weights
        )
        return f"direction({quote(layer or target.layer)}, [{weights}])"
    return f"unit({quote(graph.target.node)},{graph.target.index})"


def _edges(name: str, graph: CircuitGraph) -> Iterator[str]:
    for kernel in graph.kernels:
        yield (
            f"kernel({name}, {_channel(kernel.channel)}, {_channel(kernel.source)}, "
            f"{_number(kernel.score)}, {kernel.rank}, {kernel.sign})."
        )
    for source, channel in graph.wires:
        yield f"wire({name}, {_channel(channel)}, {_channel(source)})."
    for channel in graph.constants:
        yield f"const_channel({name}, {_channel(channel)})."


def _channel(channel: Channel) -> str:
    return f"{quote(channel.node)}, {channel.index}"


def _values(value: Value | Mapping[str, float]) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (f"{quote(name)}-{_number(number)}" for name, number in value.items())
    elif value is not None:
        yield _value(value)


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return quote(value) if isinstance(value, str) else _number(value or 0)


def _number(value: float) -> str:
    """The shortest decimal of a double, in Prolog's syntax."""
    if isinstance(value, int):
        return str(value)
    text = repr(float(value))
    mantissa, exponent, power = text.partition("e")
    return f"{mantissa}.0e{power}" if exponent and "." not in mantissa else text
