"""Where the network ends and the program begins: the layers that a program can be entered at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proofsight_server.errors import BadOption, UnknownLayer
from proofsight_server.rules.program import DerivedHead, Program

# The propositions of each layer, lowest layer first (see `Quantisation.by_layer`).
Layers = Mapping[str, Sequence[str]]


def entry_layers(program: Program, layers: Layers) -> tuple[str, ...]:
    """The layers that the program can be entered at, the top one first.

    A program can always be entered at the top layer.  It can be entered at a lower one if
    `derived/2` rules decide the propositions of every layer above it that bodies use.
    """
    derived = {
        rule.head.proposition for rule in program.rules if isinstance(rule.head, DerivedHead)
    }
    used = set(program.propositions())
    entries = []
    for atom, names in reversed(list(layers.items())):
        if names:
            entries.append(atom)
        read = used.intersection(names)
        if read and derived.isdisjoint(read):
            break
    return tuple(entries)


def observed_at(entry: str, program: Program, layers: Layers) -> tuple[str, ...]:
    """The propositions that are observed where the program is entered at `entry`.

    They are those of the entry layer and of all layers below it.

    Raises
    ------
    UnknownLayer
        The program reads no such layer; the nearest are given.
    BadOption
        Nothing would decide the propositions of a layer above.
    """
    if not layers.get(entry):
        raise UnknownLayer(entry, [atom for atom, names in layers.items() if names])
    entries = entry_layers(program, layers)
    if entry not in entries:
        undecided = next(name for name in program.propositions() if name in layers[entries[-1]])
        raise BadOption(
            f"the program cannot be entered at {entry}: it uses {undecided} and others of "
            f"{entries[-1]}, which no derived/2 rule decides, so that they would silently count as "
            f"inactive; enter it at {' or '.join(entries)}, or extract it with --chain (of mofn, "
            "with --learner-option splits=common)",
            option="entry",
            value=entry,
        )
    order = list(layers)
    return tuple(name for atom in order[: order.index(entry) + 1] for name in layers[atom])
