"""A program beside the one that it was made from: figures, sizes, and images that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from proofsight_server.extraction.probing import SPLITS, Seen
from proofsight_server.rules.evaluation import evaluate
from proofsight_server.rules.metrics import measure, size_of
from proofsight_server.rules.program import Program
from proofsight_server.symbols.quantisation import Quantisation
from proofsight_server.vision.dataset import Dataset

COMPARED = ("accuracy", "fidelity", "undecided")
SIZES = ("rules", "literals", "atoms", "propositions")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a change of a program did.

    Attributes
    ----------
    parent
        The revision that it was made from: `digits/3`.
    before, after
        Figures of both on the same data, as `figures_of` gives them; empty where they were not
        measured.
    changed
        Per split, the ids of the images that the program now decides otherwise.
    """

    parent: str
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Per split `accuracy`, `fidelity` and `undecided` before and after, and how many changed.

        Beside them the sizes, and the ids of the validation images that changed.
        """
        if not self.after:
            return {"parent": self.parent}
        return {
            "parent": self.parent,
            **{
                name: {
                    "images": self.after[name]["images"],
                    **self._pairs(COMPARED, self.before[name], self.after[name]),
                    "changed": len(self.changed.get(name, ())),
                }
                for name in SPLITS
            },
            "size": self._pairs(SIZES, self.before, self.after),
            "changed_validation_images": list(self.changed.get("validation", ())),
        }

    @staticmethod
    def _pairs(
        keys: Sequence[str], before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> dict[str, Any]:
        return {key: {"before": before[key], "after": after[key]} for key in keys}


def summary_of(
    program: Program, quantisation: Quantisation, seen: Mapping[str, Seen]
) -> dict[str, Any]:
    """What a comparison needs of the figures of a program."""
    figures: dict[str, Any] = {name: dict.fromkeys(COMPARED) for name in SPLITS}
    for name, split in seen.items():
        bits = quantisation.bits(split.values)
        metrics = measure(program, bits, quantisation.names, split.decisions, split.labels)
        figures[name] = {key: getattr(metrics, key) for key in COMPARED}
    size = size_of(program, quantisation.propositions)
    return {**figures, **{key: getattr(size, key) for key in SIZES}}


def changed_images(
    before: Program,
    after: Program,
    quantisation: Quantisation,
    seen: Mapping[str, Seen],
    dataset: Dataset,
) -> dict[str, tuple[str, ...]]:
    """Per split, the ids of the images that two programs over the same bits decide otherwise."""
    changed = {}
    for name, split in seen.items():
        bits = quantisation.bits(split.values)
        first, second = (
            evaluate(program, bits, quantisation.names).decisions for program in (before, after)
        )
        ids = dataset.split(name).ids
        changed[name] = tuple(ids[int(place)] for place in np.flatnonzero(first != second))
    return changed
