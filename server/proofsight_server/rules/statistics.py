"""Statistics that stand beside each rule: how often it fires, and how often it is right.

They are counted on the training images, against what the program was trained on (by default
the network's decisions), and written in this order:

==================  =====  ===============================================================
key                 type   meaning
==================  =====  ===============================================================
`support`           int    images on which the rule's body holds
`confidence`        float  share of them with the rule's class; 0.0 where there are none
`confidence_low`    float  lower end of the 95 % interval of the confidence (Wilson's score)
`confidence_high`   float  its upper end
`layer`             str    deepest layer that the body reads; left out for a body that reads
                           none (see `with_layers`)
==================  =====  ===============================================================

Shares have four decimals.  Rules that conclude no class (points, exceptions, `derived/2`) have
only `support`, and `layer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from proofsight_server.rules.confidence import wilson
from proofsight_server.rules.evaluation import firing
from proofsight_server.rules.program import ClassHead, Program, Stat
from proofsight_server.symbols.feature import Bools, Ints, Layer, Proposition

_DECIMALS = 4


def with_counts(program: Program, bits: Bools, names: Sequence[str], target: Ints) -> Program:
    """Return the program with `support` and confidence of each rule, and no other statistics.

    `bits` (n, names) and `target` (n,) are the training images; target holds class indices.
    """
    fires = firing(program, bits, names)
    rules = []
    for number, rule in enumerate(program.rules):
        held = fires[:, number]
        support = int(held.sum())
        stats: tuple[tuple[str, Stat], ...] = (("support", support),)
        if isinstance(rule.head, ClassHead):
            wanted = program.classes.index(rule.head.name)
            hits = int((target[held] == wanted).sum())
            low, high = wilson(hits, support)
            stats += (
                ("confidence", round(hits / support, _DECIMALS) if support else 0.0),
                ("confidence_low", round(low, _DECIMALS)),
                ("confidence_high", round(high, _DECIMALS)),
            )
        rules.append(replace(rule, stats=stats))
    return replace(program, rules=tuple(rules))


def with_layers(
    program: Program, layers: Sequence[Layer], propositions: Iterable[Proposition]
) -> Program:
    """Return the program with each rule's `layer` as its last statistic.

    `layers` stand in order of depth.  An earlier `layer` is replaced.
    """
    depth = {layer.atom: place for place, layer in enumerate(layers)}
    home = {proposition.name: proposition.layer for proposition in propositions}
    rules = []
    for rule in program.rules:
        read = {home[lit.proposition] for lit in rule.literals() if lit.proposition in home}
        stats = tuple(stat for stat in rule.stats if stat[0] != "layer")
        if read:
            stats += (("layer", max(read, key=lambda atom: depth.get(atom, -1))),)
        rules.append(replace(rule, stats=stats))
    return replace(program, rules=tuple(rules))
