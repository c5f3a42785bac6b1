"""Shortening rules at a price: what validation images hardly miss goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import floor

import numpy as np

from proofsight_server.rules.path import Path
from proofsight_server.rules.table import Validation
from proofsight_server.symbols.feature import Bools, Ints


def pruned(
    paths: Sequence[Path],
    training: tuple[Bools, Ints],
    validation: Validation,
    default: int,
    epsilon: float,
) -> tuple[Path, ...]:
    """Greedily drop literals and paths while validation fidelity falls by at most `epsilon`.

    Each step drops the literal or the path that costs least; on a tie a path rather than a
    literal, the one further down rather than up.  A body never becomes empty.

    Parameters
    ----------
    paths
        What decides, in any order; at most one class holds on any bit vector.
    training, validation
        (bits, target) each.  Training images give the paths' confidence, validation images
        the cost.
    default
        Class index decided where no path holds.
    epsilon
        Share of validation images that may be lost, over all steps together.

    Returns
    -------
    tuple of Path
        The remaining paths by falling confidence, then falling support: the first that holds
        decides, else the default.
    """
    scale = _Scale(training, validation, default)
    rules = scale.ordered(paths)
    enough = scale.right(rules) - floor(epsilon * len(validation[0]) + 1e-9)
    while True:
        best: tuple[int, tuple[Path, ...]] | None = None
        for candidate in _candidates(rules):
            ordered = scale.ordered(candidate)
            right = scale.right(ordered)
            if right >= enough and (best is None or right > best[0]):
                best = right, ordered
        if best is None:
            return rules
        rules = best[1]


def _candidates(rules: Sequence[Path]) -> Iterator[list[Path]]:
    """All ways to drop one path or one literal, the preferred first."""
    for place in reversed(range(len(rules))):
        yield [*rules[:place], *rules[place + 1 :]]
    for place in reversed(range(len(rules))):
        rule = rules[place]
        for at in reversed(range(len(rule.literals) if len(rule.literals) > 1 else 0)):
            literals = (*rule.literals[:at], *rule.literals[at + 1 :])
            yield [*rules[:place], replace(rule, literals=literals), *rules[place + 1 :]]


@dataclass(frozen=True, slots=True)
class _Images:
    """Sets of images as the bits of one integer, which makes a step cost microseconds."""

    everything: int
    columns: tuple[int, ...]
    classes: tuple[int, ...]

    @classmethod
    def of(cls, bits: Bools, target: Ints) -> _Images:
        labels = range(int(target.max()) + 1)
        return cls(
            everything=(1 << len(bits)) - 1,
            columns=tuple(map(_set, bits.T)),
            classes=tuple(_set(target == label) for label in labels),
        )

    def where(self, path: Path) -> int:
        held = self.everything
        for column, positive in path.literals:
            held &= self.columns[column] if positive else ~self.columns[column]
        return held

    def of_class(self, label: int) -> int:
        return self.classes[label] if label < len(self.classes) else 0


def _set(members: Bools) -> int:
    return int.from_bytes(np.packbits(members, bitorder="little").tobytes(), "little")


class _Scale:
    """Confidence and fidelity of paths, remembered per path."""

    def __init__(self, training: tuple[Bools, Ints], validation: Validation, default: int) -> None:
        self._training = _Images.of(*training)
        self._validation = _Images.of(*validation)
        self._default = default
        self._places: dict[Path, tuple[float, int]] = {}
        self._held: dict[Path, int] = {}

    def ordered(self, paths: Sequence[Path]) -> tuple[Path, ...]:
        return tuple(sorted(paths, key=self._place))

    def right(self, rules: Sequence[Path]) -> int:
        """How many validation images the ordered rules get right."""
        images, right = self._validation, 0
        undecided = images.everything
        for rule in rules:
            if rule not in self._held:
                self._held[rule] = images.where(rule)
            decided = undecided & self._held[rule]
            right += (decided & images.of_class(rule.label)).bit_count()
            undecided ^= decided
        return right + (undecided & images.of_class(self._default)).bit_count()

    def _place(self, path: Path) -> tuple[float, int]:
        if path not in self._places:
            held = self._training.where(path)
            support = held.bit_count()
            hits = (held & self._training.of_class(path.label)).bit_count()
            self._places[path] = (-hits / support if support else 0.0, -support)
        return self._places[path]
