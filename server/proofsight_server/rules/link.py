"""How well the rules for a proposition stand in for reading it off the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from proofsight_server.rules.entry import Layers
from proofsight_server.rules.evaluation import firing
from proofsight_server.rules.program import DerivedHead, Program
from proofsight_server.symbols.feature import Bools


@dataclass(frozen=True, slots=True)
class Link:
    """One proposition that `derived/2` rules decide from the layers below it.

    Attributes
    ----------
    proposition, layer
        Which, and where it belongs.
    rules
        Its `derived/2` clauses.  Without any it is never active.
    agreement
        Share of images where the rules say what the network does.
    balanced_agreement
        Mean of that share among active and among inactive images; None where one is missing.
    base_rate
        Share that always saying the more frequent of the two would reach.
    """

    proposition: str
    layer: str
    rules: int
    agreement: float
    balanced_agreement: float | None
    base_rate: float


def links(program: Program, bits: Bools, names: Sequence[str], layers: Layers) -> tuple[Link, ...]:
    """Measure each step of a chain by itself, entered right below the proposition.

    Parameters
    ----------
    program, bits, names
        As `evaluate` takes them; the bits (n, p) are the network's.
    layers
        The propositions of each layer, lowest layer first.
    """
    column = {name: place for place, name in enumerate(names)}
    clauses: dict[str, list[int]] = {}
    for number, rule in enumerate(program.rules):
        if isinstance(rule.head, DerivedHead):
            clauses.setdefault(rule.head.proposition, []).append(number)
    used = set(program.propositions())
    found: list[Link] = []
    below: list[str] = []
    for atom, own in layers.items():
        if not clauses.keys().isdisjoint(own):
            fires = firing(program, bits, names, observed=below)
            for name in own:
                if name in clauses or name in used:
                    rules = clauses.get(name, [])
                    derived = np.logical_or.reduce(fires[:, rules], axis=1)
                    found.append(_link(name, atom, len(rules), derived, bits[:, column[name]]))
        below.extend(own)
    return tuple(found)


def _link(name: str, layer: str, rules: int, derived: Bools, truth: Bools) -> Link:
    agree = derived == truth
    shares = [float(agree[group].mean()) for group in (truth, ~truth) if group.any()]
    rate = float(truth.mean())
    return Link(
        name,
        layer,
        rules,
        float(agree.mean()),
        float(np.mean(shares)) if len(shares) == 2 else None,
        max(rate, 1 - rate),
    )
