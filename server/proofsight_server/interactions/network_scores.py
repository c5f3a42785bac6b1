"""The scores that one network gives the masked versions of an image."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from proofsight_server.interactions.cache import LogitCache, digest_network, digest_table
from proofsight_server.interactions.first_layer import FirstLayer, first_layer
from proofsight_server.interactions.masked import MaskedImage
from proofsight_server.interactions.masks import Doubles
from proofsight_server.interactions.score import Score, check_moves
from proofsight_server.interactions.tables import Subject
from proofsight_server.symbols.feature import Floats, Ints

Progress = Callable[[str, int, int], None]

_BATCH = 128
_CHECKED = 6
_SAVED_SECONDS = 15.0
_BOX = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class NetworkScores:
    """The scores of one network, and how far they can be trusted.

    Attributes
    ----------
    scores
        (2^n,), of each mask.
    rounding
        The error of float32 forward passes at the highest order, as a share of the noise box.
    deviation
        Of logits by the short cut of the first layer from plain ones; NaN where it was not taken.
    """

    scores: Doubles
    rounding: float
    deviation: float


def score_network(
    subject: Subject,
    images: Sequence[MaskedImage],
    score: Score,
    chosen: str,
    rng: np.random.Generator,
    *,
    shortcut_from: int,
    cache: LogitCache | None,
    progress: Progress,
) -> NetworkScores:
    """The mean score of a class over images, which differ in what masked regions show.

    Parameters
    ----------
    shortcut_from
        Regions from which the first layer is computed once per region, where that is exact.
    cache
        Where logits are kept and found again.

    Raises
    ------
    BadTensor
        Logits that are not finite or are probabilities; scores that do not move or are saturated.
    """
    network = digest_network(subject.network) if cache else ""
    classes = subject.network.classes
    index = classes.index(chosen)
    total = np.zeros(1 << len(images[0].regions))
    deviation = math.nan
    count = len(images) * len(total)
    for number, image in enumerate(images):
        worth = len(image.regions) >= shortcut_from
        short = first_layer(image, rng) if worth else None
        path = "first layer" if short else "plain"
        done = number * len(total)
        logits = _logits(
            short or image,
            len(total),
            cache,
            digest_table(network, image, path) if cache else "",
            partial(_further, progress, f"{subject.name}: masks", done, count),
        )
        total += score.of(logits.astype(np.float64), index, classes)
        if short:
            deviation = np.fmax(deviation, short.deviation)
    scores = total / len(images)
    check_moves(scores, subject.name)
    return NetworkScores(scores, _rounding(images[0], score, index, scores, rng), float(deviation))


def _further(progress: Progress, phase: str, before: int, total: int, step: int) -> None:
    progress(phase, before + step, total)


def _logits(
    source: MaskedImage | FirstLayer,
    count: int,
    cache: LogitCache | None,
    key: str,
    progress: Callable[[int], None],
) -> Floats:
    """(count, classes) float32, going on from what the cache has."""
    found = cache.read(key) if cache else None
    parts = [] if found is None or len(found) > count else [found]
    done = fresh = len(parts[0]) if parts else 0
    saved = time.monotonic()
    try:
        while done < count:
            progress(done)
            masks = np.arange(done, min(done + _BATCH, count))
            parts.append(source.logits(masks).numpy())
            done += len(masks)
            if cache and time.monotonic() - saved > _SAVED_SECONDS:
                parts = [np.concatenate(parts)]
                cache.write(key, parts[0])
                saved, fresh = time.monotonic(), done
    finally:
        if cache and done > fresh:
            cache.write(key, np.concatenate(parts))
    progress(done)
    return np.concatenate(parts)


def _rounding(
    image: MaskedImage, score: Score, index: int, scores: Doubles, rng: np.random.Generator
) -> float:
    """The error of float32 forward passes at the highest order, as a share of the noise box.

    An error of the scores grows by up to 2^(n/2) in the effect of all n regions.
    """
    masks: Ints = rng.integers(0, len(scores), size=_CHECKED)
    module = copy.deepcopy(image.network.module).double()
    with torch.inference_mode():
        exact = module(image.batch(masks).double()).numpy()
    single = image.logits(masks).numpy().astype(np.float64)
    classes = image.network.classes
    error = np.abs(score.of(exact, index, classes) - score.of(single, index, classes)).max()
    allowed = _BOX * max(abs(float(scores[-1] - scores[0])), 1e-9)
    return float(error * math.sqrt(len(scores)) / allowed)
