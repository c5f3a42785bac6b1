"""Bodies as learners handle them: literals by column, and when two cannot hold together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from proofsight_server.symbols.feature import Bools


@dataclass(frozen=True, slots=True)
class Path:
    """A conjunction of (column, positive) literals, root first, that decides a class index."""

    literals: tuple[tuple[int, bool], ...]
    label: int

    def holds(self, bits: Bools) -> Bools:
        """Whether all literals hold, (n,); `bits` has shape (n, p)."""
        result = np.ones(len(bits), dtype=np.bool_)
        for column, positive in self.literals:
            result &= bits[:, column] == positive
        return result


def shortened(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Drop literals and paths without changing what exclusive, exhaustive paths decide.

    From the deepest literal to the root, one is dropped if the shorter body still contradicts
    (has the opposite of some literal of) every unshortened path of every other class.  Then a
    path goes if another of its class holds wherever it does.  Exactly one class still holds on
    every bit vector, and it is the same; several paths of that class may.
    """
    signs = [dict(path.literals) for path in paths]
    shorter = []
    for path in paths:
        # how many literals of the body contradict each path of another class: 1 must remain
        others = [
            sign for sign, other in zip(signs, paths, strict=True) if other.label != path.label
        ]
        contradicting = [
            [sign.get(column, positive) != positive for sign in others]
            for column, positive in path.literals
        ]
        remaining = [sum(column) for column in zip(*contradicting, strict=True)]
        kept = list(path.literals)
        for place in reversed(range(len(kept))):
            left = [n - bool(c) for n, c in zip(remaining, contradicting[place], strict=True)]
            if all(left):
                remaining = left
                del kept[place]
        shorter.append(replace(path, literals=tuple(kept)))
    return without_subsumed(shorter)


def without_subsumed(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Drop each path whose literals include those of another of its class; of equals, keep one."""
    bodies = [frozenset(path.literals) for path in paths]

    def subsumed(place: int) -> bool:
        return any(
            other.label == paths[place].label
            and (body < bodies[place] or (body == bodies[place] and at < place))
            for at, (other, body) in enumerate(zip(paths, bodies, strict=True))
        )

    return tuple(path for place, path in enumerate(paths) if not subsumed(place))
