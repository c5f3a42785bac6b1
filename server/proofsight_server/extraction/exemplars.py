"""The training images that speak for a proposition: the strongest, and those where it is active."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from proofsight_server.errors import BadDataset, BadOption
from proofsight_server.extraction.loading import revision_layers
from proofsight_server.extraction.probing import check_classes
from proofsight_server.extraction.progress import Watch
from proofsight_server.knowledge.revision import Revision
from proofsight_server.symbols.feature import Bools, Floats, Ints, Proposition
from proofsight_server.vision.dataset import Dataset, Split
from proofsight_server.vision.network import Network
from proofsight_server.vision.probe import Reader, probe_split

_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Purity:
    """Shares of the classes among some images, in 0..1 and in the order of the classes.

    `images` is how many there are; without any, all shares are 0.
    """

    images: int
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Exemplars:
    """The training images of one proposition.

    Attributes
    ----------
    proposition
        The proposition; it has a feature.
    images
        (m,) positions in the training split: greatest value first, ties by image id.
    values
        (m,) float32, of the feature on those images.
    top, active
        Which classes those images have, and all images where the proposition is active.
    """

    proposition: Proposition
    images: Ints
    values: Floats
    top: Purity
    active: Purity


@dataclass(frozen=True, slots=True)
class Exhibition:
    """The exemplars of several propositions, and the training images that they were taken from.

    `classes` (n,) indexes the network's classes: labels where the data has them, otherwise
    what the network decides, which `labelled` tells; `decisions` (n,) and `logits` (n, classes)
    are the network's.
    """

    split: Split
    classes: Ints
    labelled: bool
    decisions: Ints
    logits: Floats
    exemplars: tuple[Exemplars, ...]

    def strongest(self, values: Floats, top: int) -> Ints:
        """The images of greatest value (n,), ties by image id."""
        return np.lexsort((_ranks(self.split.ids), -values))[:top]


def chosen(revision: Revision, *, everything: bool) -> tuple[Proposition, ...]:
    """The propositions to look at: those with a feature that the program uses, or all.

    Raises
    ------
    BadOption
        There are none.
    """
    used = set(revision.program.propositions())
    wanted = tuple(p for p in revision.quantisation.observable if everything or p.name in used)
    if not wanted:
        raise BadOption(
            f"{revision.name}: its program uses no proposition that is read off the network; "
            "take all with --all"
        )
    return wanted


def exhibit(
    revision: Revision,
    dataset: Dataset,
    network: Network,
    propositions: Sequence[Proposition],
    *,
    top: int,
    batch: int = 256,
    only: Sequence[int] | None = None,
    watch: Watch,
) -> Exhibition:
    """Find the exemplars of propositions among the training images of a data set.

    Parameters
    ----------
    top
        Images per proposition.
    only
        Positions in the training split that are looked at; None: all.

    Raises
    ------
    BadDataset
        Its classes are not the network's, or it has no training images.
    UnknownLayer, BadRevision
        `quantiser.pl` was edited to read what the network does not have.
    """
    check_classes(dataset, network.classes)
    split = dataset.train if only is None else dataset.train.take(list(only))
    if not len(split):
        raise BadDataset(f"{dataset.uri} has no training images to look at", data=dataset.uri)
    layers = revision_layers(revision, network)
    features = [p.feature for p in propositions if p.feature is not None]
    reader = Reader(network, features, layers)
    seen = probe_split(reader, split, batch=batch, progress=watch.phase("probing train"))
    classes = seen.decisions if split.labels is None else split.labels
    rank = _ranks(split.ids)
    exemplars = []
    for column, proposition in enumerate(propositions):
        values = seen.values[:, column]
        order = np.lexsort((rank, -values))[:top]
        count = len(network.classes)
        exemplars.append(
            Exemplars(
                proposition,
                order,
                values[order],
                _purity(classes[order], count),
                _purity(classes[proposition.holds(values)], count),
            )
        )
    return Exhibition(
        split,
        classes,
        split.labels is not None,
        seen.decisions,
        seen.logits,
        tuple(exemplars),
    )


def active(exemplars: Exemplars) -> Bools:
    """Whether the proposition is active, per exemplar."""
    return exemplars.proposition.holds(exemplars.values)


def _purity(classes: Ints, count: int) -> Purity:
    shares = np.bincount(classes, minlength=count) / max(len(classes), 1)
    return Purity(len(classes), tuple(float(share) for share in shares))


def _ranks(ids: Sequence[str]) -> Ints:
    """The place of each id when they are sorted, numbers in them as numbers."""
    order = sorted(range(len(ids)), key=lambda place: _natural(ids[place]))
    ranks = np.empty(len(ids), dtype=np.int64)
    ranks[order] = np.arange(len(ids))
    return ranks


def _natural(name: str) -> list[str | int]:
    return [int(part) if place % 2 else part for place, part in enumerate(_DIGITS.split(name))]
