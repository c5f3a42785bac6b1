"""Measuring a revision, as its files are now, on any data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from proofsight_server.extraction.figures import figures_of
from proofsight_server.extraction.hybrids import quantised_networks
from proofsight_server.extraction.loading import revision_layers
from proofsight_server.extraction.misfit import misfit_of
from proofsight_server.extraction.probing import SPLITS, Seen, see
from proofsight_server.extraction.progress import Watch
from proofsight_server.knowledge.revision import Revision
from proofsight_server.vision.dataset import Dataset
from proofsight_server.vision.network import Network

BATCH = 256
_COMPARED = ("images", "accuracy", "cnn_accuracy", "fidelity", "undecided")


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """A revision measured on a data set.

    Attributes
    ----------
    revision, data
        What was measured, on what.
    figures
        As `figures_of` gives them; each of the `entries` also with `network`, the figures of
        the network on top of that layer's bits (see `quantised_networks`).
    edited
        The program files that were edited since the revision was published.
    near_ties
        Per split, the images with a value so close to its threshold that another machine may
        decide otherwise.
    note
        How the figures stand to those of the manifest, in a sentence.
    misfit
        What to look at where the network itself hardly fits the labels (see `misfit_of`).
    """

    revision: str
    data: str
    figures: Mapping[str, Any]
    edited: tuple[str, ...]
    near_ties: Mapping[str, int]
    note: str
    misfit: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The document of `evaluate --json`: the figures, and what they are of."""
        document = asdict(self)
        figures = document.pop("figures")
        return {**figures, **document, "edited_since_measured": bool(self.edited)}


def evaluate_revision(
    revision: Revision,
    dataset: Dataset,
    network: Network,
    *,
    batch: int = BATCH,
    watch: Watch | None = None,
) -> EvaluationReport:
    """Measure a revision's program, edits by hand included, on every split of a data set.

    Raises
    ------
    BadDataset
        The data set's classes are not the network's.
    UnknownLayer, BadRevision
        `quantiser.pl` was edited to read what the network does not have.
    Cancelled
        `watch` says that the work is no longer wanted.
    """
    watch = watch or Watch()
    quantisation = revision.quantisation
    layers = revision_layers(revision, network)
    seen = see(dataset, network, quantisation.features, layers, batch=batch, watch=watch)
    with watch.step("measuring"):
        seed = int(revision.manifest.method.get("seed", 0))
        figures = figures_of(revision.program, quantisation, seen, seed=seed)
    entered = {entry["layer"] for entry in figures["entries"]}
    hybrids = quantised_networks(
        quantisation,
        [info for info in layers if info.layer.atom in entered],
        dataset,
        network,
        seen,
        batch=batch,
        watch=watch,
    )
    entries = [{**entry, "network": hybrids[entry["layer"]]} for entry in figures["entries"]]
    figures = {**figures, "entries": entries}
    with watch.step("comparing"):
        note = _note(revision, dataset, figures)
    return EvaluationReport(
        revision.name,
        dataset.uri,
        figures,
        revision.edited,
        {name: _near_ties(revision, split) for name, split in seen.items()},
        note,
        misfit_of(seen, network.classes),
    )


def _near_ties(revision: Revision, split: Seen) -> int:
    near = revision.quantisation.near_ties(split.values)
    return int(np.count_nonzero(near.any(axis=1)))


def _note(revision: Revision, dataset: Dataset, figures: Mapping[str, Any]) -> str:
    if revision.edited:
        return f"edited since measured: {', '.join(revision.edited)}"
    data = revision.manifest.data
    if dataset.fingerprint() != data["fingerprint"]:
        return f"other data than the rules were extracted from ({data['uri']})"
    stored = revision.manifest.figures
    if not stored:
        return "not measured when it was published"
    if dataset.seed != data["seed"]:
        return f"other splits than at extraction: seed {dataset.seed} instead of {data['seed']}"
    changed = [
        f"{split}.{key}: {stored[split][key]} → {figures[split][key]}"
        for split in SPLITS
        for key in _COMPARED
        if stored[split][key] != figures[split][key]
    ]
    if changed:
        return f"differs from the figures at extraction: {'; '.join(changed)}"
    return "the same figures as at extraction"
