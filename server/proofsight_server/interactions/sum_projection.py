"""The orthogonal projection on {(Ap, Bq, √κ(p + q))}: what effects and their scores' sum can be.

The normal matrix [[AᵀA + κI, κI], [κI, BᵀB + κI]] does not diagonalise, but it treats all
regions alike.  In the symmetric bases of two halves of the regions it falls into blocks of at
most 2(n/2 + 1)² rows, so that it is inverted exactly: no matrix of 2^n × 2^n, and no conjugate
gradients.
"""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True, eq=False)
class _InverseBlock:
    """The inverse on one pair of blocks: (2·d·e, 2·d·e), first p and then q."""

    high: Block
    low: Block
    inverse: Doubles

    def solve(self, right: Doubles, solution: Doubles) -> None:
        """Write this block's part of the solution. Shapes (2, m, 2^high, 2^low)."""
        part = right[:, :, self.high.rows, self.low.rows]
        cells = part.reshape(
            *part.shape[:2], self.high.size, self.high.copies, self.low.size, self.low.copies
        )
        columns = cells.transpose(0, 2, 4, 1, 3, 5)
        solved = (self.inverse @ columns.reshape(len(self.inverse), -1)).reshape(columns.shape)
        solution[:, :, self.high.rows, self.low.rows] = solved.transpose(0, 3, 1, 4, 2, 5).reshape(
            part.shape
        )


class SumProjection:
    """The projection, along (3, m, 2^n); `sum_projection` keeps one for each n and κ."""

    def __init__(self, regions: int, sum_weight: float) -> None:
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
        self._blocks = [
            _InverseBlock(high, low, _inverse(high, low, shrunk, sum_weight))
            for high in high_blocks
            for low in low_blocks
        ]
        self._shape = len(high_basis), len(low_basis)

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
        grid = right.reshape(*right.shape[:2], *self._shape)
        solution = np.empty_like(grid)
        for block in self._blocks:
            block.solve(grid, solution)
        return solution.reshape(right.shape)


@cache
def sum_projection(regions: int, sum_weight: float) -> SumProjection:
    """The projection for n regions and κ = `sum_weight` > 0."""
    return SumProjection(regions, sum_weight)


def _inverse(high: Block, low: Block, grams: list[list[Doubles]], sum_weight: float) -> Doubles:
    ands, ors = (
        np.kron(_first_copy(grams[0][kind], high), _first_copy(grams[1][kind], low))
        for kind in (0, 1)
    )
    if not high.start and not low.start:
        # BᵀB differs from the power by the entries ∅ and N, first and last of the first blocks
        ors[0, 0] += 1
        ors[-1, -1] -= 1
    tie = sum_weight * np.eye(len(ands))
    return np.linalg.inv(np.block([[ands + tie, tie], [tie, ors + tie]]))


def _first_copy(gram: Doubles, block: Block) -> Doubles:
    part = gram[block.rows, block.rows]
    return part.reshape(block.size, block.copies, block.size, block.copies)[:, 0, :, 0]
