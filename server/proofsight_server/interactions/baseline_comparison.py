"""Which primitives survive another baseline: another baseline is another explanation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from proofsight_server.interactions.image_explanation import ImageExplanation
from proofsight_server.interactions.primitive import (
    KINDS,
    Kind,
    candidates,
    effects_of,
    primitives_at,
    salient,
)

Named = tuple[Kind, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Survival:
    """What another baseline keeps of the primitives that are salient in all networks.

    Regions that equal a baseline are left out, so that primitives are compared by their regions'
    names.

    Attributes
    ----------
    baseline
        The other one.
    before, after
        How many are salient in all networks, with the first baseline and with the other.
    survivors, same_sign
        How many of those before are among those after, and how many of these have the sign that
        they had, in each network.
    chance
        The share that random sets of as many primitives would keep.
    """

    baseline: str
    before: int
    after: int
    survivors: int
    same_sign: int
    chance: float

    @property
    def share(self) -> float:
        """Survivors, of those before."""
        return self.survivors / self.before if self.before else 0.0


def compare_baselines(first: ImageExplanation, other: ImageExplanation) -> Survival:
    """Compare two explanations of the same image, networks, class and regions."""
    before, after = _signs(first), _signs(other)
    kept = before.keys() & after.keys()
    regions = max(len(first.tables.regions), len(other.tables.regions))
    return Survival(
        other.tables.baseline,
        len(before),
        len(after),
        len(kept),
        sum(before[one] == after[one] for one in kept),
        len(after) / candidates(regions),
    )


def _signs(explanation: ImageExplanation) -> dict[Named, tuple[float, ...]]:
    """The signs, by network, of the primitives that are salient in all networks."""
    effects = effects_of(explanation.found)
    regions = explanation.tables.regions
    if explanation.sharing is None:
        places = salient(effects[0], share=explanation.solving.salient)
        primitives = primitives_at(places, len(regions))
    else:
        primitives = explanation.sharing.shared
    found: dict[Named, tuple[float, ...]] = {}
    for one in primitives:
        place = (KINDS.index(one.kind) << len(regions)) + one.mask
        names = frozenset(regions.names[region] for region in one.regions)
        found[one.kind, names] = tuple(np.sign(effects[:, place]).tolist())
    return found
