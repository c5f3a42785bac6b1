"""The orthogonal projection on {(Ap, Bq, √κ(p + q))}: what effects and their scores' sum can be.

The normal matrix [[AᵀA + κI, κI], [κI, BᵀB + κI]] does not diagonalise, but it treats all
regions alike.  In the symmetric bases of two halves of the regions it falls into blocks of at
most 2(n/2 + 1)² rows, so that it is inverted exactly: no matrix of 2^n × 2^n, and no conjugate
gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from proofsight_server.interactions.exact_split import AND_STEP, OR_STEP
from proofsight_server.interactions.masks import Doubles
from proofsight_server.interactions.symmetric_basis import Block, symmetric_basis
from proofsight_server.interactions.tensor_product import (
    TensorProduct,
    matrix_power,
    tensor_power,
)
from proofsight_server.symbols.feature import Ints


@dataclass(frozen=True, slots=True, eq=False)
class _InverseBlock:
    """The inverse on one pair of blocks, whose entries are first p and then q, copies last.

    `places` is (2·d·e, copies): where the pair of blocks is among (2, 2^high, 2^low), flat.
    """

    inverse: Doubles
    places: Ints


class SumProjection:
    """The projection, along (3, m, 2^n); `sum_projection` keeps one for each n, m and κ."""

    def __init__(self, regions: int, networks: int, sum_weight: float) -> None:
        low = regions // 2
        (high_basis, high_blocks), (low_basis, low_blocks) = (
            symmetric_basis(regions - low),
            symmetric_basis(low),
        )
        basis = TensorProduct(high_basis, low_basis)
        self._scale = sum_weight**0.5
        self._sum = basis.adjoint
        self._and = tensor_power(AND_STEP, regions).after(self._sum)
        self._or = tensor_power(OR_STEP, regions).after(self._sum)
        self._adjoints = self._and.adjoint, self._or.adjoint, basis
        grams = [
            (basis, [matrix_power(step.T @ step, n) for step in (AND_STEP, OR_STEP)])
            for basis, n in ((high_basis, regions - low), (low_basis, low))
        ]
        shrunk = [[basis @ gram @ basis.T for gram in both] for basis, both in grams]
        blocks = [
            _inverse_block(high, low, shrunk, sum_weight)
            for high in high_blocks
            for low in low_blocks
        ]
        self._inverses, self._gathered, self._scattered = _lined_up(blocks, regions, networks)

    def __call__(self, point: Doubles) -> Doubles:
        """The nearest point. Shape (3, m, 2^n)."""
        ors = point[1].copy()
        ors[:, 0] = 0
        by_and, by_or, by_sum = self._adjoints
        sums = self._scale * by_sum(point[2])
        right = np.stack([by_and(point[0]) + sums, sums - by_or(ors)])
        right[1, :, 0] += point[1, :, 0]  # the basis begins with the mask ∅
        split = self._solved(right)
        image = np.stack(
            [self._and(split[0]), -self._or(split[1]), self._scale * self._sum(split[0] + split[1])]
        )
        image[1, :, 0] = split[1, :, 0]
        return image

    def _solved(self, right: Doubles) -> Doubles:
        columns = right.ravel()[self._gathered]
        solution = np.empty_like(columns)
        for inverse, place in self._inverses:
            shape = len(inverse), -1
            np.matmul(inverse, columns[place].reshape(shape), out=solution[place].reshape(shape))
        solved: Doubles = solution[self._scattered].reshape(right.shape)
        return solved


@cache
def sum_projection(regions: int, networks: int, sum_weight: float) -> SumProjection:
    """The projection for n regions, m networks and κ = `sum_weight` > 0."""
    return SumProjection(regions, networks, sum_weight)


def _lined_up(
    blocks: Sequence[_InverseBlock], regions: int, networks: int
) -> tuple[list[tuple[Doubles, slice]], Ints, Ints]:
    """Inverses with their slices of the columns, and where columns come from and go to.

    Columns are gathered from (2, m, 2^n), flat, at once: many small copies take longer than the
    products.
    """
    inverses: list[tuple[Doubles, slice]] = []
    gathered: list[Ints] = []
    start = 0
    for block in blocks:
        kind, mask = np.divmod(block.places, 1 << regions)
        nets = (kind[..., None] * networks + np.arange(networks)) << regions
        gathered.append((nets + mask[..., None]).ravel())
        inverses.append((block.inverse, slice(start, start + len(gathered[-1]))))
        start += len(gathered[-1])
    places = np.concatenate(gathered)
    return inverses, places, np.argsort(places)


def _inverse_block(
    high: Block, low: Block, grams: list[list[Doubles]], sum_weight: float
) -> _InverseBlock:
    ands, ors = (
        np.kron(_first_copy(grams[0][kind], high), _first_copy(grams[1][kind], low))
        for kind in (0, 1)
    )
    if not high.start and not low.start:
        # BᵀB differs from the power by the entries ∅ and N, first and last of the first blocks
        ors[0, 0] += 1
        ors[-1, -1] -= 1
    tie = sum_weight * np.eye(len(ands))
    inverse = np.linalg.inv(np.block([[ands + tie, tie], [tie, ors + tie]]))
    sizes = len(grams[0][0]), len(grams[1][0])
    places = np.arange(2 * sizes[0] * sizes[1]).reshape(2, *sizes)[:, high.rows, low.rows]
    cells = places.reshape(2, high.size, high.copies, low.size, low.copies)
    return _InverseBlock(inverse, cells.transpose(0, 1, 3, 2, 4).reshape(len(inverse), -1))


def _first_copy(gram: Doubles, block: Block) -> Doubles:
    part = gram[block.rows, block.rows]
    return part.reshape(block.size, block.copies, block.size, block.copies)[:, 0, :, 0]
