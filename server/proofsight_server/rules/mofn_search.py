"""All M-of-N rules over the first literals of an order at once, and the best of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from proofsight_server.rules.complexity import complexities
from proofsight_server.symbols.feature import Bools, Ints

Doubles = npt.NDArray[np.float64]

TIE = 1e-12  # losses closer than this are equal
_ROUGH = 1e-5  # far more than single precision is off by
NEVER = np.iinfo(np.int32).max // 2  # errors where [N, M] is no rule of its own


@dataclass(frozen=True, slots=True)
class Chosen:
    """A rule of a table: at least `m` of the first `literals`; wrong on so many images."""

    literals: int
    m: int
    errors: int
    complexity: float


@dataclass(frozen=True, slots=True)
class ErrorTable:
    """Errors of every rule over literals of a target.

    Attributes
    ----------
    errors
        (longest + 1, longest + 2) int32 at [N, M]: images where "at least M of N" differs from
        the target; `NEVER` where N literals have no such rule.  The constants stand once, at
        [0, 0] (always) and [0, 1] (never).
    images, inputs
        How many there are; inputs count those without a literal too.
    """

    errors: npt.NDArray[np.int32]
    images: int
    inputs: int

    def best(self, beta: float) -> Chosen:
        """The rule of least (1 − β)·E + β·C; among losses within `TIE` least (errors, N, M)."""
        costs = complexities(self.inputs, len(self.errors) - 1)
        rough = self.errors.astype(np.float32)
        rough *= np.float32((1 - beta) / self.images)
        rough += costs.astype(np.float32) * np.float32(beta)
        near = (rough <= rough.min() + _ROUGH) & (self.errors != NEVER)
        sizes, ms = np.nonzero(near)
        errors = self.errors[sizes, ms]
        loss = (1 - beta) * (errors / self.images) + beta * costs[sizes, ms]
        least = np.flatnonzero(loss <= loss.min() + TIE)
        fewest, literals, m = min(
            zip(*(found[least].tolist() for found in (errors, sizes, ms)), strict=True)
        )
        return Chosen(literals, m, fewest, float(costs[literals, m]))

    def shortest(self) -> Iterator[Chosen]:
        """The rule of fewest errors of each length N, the least M where they are equal."""
        costs = complexities(self.inputs, len(self.errors) - 1)
        for literals, m in enumerate(self.errors.argmin(axis=1).tolist()):
            errors = self.errors[literals]
            yield Chosen(literals, m, int(errors[m]), float(costs[literals, m]))


def errors_of_prefixes(literals: Bools, target: Bools, *, inputs: int) -> ErrorTable:
    """Errors of at least M of the first N literals, for all N and M = 1..N, and the constants.

    Parameters
    ----------
    literals
        (images, n) bool: whether each literal holds, in the order in which they join bodies.
    target
        (images,) bool.
    inputs
        The unit's whole fan-in, for complexities.
    """
    images, longest = literals.shape
    # Images with the target first, so that both histograms are of slices.
    rows = np.concatenate([np.flatnonzero(target), np.flatnonzero(~target)])
    on = int(target.sum())
    columns = np.ascontiguousarray(literals.T[:, rows])
    table = _blank(longest)
    table[0, :2] = images - on, on
    count = np.zeros(images, dtype=np.int64)
    for number, column in enumerate(columns, start=1):
        count += column
        table[number, 1 : number + 1] = wrong_at(
            np.bincount(count[:on], minlength=number + 1),
            np.bincount(count[on:], minlength=number + 1),
        )
    return ErrorTable(table, images, inputs)


def wrong_at(on: Ints, off: Ints) -> Ints:
    """Errors of "at least M" for M = 1..N, of images with and without the target by their count.

    `on` and `off` are (..., N + 1); the answer (..., N).
    """
    below = np.cumsum(on, axis=-1)[..., :-1]
    above = off.sum(axis=-1, keepdims=True) - np.cumsum(off, axis=-1)[..., :-1]
    wrong: Ints = below + above
    return wrong


def _blank(longest: int) -> npt.NDArray[np.int32]:
    return np.full((longest + 1, longest + 2), NEVER, dtype=np.int32)


@dataclass(frozen=True, slots=True)
class Bodies:
    """The best body of each rule [N, M], of all sets of N inputs: its errors, and its inputs.

    `masks` has at [N, M] the body as a number whose highest bit is input 0; of equal ones the
    first in the order of their indices.
    """

    table: ErrorTable
    masks: Ints

    def indices(self, chosen: Chosen) -> tuple[int, ...]:
        """The inputs of a rule."""
        longest = len(self.masks) - 1
        mask = int(self.masks[chosen.literals, chosen.m])
        return tuple(place for place in range(longest) if mask >> (longest - 1 - place) & 1)


def errors_of_bodies(literals: Bools, target: Bools, *, inputs: int) -> Bodies:
    """The best of all bodies for each N and M.

    Images are counted by their pattern of literals; then one input after the other the axis of
    what it is becomes the axis of whether a body has it, and beside it runs the number of
    literals of the body that hold: O(2^n n²) whatever the images.

    Parameters
    ----------
    literals, target, inputs
        As of `errors_of_prefixes`; n is at most about 20.
    """
    images, longest = literals.shape
    powers = 1 << np.arange(longest - 1, -1, -1, dtype=np.int64)
    patterns = literals @ powers
    bodies = 1 << longest
    # A rule is wrong on what has the target and too few literals, or none and enough of them; so
    # only the difference counts.
    counts = np.zeros((bodies, longest + 1), dtype=np.int32)
    counts[:, 0] = np.bincount(patterns[target], minlength=bodies)
    counts[:, 0] -= np.bincount(patterns[~target], minlength=bodies)
    for place in range(longest):
        halves = counts.reshape(1 << place, 2, -1, longest + 1)
        without, held = halves[:, 0], halves[:, 1].copy()
        halves[:, 1] = without
        halves[:, 1, :, 1:] += held[..., :-1]
        without += held
    on = int(target.sum())
    wrong = (images - on) + np.cumsum(counts, axis=1)[:, :-1]  # M = 1..n
    table, masks = _blank(longest), np.zeros((longest + 1, longest + 2), dtype=np.int64)
    table[0, :2] = images - on, on
    sizes = np.bitwise_count(np.arange(bodies, dtype=np.uint32))
    for size in range(1, longest + 1):
        own = np.flatnonzero(sizes == size)[::-1]  # earlier inputs have larger numbers
        best = wrong[own, :size].argmin(axis=0)
        table[size, 1 : size + 1] = wrong[own[best], np.arange(size)]
        masks[size, 1 : size + 1] = own[best]
    return Bodies(ErrorTable(table, images, inputs), masks)
