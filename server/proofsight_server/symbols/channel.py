"""Channels by name, and the propositions that speak of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from proofsight_server.errors import UnknownChannel
from proofsight_server.symbols.feature import Feature, Layer, Proposition


def channel_name(proposition: Proposition, layers: Iterable[Layer]) -> str:
    """The channel that a proposition reads: `conv3_c12`, or `fc1_u7` for a unit.

    A proposition that is never observed is a channel of its own.
    """
    feature = proposition.feature
    if feature is None:
        return proposition.name
    kinds = {layer.atom: layer.kind for layer in layers}
    return Feature(feature.layer, feature.index).name(kinds[feature.layer])


def channels(
    propositions: Iterable[Proposition], layers: Iterable[Layer]
) -> Mapping[str, tuple[str, ...]]:
    """The propositions of each channel, by its name, in their order."""
    layers = tuple(layers)
    found: dict[str, list[str]] = {}
    for proposition in propositions:
        found.setdefault(channel_name(proposition, layers), []).append(proposition.name)
    return {name: tuple(names) for name, names in found.items()}


def propositions_of(
    name: str, propositions: Iterable[Proposition], layers: Iterable[Layer]
) -> tuple[str, ...]:
    """The propositions of the channel of that name. Raises UnknownChannel."""
    known = channels(propositions, layers)
    if name not in known:
        raise UnknownChannel(name, known)
    return known[name]
