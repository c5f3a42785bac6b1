"""Decision trees on bits, grown by counting columns and not by sorting them."""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt

from proofsight_server.rules.columns import Columns
from proofsight_server.rules.path import Path
from proofsight_server.symbols.feature import Ints

# Gains are rounded to this many decimals, in nats per image, so that equal ones tie.
_DECIMALS = 12

Doubles = npt.NDArray[np.float64]
Literals = tuple[tuple[int, bool], ...]


def grow_on_bits(columns: Columns, target: Ints, *, leaves: int) -> tuple[Path, ...]:
    """Grow the paths of an entropy tree, each with the most frequent target of its leaf.

    The leaf whose split gains most is split next, as scikit-learn does with `max_leaf_nodes`,
    which took a hundred times as long on 10,000 × 512 bits: a chain needs a tree for each of
    many propositions.  Of equal gains the first column's is taken; a split that gains nothing is
    not made; a tie in a leaf goes to the lowest.  Siblings with one label are one path.

    Parameters
    ----------
    columns
        The bits (n, p).
    target
        (n,) indices from 0, what to decide.
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

    def __init__(self, literals: Literals, images: Ints, columns: Columns, target: Ints) -> None:
        self.literals = literals
        self._images = images
        self._children: tuple[_Node, _Node] | None = None
        own = target[images]
        found, counts = np.unique(own, return_counts=True)
        self.label = int(found[counts.argmax()])
        self._column, self.gain = 0, 0.0
        if len(found) > 1:
            active = columns.counts(images)
            # The last group is what is left of all.
            hits = np.array([columns.counts(images[own == label]) for label in found[:-1]])
            hits = np.vstack([hits, active - hits.sum(axis=0)])
            self._column, self.gain = _best(active, hits, counts, len(target))

    def split(self, columns: Columns, target: Ints) -> tuple[_Node, _Node]:
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


def _best(active: Ints, hits: Ints, counts: Ints, total: int) -> tuple[int, float]:
    """The column that gains most, and what it gains; 0 where none does.

    `active` (p,) counts the images on which a column is active, `hits` (k, p) those of each of k
    targets, and `counts` (k,) all images of each target.
    """
    if not len(active):
        return 0, 0.0
    images = counts.sum()
    before = _entropy(counts[:, None], np.array([images]))[0]
    after = _entropy(hits, active) + _entropy(counts[:, None] - hits, images - active)
    gains: Doubles = np.round((before - after) / total, _DECIMALS)
    column = int(gains.argmax())
    return column, max(float(gains[column]), 0.0)


def _entropy(hits: Ints, images: Ints) -> Doubles:
    """Entropy of groups times their size (p,), in nats; `hits` (k, p) count their parts."""
    whole: Doubles = _times_log(images) - _times_log(hits).sum(axis=0)
    return whole


def _times_log(counts: Ints) -> Doubles:
    exact = counts.astype(np.float64)
    return exact * np.log(np.maximum(exact, 1.0))
