"""Several revisions beside each other: the same figures on the same images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proofsight_server.errors import BadOption
from proofsight_server.extraction.figures import figures_of
from proofsight_server.extraction.loading import load_revision_network, revision_layers
from proofsight_server.extraction.probing import see
from proofsight_server.extraction.progress import Watch
from proofsight_server.knowledge.revision import Revision
from proofsight_server.rules.metrics import Summary, summarise
from proofsight_server.vision.dataset import Dataset

BATCH = 256
SPLITS = ("train", "validation", "test")
RATES = ("accuracy", "cnn_accuracy", "fidelity", "undecided", "covered_fidelity", "error_fidelity")
SIZES = ("atoms", "rules", "literals", "propositions", "mean_body_length")


@dataclass(frozen=True, slots=True)
class Column:
    """One revision and its figures; `stored` are those of its manifest, else they are measured."""

    revision: Revision
    figures: Mapping[str, Any]
    stored: bool


def comparable(revisions: Sequence[Revision], fingerprint: str, seed: int) -> list[bool]:
    """Whether each revision's stored figures are of these images, split in this way."""
    return [
        bool(revision.manifest.figures)
        and not revision.edited_since_measured
        and revision.manifest.data["fingerprint"] == fingerprint
        and int(revision.manifest.data["seed"]) == seed
        for revision in revisions
    ]


def beside(
    revisions: Sequence[Revision],
    dataset: Dataset | None = None,
    *,
    allow: frozenset[str] = frozenset(),
    watch: Watch | None = None,
) -> tuple[Column, ...]:
    """Figures of several revisions on the same images.

    Stored figures are taken where they are of these images; the other revisions are measured.

    Parameters
    ----------
    dataset
        The images; without, those of the first revision's manifest, for which every revision
        must then have stored figures.
    allow
        Model factories that may be imported because a manifest names them.

    Raises
    ------
    BadOption
        A revision has no stored figures that compare, and there is no data to measure it on.
    BadDataset
        The data set has other classes than a revision.
    """
    watch = watch or Watch()
    first = revisions[0].manifest.data
    fingerprint = first["fingerprint"] if dataset is None else dataset.fingerprint()
    seed = int(first["seed"]) if dataset is None else dataset.seed
    columns = []
    for revision, same in zip(revisions, comparable(revisions, fingerprint, seed), strict=True):
        if same:
            columns.append(Column(revision, revision.manifest.figures, stored=True))
        elif dataset is None:
            raise BadOption(
                f"the stored figures of {revision.name} do not compare with those of "
                f"{revisions[0].name} (other data, other splits, edited, or not measured); name "
                "the data to measure on with --data",
                option="data",
            )
        else:
            columns.append(Column(revision, _measured(revision, dataset, allow, watch), False))
    return tuple(columns)


def summary_of_figures(figures: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Summary]]:
    """Mean and deviation over revisions: of the rates of each split, and under `size` of the sizes.

    A figure that no revision has is left out.
    """
    summaries = {
        name: summarise([{key: one[name].get(key) for key in RATES} for one in figures])
        for name in SPLITS
    }
    return {**summaries, "size": summarise([{key: one[key] for key in SIZES} for one in figures])}


def differences(revisions: Sequence[Revision]) -> tuple[str, ...]:
    """How revisions differ that should differ in their seeds only.

    The keys of their methods, `data`, and for each that was edited `NAME made from PARENT`.
    """
    methods = [revision.manifest.method for revision in revisions]
    # Older manifests lack keys that newer ones have: those tell nothing.
    shared = set.intersection(*map(set, methods)) - {"seed"}
    found = [
        key
        for key in sorted(shared)
        if any(_unseeded(method[key]) != _unseeded(methods[0][key]) for method in methods)
    ]
    prints = {revision.manifest.data["fingerprint"] for revision in revisions}
    edits = [
        f"{revision.name} made from {parent}"
        for revision in revisions
        if (parent := revision.manifest.revised.get("parent"))
    ]
    return (*found, *(["data"] if len(prints) > 1 else []), *edits)


def repeated(revisions: Sequence[Revision]) -> tuple[str, ...]:
    """The names of revisions that have the seeds of an earlier one: of training and extraction."""
    seen, names = set(), []
    for revision in revisions:
        manifest = revision.manifest
        seeds = (manifest.method.get("seed"), manifest.training.get("seed"))
        if seeds in seen:
            names.append(revision.name)
        seen.add(seeds)
    return tuple(names)


def _unseeded(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: inner for key, inner in value.items() if key != "seed"}
    return value


def _measured(
    revision: Revision, dataset: Dataset, allow: frozenset[str], watch: Watch
) -> Mapping[str, Any]:
    network = load_revision_network(revision, allow=allow)
    layers, quantisation = revision_layers(revision, network), revision.quantisation
    seen = see(dataset, network, quantisation.features, layers, batch=BATCH, watch=watch)
    seed = int(revision.manifest.method.get("seed", 0))
    return figures_of(revision.program, quantisation, seen, seed=seed)
