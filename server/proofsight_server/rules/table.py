"""The bits and decisions a learner learns from, checked and in an order of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from proofsight_server.errors import BadTensor
from proofsight_server.symbols.feature import Bools, Ints

# bits (n, p) and target (n,) of images that choices may look at
Validation = tuple[Bools, Ints]


@dataclass(frozen=True, slots=True)
class Table:
    """Bits (n, p) and target (n,), columns sorted by name: numbers by size, text by alphabet.

    Columns come sorted so that ties do not depend on the order in which a caller has them.
    """

    bits: Bools
    target: Ints
    names: tuple[str, ...]
    classes: tuple[str, ...]
    validation: Validation | None

    @property
    def majority(self) -> int:
        """The most frequent class of the target, the lowest index on a tie."""
        return int(np.bincount(self.target).argmax())

    @property
    def absent(self) -> tuple[str, ...]:
        """The classes that no image of the target has."""
        counts = np.bincount(self.target, minlength=len(self.classes))
        return tuple(name for name, n in zip(self.classes, counts, strict=True) if n == 0)


def table(
    bits: Bools,
    target: Ints,
    names: Sequence[str],
    classes: Sequence[str],
    validation: Validation | None = None,
) -> Table:
    """Check what `fit` was given and sort its columns.

    Raises
    ------
    BadTensor
        For wrong types, shapes that do not fit each other, no images, names or classes that
        repeat, or a class index out of range.
    """
    for noun, given in (("names", names), ("classes", classes)):
        if len(set(given)) < len(given):
            twice = next(name for name in given if list(given).count(name) > 1)
            raise BadTensor(f"{noun} are unique, but {twice!r} occurs more than once")
    bits, target = _checked("training", bits, target, len(names), len(classes))
    order = sorted(range(len(names)), key=lambda column: _natural(names[column]))
    if validation is not None:
        held, decided = _checked("validation", *validation, len(names), len(classes))
        validation = held[:, order], decided
    return Table(
        bits=np.ascontiguousarray(bits.take(np.array(order, dtype=np.intp), axis=1)),
        target=target,
        names=tuple(names[column] for column in order),
        classes=tuple(classes),
        validation=validation,
    )


def _checked(noun: str, bits: Bools, target: Ints, width: int, classes: int) -> tuple[Bools, Ints]:
    bits, target = np.asarray(bits), np.asarray(target)
    if bits.dtype != np.bool_ or bits.ndim != 2 or bits.shape[1] != width or len(bits) == 0:
        raise BadTensor(
            f"{noun} bits are booleans of shape (n, {width}), one column per name and at least "
            f"one image, not {bits.dtype} of shape {bits.shape}"
        )
    if target.shape != (len(bits),) or not np.issubdtype(target.dtype, np.integer):
        raise BadTensor(
            f"the {noun} target holds one class index for each of {len(bits)} images, not "
            f"{target.dtype} of shape {target.shape}"
        )
    if target.min() < 0 or target.max() >= classes:
        wrong = int(target.min() if target.min() < 0 else target.max())
        raise BadTensor(f"the {noun} target holds class {wrong}; there are {classes} classes")
    return bits, target.astype(np.int64, copy=False)


def _natural(name: str) -> tuple[list[str | int], str]:
    parts = re.split(r"([0-9]+)", name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], name
