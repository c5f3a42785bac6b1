"""Decision trees of yes and no on bits, grown by counting columns and not by sorting them."""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt

from proofsight_server.rules.columns import Columns
from proofsight_server.rules.path import Path
from proofsight_server.symbols.feature import Bools, Ints

# Gains are rounded to this many decimals, in nats per image, so that equal ones tie.
_DECIMALS = 12

Doubles = npt.NDArray[np.float64]
Literals = tuple[tuple[int, bool], ...]


def grow_on_bits(columns: Columns, target: Bools, *, leaves: int) -> tuple[Path, ...]:
    """Grow the paths of an entropy tree, of label 1 where most of a leaf's images have the target.

    The leaf whose split gains most is split next, as scikit-learn does with `max_leaf_nodes`,
    which took a hundred times as long on 10,000 × 512 bits: a chain needs a tree for each of
    many propositions.  Of equal gains the first column's is taken; a split that gains nothing is
    not made; a tie in a leaf is 0.  Siblings with one label are one path.

    Parameters
    ----------
    columns
        The bits (n, p).
    target
        (n,) what to decide.
    leaves
        Most leaves.
    """
    root = _Node((), np.arange(len(target)), columns, target)
    waiting = [(-root.gain, 0, root)]
    made, grown = 1, 1
    while waiting and grown < leaves:
        gain, _, node = heapq.heappop(waiting)
        if gain == 0:
            break
        grown += 1
        for child in node.split(columns, target):
            heapq.heappush(waiting, (-child.gain, made, child))
            made += 1
    return tuple(root.paths())


class _Node:
    """A leaf, until it is split."""

    def __init__(self, literals: Literals, images: Ints, columns: Columns, target: Bools) -> None:
        self.literals = literals
        self._images = images
        wanted = images[target[images]]
        self.label = int(2 * len(wanted) > len(images))
        self._children: tuple[_Node, _Node] | None = None
        self._column, self.gain = _best(
            columns.counts(images), columns.counts(wanted), len(images), len(wanted), len(target)
        )

    def split(self, columns: Columns, target: Bools) -> tuple[_Node, _Node]:
        active = columns.holds((self._column, True), self._images)
        self._children = (
            _Node((*self.literals, (self._column, False)), self._images[~active], columns, target),
            _Node((*self.literals, (self._column, True)), self._images[active], columns, target),
        )
        del self._images
        return self._children

    def paths(self) -> list[Path]:
        if self._children is None:
            return [Path(self.literals, self.label)]
        inactive, active = (child.paths() for child in self._children)
        if len(inactive) == len(active) == 1 and inactive[0].label == active[0].label:
            return [Path(self.literals, inactive[0].label)]
        return inactive + active


def _best(active: Ints, hits: Ints, images: int, wanted: int, total: int) -> tuple[int, float]:
    """The column that gains most, and what it gains; 0 where none does.

    `active` and `hits` (p,) count the images, and the wanted ones, on which a column is active.
    """
    if not len(active) or not 0 < wanted < images:
        return 0, 0.0
    before = _entropy(np.array([wanted]), np.array([images]))[0]
    after = _entropy(hits, active) + _entropy(wanted - hits, images - active)
    gains: Doubles = np.round((before - after) / total, _DECIMALS)
    column = int(gains.argmax())
    return column, max(float(gains[column]), 0.0)


def _entropy(hits: Ints, images: Ints) -> Doubles:
    """Entropy of a group times its size, in nats."""
    return _times_log(images) - _times_log(hits) - _times_log(images - hits)


def _times_log(counts: Ints) -> Doubles:
    exact = counts.astype(np.float64)
    return exact * np.log(np.maximum(exact, 1.0))
