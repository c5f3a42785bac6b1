"""The interactions of several networks on one image: from their tables to what is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from proofsight_server.interactions.explanation import check_lossless, compact, lossless
from proofsight_server.interactions.facts import (
    NetworkFacts,
    SharedPrimitive,
    quantised,
    rounded_effects,
    shared_by,
)
from proofsight_server.interactions.joint import MAX_STEPS, Interactions, extract
from proofsight_server.interactions.masks import Doubles
from proofsight_server.interactions.premise import Premise, premise
from proofsight_server.interactions.primitive import Primitive
from proofsight_server.interactions.refit import Refit, refit
from proofsight_server.interactions.selection import Target
from proofsight_server.interactions.sharing import Sharing, sharing
from proofsight_server.interactions.sharing_null import SharingNull, null_of_renamed
from proofsight_server.interactions.tables import Tables

_TIMED = 20  # steps


@dataclass(frozen=True, slots=True)
class Solving:
    """How tables are written as few effects, and how many of them are told.

    The first five are those of `extract`; `target`, `fit` those of `select`.  `salient` is the
    share of a network's largest effect above which effects are compared between networks.
    `lossless` tells every effect, of at most 8 regions and with box 0.  `nulls` is how many times
    tables with renamed regions are solved beside those of several networks, drawn by `seed`.
    """

    objective: str = "mix"
    alpha: float = 0.1
    box: float = 0.02
    gap: float = 1e-3
    order_weight: str = "none"
    target: Target = field(default_factory=Target)
    fit: str = "least_squares"
    salient: float = 0.05
    lossless: bool = False
    nulls: int = 3
    seed: int = 0

    def solved(self, tables: Doubles, max_steps: int = MAX_STEPS) -> Interactions:
        """The effects of tables (m, 2^n). Raises BadTensor and BadOption as `extract` does."""
        return extract(
            tables,
            objective=self.objective,
            alpha=self.alpha,
            box=self.box,
            gap=self.gap,
            order_weight=self.order_weight,
            max_steps=max_steps,
        )

    def check(self, regions: int) -> None:
        """Raise BadOption for what so many regions cannot be asked for."""
        if self.lossless:
            check_lossless(regions, self.box)

    def longest(self, networks: int, regions: int) -> float:
        """Seconds that extracting takes at most on this machine, from a few steps on noise."""
        noise = np.random.default_rng(self.seed).normal(size=(networks, 1 << regions))
        begun = time.perf_counter()
        timed = self.solved(noise, _TIMED).steps
        step = (time.perf_counter() - begun) / timed
        return step * MAX_STEPS * (1 + (self.nulls if networks > 1 else 0))


@dataclass(frozen=True, slots=True, eq=False)
class ImageExplanation:
    """All that is told of one image.

    Attributes
    ----------
    tables
        The scores, and what they are of.
    solving
        How they were solved.
    found
        All effects, with the certificate.
    sums
        Per network, the primitives that are told, refitted.
    networks
        The same as facts.
    shared
        Primitives of two networks or more among those that are told.
    sharing
        The figures of sharing, of all salient effects; None for one network.
    null
        What is shared by the loss alone; None for one network, and where it was not asked for.
    premises
        Whether mean scores rise with the number of regions kept, per network.
    notes
        What a reader should know.
    """

    tables: Tables
    solving: Solving
    found: Interactions
    sums: tuple[Refit, ...]
    networks: tuple[NetworkFacts, ...]
    shared: tuple[SharedPrimitive, ...]
    sharing: Sharing | None
    null: SharingNull | None
    premises: tuple[Premise, ...]
    notes: tuple[str, ...]


def explain_image(
    tables: Tables,
    solving: Solving,
    *,
    renaming: Callable[[int, int], None] = lambda done, total: None,
) -> ImageExplanation:
    """Extract, choose and round.

    Primitives that are salient in all networks are told of each, and then its own until the
    target is met.  `renaming` takes how many of the nulls are done, and of how many.

    Raises
    ------
    BadTensor, BadOption
        As `extract`, `select` and `lossless` do.
    """
    solving.check(len(tables.regions))
    found = solving.solved(tables.tables)
    several = len(tables.networks) > 1
    figures = sharing(tables.tables, found, share=solving.salient) if several else None
    common = () if figures is None else figures.shared
    sums = tuple(
        _told(table, found, row, common, solving) for row, table in enumerate(tables.tables)
    )
    everywhere = (
        frozenset.intersection(*(frozenset(p for p, _ in rounded_effects(one)) for one in sums))
        if several
        else frozenset[Primitive]()
    )
    networks = tuple(
        quantised(name, table, one, everywhere)
        for name, table, one in zip(tables.networks, tables.tables, sums, strict=True)
    )
    premises = tuple(premise(table) for table in tables.tables)
    return ImageExplanation(
        tables,
        solving,
        found,
        sums,
        networks,
        shared_by(networks),
        figures,
        _null(tables, solving, renaming) if several else None,
        premises,
        (*tables.warnings, *found.notes, *_notes(tables, premises, sums, solving)),
    )


def _null(
    tables: Tables, solving: Solving, renaming: Callable[[int, int], None]
) -> SharingNull | None:
    return null_of_renamed(
        tables.tables,
        solving.solved,
        solving.nulls,
        np.random.default_rng(solving.seed),
        share=solving.salient,
        progress=renaming,
    )


def _told(
    table: Doubles,
    found: Interactions,
    network: int,
    common: Sequence[Primitive],
    solving: Solving,
) -> Refit:
    if solving.lossless:
        return lossless(table, found, network).sum
    own = compact(table, found, network, solving.target, fit=solving.fit).sum
    if not common:
        return own
    kept = list(common[: solving.target.most])
    kept += [one for one in own.primitives if one not in common]
    return refit(table, kept[: solving.target.most], solving.fit)


def _notes(
    tables: Tables, premises: Sequence[Premise], sums: Sequence[Refit], solving: Solving
) -> list[str]:
    notes = []
    for name, one, told in zip(tables.networks, premises, sums, strict=True):
        if not one.monotone:
            notes.append(
                f"{name}: the mean score does not move one way as regions are added, so that the "
                "premise under which few primitives suffice is violated on this image"
            )
        if not (solving.lossless or solving.target.met(told)):
            notes.append(
                f"{name}: {len(told.primitives)} primitives do not meet what was asked for; allow "
                "more with --most"
            )
    return notes
