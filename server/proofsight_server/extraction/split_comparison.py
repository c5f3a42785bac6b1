"""Two programs on the images of one split: figures, classes, and the images that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from proofsight_server.extraction.entries import compared
from proofsight_server.extraction.probing import Seen
from proofsight_server.rules.evaluation import Evaluation
from proofsight_server.symbols.feature import Bools, Ints

RATES = ("accuracy", "fidelity")
COMPARED = (*RATES, "undecided")

Figures = Mapping[str, float | None]
NOT_MEASURED: Figures = dict.fromkeys(COMPARED)


@dataclass(frozen=True, slots=True)
class ClassComparison:
    """What a change of a program did to one class.

    Attributes
    ----------
    before, after
        `accuracy` among the images with that label, and `fidelity` among those that the network
        decides to be of the class; None where there are none.
    changed
        How many of those that the network decides to be of the class are decided otherwise.
    """

    before: Figures
    after: Figures
    changed: int

    def to_json(self) -> dict[str, Any]:
        """`accuracy` and `fidelity` before and after, and how many images changed."""
        return {**pairs(RATES, self.before, self.after), "changed": self.changed}


@dataclass(frozen=True, slots=True)
class SplitComparison:
    """What a change of a program did on one split.

    Attributes
    ----------
    images
        How many there are.
    before, after
        `accuracy`, `fidelity` and `undecided` as shares; None where that was not measured.
    changed
        The ids of the images that are decided otherwise; None where it is not known.
    classes
        The classes of which some image, by its label or by the network's decision, is decided
        otherwise.
    """

    images: int
    before: Figures = field(default_factory=lambda: NOT_MEASURED)
    after: Figures = field(default_factory=lambda: NOT_MEASURED)
    changed: tuple[str, ...] | None = ()
    classes: Mapping[str, ClassComparison] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """`images`, each figure before and after, how many `changed`, and the `classes`."""
        return {
            "images": self.images,
            **pairs(COMPARED, self.before, self.after),
            "changed": None if self.changed is None else len(self.changed),
            "classes": {name: one.to_json() for name, one in self.classes.items()},
        }


def compare_split(
    before: Evaluation | None,
    after: Evaluation | None,
    split: Seen,
    ids: Sequence[str],
    classes: Sequence[str],
) -> SplitComparison:
    """Compare what two programs decide.

    Parameters
    ----------
    before, after
        What they decide of the n images; None for a program that cannot be entered there.
    split, ids
        The images as the network sees them, and their names, n each.
    classes
        The names that decisions are indices into.
    """
    first, second = _figures(before, split), _figures(after, split)
    if before is None or after is None:
        return SplitComparison(len(ids), first, second, changed=None)
    changed = before.decisions != after.decisions
    return SplitComparison(
        len(ids),
        first,
        second,
        tuple(ids[int(place)] for place in np.flatnonzero(changed)),
        _by_class(before.decisions, after.decisions, split, classes),
    )


def pairs(
    keys: Sequence[str], before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """What each of `keys` was, and is."""
    return {key: {"before": before[key], "after": after[key]} for key in keys}


def _figures(found: Evaluation | None, split: Seen) -> Figures:
    if found is None:
        return NOT_MEASURED
    return {**compared(found.decisions, split), "undecided": float((~found.decided).mean())}


def _by_class(
    before: Ints, after: Ints, split: Seen, classes: Sequence[str]
) -> dict[str, ClassComparison]:
    changed = before != after
    found = {}
    for index, name in enumerate(classes):
        seen = split.decisions == index
        labelled = np.zeros_like(seen) if split.labels is None else split.labels == index
        if changed[seen | labelled].any():
            first, second = (
                {
                    "accuracy": _share(decisions == index, labelled),
                    "fidelity": _share(decisions == index, seen),
                }
                for decisions in (before, after)
            )
            found[name] = ClassComparison(first, second, int(changed[seen].sum()))
    return found


def _share(hits: Bools, among: Bools) -> float | None:
    return float(hits[among].mean()) if among.any() else None
