"""Tables whose regions have changed names: what networks share by the loss alone.

A joint loss pulls any tables together.  A table with permuted regions has the same effects at
other places: it is as sparse and as smooth as before, and has nothing to share but its form.
"""

from __future__ import annotations

import numpy as np

from proofsight_server.interactions.masks import Doubles, regions_of
from proofsight_server.symbols.feature import Ints


def renamed(table: Doubles, rng: np.random.Generator) -> Doubles:
    """A table (…, 2^n) with its regions in another order, drawn among those that keep none.

    With one region there is no other, and the table is returned as it is.
    """
    order = derangement(regions_of(table.shape[-1]), rng)
    masks = np.arange(table.shape[-1])
    places = np.zeros_like(masks)
    for region, new in enumerate(order):
        places |= ((masks >> region) & 1) << new
    moved: Doubles = table[..., places]
    return moved


def derangement(count: int, rng: np.random.Generator) -> Ints:
    """A random order of 0 … count − 1 that leaves none at its place, where there is one."""
    while True:
        order: Ints = rng.permutation(count)
        if count < 2 or (order != np.arange(count)).all():
            return order
