"""The work of scoring every masked version of one image, planned first and then done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from proofsight_server.errors import BadOption
from proofsight_server.interactions.baseline import Baseline
from proofsight_server.interactions.cache import LogitCache
from proofsight_server.interactions.learned_baseline import learn_fill
from proofsight_server.interactions.masked import MaskedImage, dummies
from proofsight_server.interactions.masks import MOST_REGIONS
from proofsight_server.interactions.network_scores import NetworkScores, Progress, score_network
from proofsight_server.interactions.regions import Regions
from proofsight_server.interactions.score import Score
from proofsight_server.interactions.tables import Estimate, Subject, Tables
from proofsight_server.vision.class_column import class_column

DEFAULT_MOST = 12
_SHORTCUT_FROM = 9
_TIMED = 16


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What is to be tabulated.

    Attributes
    ----------
    class_name
        The class to explain, by name or index; None: the top class of the first network.
    most
        Regions are refused above it, at most 16; each doubles the work.
    shortcut_from
        Regions from which the first layer is computed once per region where that is exact: for
        fewer masks, finding out takes as long as it saves.
    seed
        Of drawn noise and of the masks that are checked.
    """

    baseline: Baseline = field(default_factory=Baseline)
    score: Score = field(default_factory=Score)
    class_name: str | None = None
    most: int = DEFAULT_MOST
    shortcut_from: int = _SHORTCUT_FROM
    seed: int = 0


def tabulate(
    subjects: Sequence[Subject],
    regions: Regions,
    asked: Asked,
    *,
    cache: LogitCache | None = None,
    progress: Progress = lambda phase, done, total: None,
    told: Callable[[Estimate], None] = lambda estimate: None,
) -> Tables:
    """Score all 2^n masks of the regions with every network.

    Parameters
    ----------
    subjects
        Networks of the same classes, each with the image in its own mode.
    cache
        Where logits are kept and found again; without it, nothing is kept.
    progress
        Takes phase, steps done and in all; what it raises ends the work, and what is done stays in
        the cache.
    told
        Takes the estimate, before the work begins.

    Raises
    ------
    BadOption
        Too many regions (the message has the estimate), networks with different classes or images
        of another size than the regions.
    UnknownClass
        A class that the networks do not have.
    BadTensor
        Logits that are not finite or are probabilities; scores that do not move or are saturated.
    """
    classes = _shared_classes(subjects)
    _check_sizes(subjects, regions)
    rng = np.random.default_rng(asked.seed)
    tops = tuple(_top(subject) for subject in subjects)
    column = class_column(asked.class_name or tops[0], classes)
    chosen, score = classes[column], asked.score.named(column, classes)
    _check_count(subjects, regions, asked, hard=True)
    drawn = [_images(subject, regions, asked.baseline, rng) for subject in subjects]
    if asked.baseline.kind == "learned":
        drawn = learn_fill(drawn, score, chosen, asked.baseline.steps, progress)
    gone = dummies([image for images in drawn for image in images])
    if len(regions) - len(gone) < 2:
        raise BadOption(
            f"{len(gone)} of {len(regions)} regions equal the baseline {asked.baseline}, so that "
            "masking them changes nothing; choose another baseline, or regions that show something"
        )
    live = regions.without(gone)
    _check_count(subjects, live, asked, hard=False)
    drawn = [[MaskedImage(i.network, i.pixels, i.fill, live) for i in images] for images in drawn]
    told(_estimate(drawn, len(live)))
    runs = [
        score_network(
            subject,
            images,
            score,
            chosen,
            rng,
            shortcut_from=asked.shortcut_from,
            cache=cache,
            progress=progress,
        )
        for subject, images in zip(subjects, drawn, strict=True)
    ]
    return Tables(
        tables=np.stack([run.scores for run in runs]),
        networks=tuple(subject.name for subject in subjects),
        class_name=chosen,
        score=score,
        baseline=str(asked.baseline),
        regions=live,
        dropped=tuple(regions.names[region] for region in gone),
        tops=tops,
        rounding=tuple(run.rounding for run in runs),
        shortcut=tuple(run.deviation for run in runs),
        warnings=(*_warnings(subjects, tops, chosen, live, runs),),
    )


def _images(
    subject: Subject, regions: Regions, baseline: Baseline, rng: np.random.Generator
) -> list[MaskedImage]:
    pixels = subject.pixels.astype(np.float32)
    fills = baseline.fill(pixels, subject.network.preprocessing, subject.mean, rng)
    return [MaskedImage(subject.network, pixels, fill, regions) for fill in fills]


def _top(subject: Subject) -> str:
    with torch.inference_mode():
        logits = subject.network.module(subject.network.prepare(subject.pixels[None]))[0]
    return subject.network.classes[int(logits.argmax())]


def _shared_classes(subjects: Sequence[Subject]) -> tuple[str, ...]:
    if not subjects:
        raise BadOption("there is no network to explain; name at least one knowledge base")
    names = [subject.name for subject in subjects]
    if len(set(names)) < len(names):
        raise BadOption(f"{max(names, key=names.count)} is named twice; name each network once")
    first = subjects[0].network.classes
    for subject in subjects[1:]:
        other = subject.network.classes
        odd = sorted(set(first) ^ set(other))
        if odd:
            owner = subjects[0].name if odd[0] in first else subject.name
            raise BadOption(
                f"{subjects[0].name} and {subject.name} have different classes ({odd[0]} is one of "
                f"{owner} only); interactions are shared by networks of the same classes",
                **{"class": odd[0]},
            )
    return first


def _check_sizes(subjects: Sequence[Subject], regions: Regions) -> None:
    for subject in subjects:
        if subject.pixels.shape[:2] != regions.size:
            height, width = regions.size
            raise BadOption(
                f"the regions are of an image of {width} x {height} pixels, and {subject.name} is "
                f"given {subject.pixels.shape[1]} x {subject.pixels.shape[0]}; give the image that "
                "the regions were made for"
            )


def _check_count(
    subjects: Sequence[Subject], regions: Regions, asked: Asked, *, hard: bool
) -> None:
    """Refuse too many regions; before dummies are known, only those that none could mend."""
    if not 2 <= asked.most <= MOST_REGIONS:
        raise BadOption(
            f"the most regions can be 2..{MOST_REGIONS}, not {asked.most}", most=asked.most
        )
    # Dummies halve the work each, but finding them needs one forward per region.
    most = 3 * MOST_REGIONS if hard else asked.most
    if len(regions) <= most:
        return
    small = regions.without(range(4, len(regions)))
    rng = np.random.default_rng(asked.seed)
    black = Baseline("black")
    images = [_images(subject, small, black, rng) * asked.baseline.draws for subject in subjects]
    estimate = _estimate(images, len(regions))
    remedy = (
        f"take at most {MOST_REGIONS}"
        if len(regions) > MOST_REGIONS
        else f"take at most {asked.most}, or allow more with --most-regions {len(regions)}"
    )
    raise BadOption(
        f"{len(regions)} regions are too many: {estimate}; {remedy}",
        regions=len(regions),
        most=asked.most,
    )


def _estimate(drawn: Sequence[Sequence[MaskedImage]], regions: int) -> Estimate:
    masks = 1 << regions
    seconds, size = 0.0, 0
    for images in drawn:
        tried = np.arange(_TIMED) % (1 << len(images[0].regions))
        images[0].logits(tried)  # the first pass of a network takes longer
        begun = time.perf_counter()
        images[0].logits(tried)
        seconds += (time.perf_counter() - begun) / _TIMED * masks * len(images)
        # Logits in float32, the scores, and about eight tables that the solver holds.
        size += masks * (4 * len(images[0].network.classes) + 10 * 8)
    return Estimate(regions, len(drawn), seconds, size)


def _warnings(
    subjects: Sequence[Subject],
    tops: Sequence[str],
    chosen: str,
    regions: Regions,
    runs: Sequence[NetworkScores],
) -> list[str]:
    found = []
    for subject, top, run in zip(subjects, tops, runs, strict=True):
        if top != chosen:
            found.append(f"{subject.name} decides {top}, not {chosen}, of the whole image")
        if run.rounding > 1:
            found.append(
                f"{subject.name}: float32 forward passes are off by {run.rounding:.1f} times what "
                "the noise box takes up at the highest order; trust low orders only"
            )
    if regions.background > 0:
        found.append(
            f"{regions.background:.0%} of the image is in no region, or in one that equals the "
            "baseline, and is never masked"
        )
    return found
