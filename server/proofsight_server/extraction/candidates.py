"""Candidates for labels: what the images of a proposition, or masks of them, have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from proofsight_server.extraction.exemplars import Exemplars, Exhibition
from proofsight_server.extraction.loading import revision_layers
from proofsight_server.extraction.progress import Watch
from proofsight_server.knowledge.revision import Revision
from proofsight_server.symbols.feature import Bools, Floats
from proofsight_server.vision.dissection import (
    Cutoff,
    Doubles,
    Overlap,
    coverage,
    region,
    sampled,
    upsampled,
)
from proofsight_server.vision.masks import Masks
from proofsight_server.vision.network import Network
from proofsight_server.vision.probe import Probe

Method = Literal["purity", "iou", "coverage"]

# A candidate with a lower score is told, but labels nothing.  Half of the strongest images are of
# one class; the IoU that Network Dissection asks for; a fifth of the mass.
LEAST: Mapping[Method, float] = {"purity": 0.5, "iou": 0.04, "coverage": 0.2}
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that a method proposes for a proposition.

    `score` is the method's, in 0..1; `details` are the figures beside it.
    """

    proposition: str
    text: str
    method: Method
    score: float
    details: Mapping[str, float]


def purity_candidates(exhibition: Exhibition, classes: Sequence[str]) -> list[Candidate]:
    """The class that most of a proposition's strongest images have.

    Its share among them is the score; `active` its share where the proposition is active, and
    `rate` the share of all images that are; of equal shares the greater `active` goes first, then
    the order of the classes.
    """
    candidates = []
    for one in exhibition.exemplars:
        pairs = list(zip(one.top.shares, one.active.shares, strict=True))
        best = max(range(len(classes)), key=lambda c: (*pairs[c], -c))
        details = {"active": pairs[best][1], "rate": one.active.images / len(exhibition.split)}
        candidates.append(
            Candidate(one.proposition.name, classes[best], "purity", pairs[best][0], details)
        )
    return candidates


def mask_candidates(
    revision: Revision,
    network: Network,
    exhibition: Exhibition,
    masks: Masks,
    method: Method,
    *,
    watch: Watch,
) -> list[Candidate]:
    """The concept whose masks a proposition's maps fall together with best.

    `iou`: intersection over union of the mask and the map upsampled to the network's input, over
    all images with masks, where the map exceeds what 0.5 % of its positions do.  `coverage`: the
    share of the map's mass in the mask, mean over the exemplars; since large concepts win it,
    the concept is chosen by `lift` = coverage / share of the area, which must be above 1.
    A feature with a cell is compared within its cell.  Units have no map, and no candidate.

    Parameters
    ----------
    exhibition
        Of the images that have masks; `masks` knows those by the same positions.

    Raises
    ------
    BadDataset
        A mask has another size than its image, or cannot be read.
    """
    named = [one for one in exhibition.exemplars if _has_map(revision, one)]
    dissected = _Dissected(revision, network, exhibition, masks, named)
    found = dissected.ious(watch) if method == "iou" else dissected.coverages(watch)
    candidates = []
    for one, (scores, rank, details) in zip(named, found, strict=True):
        best = int(np.argmax(rank))
        if scores[best] > 0:
            candidates.append(
                Candidate(
                    one.proposition.name,
                    masks.concepts[best],
                    method,
                    float(scores[best]),
                    {name: float(values[best]) for name, values in details.items()},
                )
            )
    return candidates


# Scores per concept, by what the best is chosen, and figures beside them.
_Scores = tuple[Doubles, Doubles, Mapping[str, Doubles]]


@dataclass(frozen=True, slots=True)
class _Map:
    """|A| of one proposition in one image.

    `cell` are its positions in the cell; `large` is upsampled to the network's input, of which it
    is the part `here`.
    """

    cell: Floats
    large: Floats
    here: tuple[slice, slice]


@dataclass(frozen=True, slots=True)
class _Dissected:
    """The maps of propositions beside the masks of images."""

    revision: Revision
    network: Network
    exhibition: Exhibition
    masks: Masks
    named: Sequence[Exemplars]

    def ious(self, watch: Watch) -> list[_Scores]:
        images = range(len(self.exhibition.split))
        cutoffs: list[Cutoff] = []
        for _, maps in self._maps(images, watch, "finding thresholds"):
            cutoffs = cutoffs or [Cutoff(len(images) * map.cell.size) for map in maps]
            for cutoff, map in zip(cutoffs, maps, strict=True):
                cutoff.add(torch.from_numpy(map.cell))
        overlaps = [Overlap.none(len(self.masks.concepts)) for _ in self.named]
        thresholds = [cutoff.value for cutoff in cutoffs]
        for image, maps in self._maps(images, watch, "comparing masks"):
            shown = self._shown(image)
            for overlap, threshold, map in zip(overlaps, thresholds, maps, strict=True):
                overlap.add(map.large > threshold, shown[:, *map.here])
        scores = [overlap.iou() for overlap in overlaps]
        return [(score, score, {}) for score in scores]

    def coverages(self, watch: Watch) -> list[_Scores]:
        images = sorted({int(image) for one in self.named for image in one.images})
        concepts = len(self.masks.concepts)
        covered = np.zeros((len(self.named), concepts))
        areas = np.zeros((len(self.named), concepts))
        for image, maps in self._maps(images, watch, "comparing masks"):
            shown = self._shown(image)
            for place, (one, map) in enumerate(zip(self.named, maps, strict=True)):
                if image in one.images:
                    inside = shown[:, *map.here].reshape(concepts, -1)
                    covered[place] += coverage(map.large.ravel(), inside) / len(one.images)
                    areas[place] += inside.mean(axis=1) / len(one.images)
        lifts = np.divide(covered, areas, out=np.zeros_like(covered), where=areas > 0)
        covered[lifts <= 1] = 0  # no more than chance would cover
        return [
            (covered[place], np.where(covered[place] > 0, lifts[place], 0), {"lift": lifts[place]})
            for place in range(len(self.named))
        ]

    def _maps(
        self, images: Sequence[int], watch: Watch, phase: str
    ) -> Iterator[tuple[int, list[_Map]]]:
        """The maps of every proposition, image by image."""
        layers = [
            info
            for info in revision_layers(self.revision, self.network)
            if any(one.proposition.layer == info.layer.atom for one in self.named)
        ]
        report = watch.phase(phase)
        with Probe(self.network, layers) as probe:
            for start in range(0, len(images), _BATCH):
                together = images[start : start + _BATCH]
                pictures = [self.exhibition.split.images[image] for image in together]
                maps = probe.maps(self.network.prepare(pictures))[1]
                for place, image in enumerate(together):
                    yield image, [self._map(one, maps, place) for one in self.named]
                report(min(start + _BATCH, len(images)), len(images))

    def _map(self, one: Exemplars, maps: Mapping[str, Tensor], place: int) -> _Map:
        feature = one.proposition.feature
        assert feature is not None
        found = maps[feature.layer][place, feature.index].abs()
        map: Floats = found.reshape((1, 1) if found.ndim == 0 else found.shape).numpy()
        here = region(feature.cell, map.shape, self._size)
        cell = map if feature.cell is None else map[feature.cell.span(*map.shape)]
        return _Map(cell, upsampled(map, self._size)[here], here)

    @property
    def _size(self) -> tuple[int, int]:
        return self.network.input_shape[1], self.network.input_shape[2]

    def _shown(self, image: int) -> Bools:
        """The masks of an image, as the network's input has it."""
        height, width = self.exhibition.split.images[image].shape[:2]
        window = self.network.preprocessing.window(height, width)
        position = self.masks.annotated[image]
        return sampled(self.masks.of(position, height, width), window, self._size)


def _has_map(revision: Revision, one: Exemplars) -> bool:
    kinds = {layer.atom: layer.kind for layer in revision.quantisation.layers}
    return kinds[one.proposition.layer] != "linear"
