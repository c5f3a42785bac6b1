"""An orthonormal basis of functions of masks in which whatever treats all regions alike is small.

A matrix over masks that permuting regions leaves as it is, as every M^{⊗n} does, acts on weights
k ≤ |S| ≤ n − k only, the same way in each of C(n, k) − C(n, k−1) copies, for each k ≤ n/2
(Schur–Weyl duality).  In this basis it is block-diagonal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import null_space

from proofsight_server.interactions.masks import Doubles, orders


@dataclass(frozen=True, slots=True)
class Block:
    """Rows `start … start + size · copies` of the basis, by weight and then by copy."""

    start: int
    size: int
    copies: int

    @property
    def rows(self) -> slice:
        """The block's rows."""
        return slice(self.start, self.start + self.size * self.copies)


def symmetric_basis(regions: int) -> tuple[Doubles, tuple[Block, ...]]:
    """The basis as rows of an orthogonal matrix (2^n, 2^n), and its blocks, n ≤ 8 or so."""
    raising = _raising(regions)
    weights = orders(regions)
    rows: list[Doubles] = []
    blocks: list[Block] = []
    start = 0
    for lowest in range(regions // 2 + 1):
        # vectors of this weight that no lighter one leads to: those that lowering takes to 0
        here = weights == lowest
        seeds = np.zeros((len(weights), int(here.sum())))
        seeds[here] = np.eye(int(here.sum()))
        copies = seeds @ null_space(raising.T @ seeds) if lowest else seeds
        size = regions - 2 * lowest + 1
        blocks.append(Block(start, size, copies.shape[1]))
        start += size * copies.shape[1]
        for step in range(size):
            rows.append(copies.T)
            if step + 1 < size:
                copies = raising @ copies / np.sqrt((step + 1) * (size - 1 - step))
    return np.concatenate(rows), tuple(blocks)


def _raising(regions: int) -> Doubles:
    """The matrix (2^n, 2^n) that takes a mask to the sum of those with one region more."""
    masks = np.arange(1 << regions)
    raising = np.zeros((len(masks), len(masks)))
    for bit in range(regions):
        fewer = masks[(masks >> bit) & 1 == 0]
        raising[fewer | (1 << bit), fewer] = 1
    return raising
