"""Which of a network's logits a class is."""

from __future__ import annotations

from collections.abc import Sequence

from proofsight_server.errors import UnknownClass


def class_column(label: str, classes: Sequence[str], columns: int | None = None) -> int:
    """The column of a class, by its name or, where no class is so named, its index from 0.

    Parameters
    ----------
    columns
        How many logits there are; as many as classes, unless names are not known.

    Raises
    ------
    UnknownClass
        The network has no such class.
    """
    count = len(classes) if columns is None else columns
    if label in classes:
        return classes.index(label)
    if label.isdecimal() and int(label) < count:
        return int(label)
    raise UnknownClass(label, classes or [str(index) for index in range(count)])
