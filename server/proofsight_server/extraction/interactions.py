"""From an image and published networks to the interactions between the image's regions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from proofsight_server.errors import BadDataset
from proofsight_server.extraction.loading import load_revision_network, open_revision_dataset
from proofsight_server.extraction.pixel_digest import digest_pixels
from proofsight_server.extraction.progress import Watch
from proofsight_server.interactions.cache import LogitCache
from proofsight_server.interactions.image_explanation import (
    ImageExplanation,
    Solving,
    explain_image,
)
from proofsight_server.interactions.regions import Regions
from proofsight_server.interactions.tables import Estimate, Subject
from proofsight_server.interactions.tabulation import Asked, tabulate
from proofsight_server.knowledge.annex import add_annex
from proofsight_server.knowledge.interaction_source import FactFile, write_interactions
from proofsight_server.knowledge.revision import Revision
from proofsight_server.symbols.feature import Floats
from proofsight_server.vision.dataset import Dataset
from proofsight_server.vision.image import Pixels, decode

_SAMPLED = 2000  # training images whose mean colour is taken


@dataclass(frozen=True, slots=True, eq=False)
class ExplainedImage:
    """An image, its explanation, and the facts that are stored of it.

    `pixels` is (height, width, 3) uint8; `digest` is theirs, see `digest_pixels`.
    """

    stem: str
    pixels: Pixels
    digest: str
    explanation: ImageExplanation
    facts: FactFile


def interactions_of(
    revisions: Sequence[Revision],
    data: bytes,
    stem: str,
    regions: Callable[[Pixels], Regions],
    asked: Asked,
    solving: Solving,
    *,
    dataset: Dataset | None = None,
    allow: frozenset[str] = frozenset(),
    cache: LogitCache | None = None,
    told: Callable[[Estimate], None] | None = None,
    watch: Watch | None = None,
) -> ExplainedImage:
    """Explain the score of one image by several networks.

    Parameters
    ----------
    revisions
        Whose networks, all of the same classes.
    data
        The bytes of a PNG, JPEG or WebP file.
    stem
        A name of the image for people, such as its file's.
    regions
        Gives those of the image, (height, width, 3) uint8; see `find_regions`.
    dataset
        Whose training images' mean colour the baseline `mean` takes; that of each revision.
    allow
        Model factories that may be imported because a manifest names them.
    told
        Takes the estimate, that of extracting included, before the work begins.

    Raises
    ------
    BadImage
        The bytes are no image.
    BadOption, BadTensor, UnknownClass, BadModel, BadWeights, BadDataset
        As `regions`, `tabulate`, `explain_image` and loading a network or data set do.
    """
    watch = watch or Watch()
    pixels = decode(data, "RGB")
    found = regions(pixels)
    subjects = [
        _subject(revision, data, asked.baseline.kind == "mean", dataset, allow)
        for revision in revisions
    ]

    def tell(estimate: Estimate) -> None:
        solving.check(estimate.regions)
        if told is not None:
            longest = solving.longest(estimate.networks, estimate.regions)
            told(replace(estimate, extracting=longest))

    tables = tabulate(subjects, found, asked, cache=cache, progress=watch, told=tell)
    with watch.step("extracting interactions"):
        explanation = explain_image(
            tables, solving, renaming=watch.phase("extracting from renamed regions")
        )
    digest = digest_pixels(pixels)
    facts = write_interactions(explanation, stem, _info(digest, explanation))
    return ExplainedImage(stem, pixels, digest, explanation, facts)


def store(revisions: Sequence[Revision], image: ExplainedImage, page: str) -> list[Path]:
    """Add facts and page to the annexes of every revision; the same content twice is one file.

    What is stored before is kept: facts of the same image with other regions are of another atom.
    """
    return [
        add_annex(revision, path, text.encode())
        for revision in revisions
        for path, text in (
            (image.facts.path, image.facts.text),
            (f"interactions/{image.facts.image}.html", page),
        )
    ]


def _subject(
    revision: Revision,
    data: bytes,
    with_mean: bool,
    dataset: Dataset | None,
    allow: frozenset[str],
) -> Subject:
    network = load_revision_network(revision, allow=allow)
    pixels = decode(data, network.preprocessing.mode)
    if not with_mean:
        return Subject(revision.name, network, pixels)
    found = dataset or open_revision_dataset(revision)
    return Subject(revision.name, network, pixels, _mean_colour(found, pixels.shape[2]))


def _mean_colour(dataset: Dataset, channels: int) -> Floats:
    """(channels,) the mean of the first training images; grey is the mean of colours."""
    count = min(len(dataset.train), _SAMPLED)
    if not count:
        raise BadDataset("the baseline mean needs training images, and the data set has none")
    sums = [np.asarray(dataset.train.images[i]).mean(axis=(0, 1)) for i in range(count)]
    mean = np.mean(sums, axis=0)
    return np.resize(mean if len(mean) == channels else mean.mean(), channels).astype(np.float32)


def _info(digest: str, explanation: ImageExplanation) -> dict[str, str | int | float]:
    tables, found = explanation.tables, explanation.found
    info: dict[str, str | int | float] = {
        "pixels": digest,
        "score": str(tables.score),
        "verdict": tables.score.verdict,
        "baseline": tables.baseline,
        "regions": tables.regions.made,
        "objective": found.objective,
        "alpha": found.alpha,
        "box": found.box,
        "gap": found.gap,
    }
    return info
