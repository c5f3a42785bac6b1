"""The premise under which few primitives are known to suffice, checked on one image.

A network that is the surer the less is masked, on average over masks of each size, has sparse
interactions; that says nothing for certain about a chosen image.

Source: Ren et al., https://arxiv.org/abs/2305.01939.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from proofsight_server.interactions.masks import Doubles, orders, regions_of


@dataclass(frozen=True, slots=True, eq=False)
class Premise:
    """Mean scores (n + 1,) by how many regions are kept, and whether they rise or fall throughout.

    A score that falls from no region to all is expected to fall throughout.
    """

    means: Doubles
    monotone: bool

    def __str__(self) -> str:
        return "monotone" if self.monotone else "violates monotonicity"


def premise(table: Doubles) -> Premise:
    """Mean scores of one network's table (2^n,) by the size of masks."""
    regions = regions_of(len(table))
    sizes = orders(regions)
    means = np.bincount(sizes, table) / np.bincount(sizes)
    steps = np.diff(means) * (1 if means[-1] >= means[0] else -1)
    return Premise(means, bool((steps >= 0).all()))
