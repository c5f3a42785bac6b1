"""A program beside the one that it was made from, wherever they are entered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from proofsight_server.extraction.probing import SPLITS, Seen
from proofsight_server.extraction.split_comparison import (
    COMPARED,
    SplitComparison,
    compare_split,
    pairs,
)
from proofsight_server.rules.entry import entry_layers, observed_at
from proofsight_server.rules.evaluation import Evaluation, evaluate
from proofsight_server.rules.metrics import size_of
from proofsight_server.rules.program import Program
from proofsight_server.symbols.feature import Bools
from proofsight_server.symbols.quantisation import Quantisation
from proofsight_server.vision.dataset import Dataset

SIZES = ("rules", "literals", "atoms", "propositions")


@dataclass(frozen=True, slots=True)
class EntryComparison:
    """Two programs that are both entered at `layer`, on each split."""

    layer: str
    splits: Mapping[str, SplitComparison]

    def to_json(self) -> dict[str, Any]:
        """The splits by name, and the ids of the validation images that changed."""
        changed = self.splits["validation"].changed or ()
        return {
            **{name: self.splits[name].to_json() for name in SPLITS},
            "changed_validation_images": list(changed),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a change of a program did.

    Attributes
    ----------
    parent
        The revision that it was made from: `digits/3`.
    entries
        Both on the same data, for each layer that one of them can be entered at, the top layer
        first; empty where they were not measured.
    before, after
        The sizes of both; empty where they were not measured.
    """

    parent: str
    entries: tuple[EntryComparison, ...] = ()
    before: Mapping[str, int] = field(default_factory=dict)
    after: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """What changed where the programs are entered at the top, as of one entry; and sizes.

        `entries` has the same for each entry, with its `layer`, where there are several.
        """
        if not self.entries:
            return {"parent": self.parent}
        entries = self.entries if len(self.entries) > 1 else ()
        return {
            "parent": self.parent,
            **self.entries[0].to_json(),
            "size": pairs(SIZES, self.before, self.after),
            "entries": [{"layer": entry.layer, **entry.to_json()} for entry in entries],
        }


def unchanged(
    parent: str, program: Program, quantisation: Quantisation, figures: Mapping[str, Any]
) -> Comparison:
    """The comparison of a program with itself, from the figures that it has.

    Of the top entry only: a change of labels says nothing of the others.
    """
    if not figures:
        return Comparison(parent)
    splits = {}
    for name in SPLITS:
        own = {key: figures[name][key] for key in COMPARED}
        splits[name] = SplitComparison(figures[name]["images"], own, own)
    top = entry_layers(program, quantisation.by_layer)[0]
    size = {key: figures[key] for key in SIZES}
    return Comparison(parent, (EntryComparison(top, splits),), size, size)


def compare(
    parent: str,
    before: Program,
    after: Program,
    quantisation: Quantisation,
    seen: Mapping[str, Seen],
    dataset: Dataset,
) -> Comparison:
    """Compare two programs over the same bits wherever one of them can be entered.

    Parameters
    ----------
    parent
        The name of the revision that `before` is of.
    before, after
        The programs; their classes are the network's.
    quantisation, seen
        Their propositions, and every split as the network sees it.
    dataset
        Names the images.
    """
    layers = quantisation.by_layer
    enterable = {*entry_layers(before, layers), *entry_layers(after, layers)}
    bits = {name: quantisation.bits(split.values) for name, split in seen.items()}
    entries = []
    for layer in reversed(list(layers)):
        if layer not in enterable:
            continue
        splits = {name: SplitComparison(0) for name in SPLITS}
        for name, split in seen.items():
            first, second = (
                _entered(program, layer, quantisation, bits[name]) for program in (before, after)
            )
            ids = dataset.split(name).ids
            splits[name] = compare_split(first, second, split, ids, after.classes)
        entries.append(EntryComparison(layer, splits))
    sizes = (asdict(size_of(program, quantisation.propositions)) for program in (before, after))
    return Comparison(
        parent, tuple(entries), *({key: size[key] for key in SIZES} for size in sizes)
    )


def _entered(
    program: Program, layer: str, quantisation: Quantisation, bits: Bools
) -> Evaluation | None:
    """What a program decides of `bits` (n, p), entered at a layer; None where it cannot be."""
    layers = quantisation.by_layer
    if layer not in entry_layers(program, layers):
        return None
    observed = observed_at(layer, program, layers)
    return evaluate(program, bits, quantisation.names, observed=observed)
