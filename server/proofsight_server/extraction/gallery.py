"""The gallery of a revision: for each proposition the images where it is strongest."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from proofsight_server.extraction.exemplars import Exemplars, Exhibition, active, chosen, exhibit
from proofsight_server.extraction.gallery_page import page
from proofsight_server.extraction.loading import revision_layers
from proofsight_server.extraction.progress import Watch
from proofsight_server.knowledge.annex import add_annex, named_by_content
from proofsight_server.knowledge.publication import sweep
from proofsight_server.knowledge.revision import Revision
from proofsight_server.knowledge.source import feature_term, rule_text
from proofsight_server.rules.program import Rule
from proofsight_server.symbols.feature import Feature, Floats
from proofsight_server.vision.dataset import Dataset
from proofsight_server.vision.image import Pixels
from proofsight_server.vision.network import Network
from proofsight_server.vision.overlay import Marks, cropped, encoded, is_tiny, overlaid
from proofsight_server.vision.probe import Probe
from proofsight_server.vision.receptive_field import Box, ReceptiveField, receptive_fields

ROOM = "gallery"
SCHEMA = 1
TOP = 10
_TOGETHER = 64  # images whose maps are in memory at once


@dataclass(frozen=True, slots=True)
class Gallery:
    """A gallery in its revision: the page to open, its index, and what the index says."""

    page: Path
    index: Path
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Sight:
    """One image of one proposition: what is drawn on it, and where the channel is strongest."""

    marks: Marks
    position: tuple[int, int] | None
    pictures: dict[str, str] = field(default_factory=dict)


def build_gallery(
    revision: Revision,
    dataset: Dataset,
    network: Network,
    *,
    top: int = TOP,
    everything: bool = False,
    watch: Watch | None = None,
) -> Gallery:
    """Make the gallery of a revision and add it as an annex.

    Per proposition the `top` training images of greatest feature value, ties by image id: each
    cropped to what the channel sees at its strongest position (within its cell, the first of
    equals), and whole, with the upsampled map over it and field and cell drawn.  Files are named
    by content, so the same gallery twice is one, and another one stands beside it.

    Parameters
    ----------
    everything
        All propositions instead of those that the program uses.

    Raises
    ------
    BadDataset
        Its classes are not the network's, or it has no training images.
    BadOption
        There is no proposition to show.
    BadRevision
        What is in the revision's `gallery/` was changed.
    """
    watch = watch or Watch()
    propositions = chosen(revision, everything=everything)
    exhibition = exhibit(revision, dataset, network, propositions, top=top, watch=watch)
    fields = _fields(revision, network, exhibition)
    sights = dict(_sights(revision, network, exhibition, fields, watch))
    document = _document(revision, dataset, exhibition, fields, sights, top)
    index = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False).encode()
    text = page(document).encode()
    gallery = Gallery(
        add_annex(revision, named_by_content(f"{ROOM}/index.html", text), text),
        add_annex(revision, named_by_content(f"{ROOM}/index.json", index), index),
        document,
    )
    sweep(gallery.page.parent)
    return gallery


def _fields(
    revision: Revision, network: Network, exhibition: Exhibition
) -> dict[str, ReceptiveField]:
    used = {one.proposition.layer for one in exhibition.exemplars}
    layers = [layer for layer in revision.quantisation.layers if layer.atom in used]
    return receptive_fields(network, layers)


def _sights(
    revision: Revision,
    network: Network,
    exhibition: Exhibition,
    fields: Mapping[str, ReceptiveField],
    watch: Watch,
) -> Iterator[tuple[tuple[str, int], _Sight]]:
    """What is seen, by proposition and image; the pictures are in the revision by then."""
    wanted: dict[int, list[Exemplars]] = {}
    for one in exhibition.exemplars:
        for image in one.images:
            wanted.setdefault(int(image), []).append(one)
    infos = [i for i in revision_layers(revision, network) if i.layer.atom in fields]
    report = watch.phase("drawing")
    images = sorted(wanted)
    with Probe(network, infos) as probe:
        for start in range(0, len(images), _TOGETHER):
            together = images[start : start + _TOGETHER]
            pictures = [exhibition.split.images[image] for image in together]
            maps = probe.maps(network.prepare(pictures))[1]
            for place, (image, picture) in enumerate(zip(together, pictures, strict=True)):
                for one in wanted[image]:
                    feature = one.proposition.feature
                    assert feature is not None
                    map = maps[feature.layer][place].numpy()
                    sight = _sight(network, picture, feature, map, fields[feature.layer])
                    sight.pictures.update(_drawn(revision, picture, sight.marks))
                    yield (one.proposition.name, image), sight
            report(min(start + _TOGETHER, len(images)), len(images))


def _sight(
    network: Network, picture: Pixels, feature: Feature, map: Floats, seen: ReceptiveField
) -> _Sight:
    height, width = picture.shape[:2]
    window = network.preprocessing.window(height, width)
    inside = _Inside(window, network.input_shape[1:], (height, width))
    if map.ndim == 1:
        return _Sight(Marks(window, None, inside.pixels(seen.of(None)), None), None)
    heat = np.abs(map[feature.index])
    rows, columns = slice(0, heat.shape[0]), slice(0, heat.shape[1])
    if feature.cell is not None:
        rows, columns = feature.cell.span(*heat.shape)
    part = heat[rows, columns]
    row, column = np.unravel_index(int(part.argmax()), part.shape)
    position = rows.start + int(row), columns.start + int(column)
    cell = None
    if feature.cell is not None:
        tile = (columns.start, rows.start, columns.stop, rows.stop)
        cell = inside.share(tile, (heat.shape[1], heat.shape[0]))
    return _Sight(Marks(window, heat, inside.pixels(seen.at(*position)), cell), position)


@dataclass(frozen=True, slots=True)
class _Inside:
    """From the network's input to the picture: `input` and `picture` are (height, width)."""

    window: tuple[float, float, float, float]
    input: tuple[int, ...]
    picture: tuple[int, int]

    def share(self, box: Box, of: tuple[int, int]) -> tuple[float, float, float, float]:
        """A box over something that tiles the window, of a width and height, in the picture."""
        left, top, right, bottom = self.window
        x, y = (right - left) / of[0], (bottom - top) / of[1]
        return left + box[0] * x, top + box[1] * y, left + box[2] * x, top + box[3] * y

    def pixels(self, box: Box) -> Box:
        """The pixels of the picture that a box of the input touches; one at least."""
        left, top, right, bottom = self.share(box, (self.input[1], self.input[0]))
        height, width = self.picture
        first = min(math.floor(left), width - 1), min(math.floor(top), height - 1)
        last = min(max(math.ceil(right), first[0] + 1), width), max(math.ceil(bottom), first[1] + 1)
        return first[0], first[1], last[0], min(last[1], height)


def _drawn(revision: Revision, picture: Pixels, marks: Marks) -> dict[str, str]:
    """Add the pictures, and answer their paths in the gallery."""
    paths = {}
    for name, image in (
        ("crop", cropped(picture, marks.field)),
        ("whole", overlaid(picture, marks)),
    ):
        data, suffix = encoded(image, lossless=is_tiny(picture))
        path = named_by_content(f"{ROOM}/pictures/{name}{suffix}", data)
        add_annex(revision, path, data)
        paths[name] = path.removeprefix(f"{ROOM}/")
    return paths


def _document(
    revision: Revision,
    dataset: Dataset,
    exhibition: Exhibition,
    fields: Mapping[str, ReceptiveField],
    sights: Mapping[tuple[str, int], _Sight],
    top: int,
) -> dict[str, Any]:
    classes = revision.manifest.classes
    marks = {mark.proposition: mark for mark in reversed(revision.marks)}

    def image(one: Exemplars, place: int, holds: bool) -> dict[str, Any]:
        index = int(one.images[place])
        sight = sights[one.proposition.name, index]
        return {
            "id": exhibition.split.ids[index],
            "value": float(one.values[place]),
            "active": holds,
            "class": classes[exhibition.classes[index]] if exhibition.labelled else None,
            "decision": classes[exhibition.decisions[index]],
            "position": sight.position,
            "box": sight.marks.field,
            "cell": sight.marks.cell,
            **sight.pictures,
        }

    def entry(one: Exemplars) -> dict[str, Any]:
        proposition = one.proposition
        mark = marks.get(proposition.name)
        return {
            "name": proposition.name,
            "feature": feature_term(proposition),
            "threshold": proposition.threshold,
            "label": None if mark is None else {"text": mark.text, "by": mark.by},
            "purity": {
                name: {
                    "images": purity.images,
                    "shares": {c: s for c, s in zip(classes, purity.shares, strict=True) if s},
                }
                for name, purity in (("top", one.top), ("active", one.active))
            },
            "rules": [
                use for rule in revision.program.rules for use in _uses(rule, proposition.name)
            ],
            "field_exact": fields[proposition.layer].exact,
            "images": [image(one, place, bool(holds)) for place, holds in enumerate(active(one))],
        }

    return {
        "schema": SCHEMA,
        "revision": revision.name,
        "etag": revision.etag,
        "data": dataset.uri,
        "split": "train",
        "training_images": len(exhibition.split),
        "classes_of": "labels" if exhibition.labelled else "decisions",
        "top": top,
        "propositions": [entry(one) for one in exhibition.exemplars],
    }


def _uses(rule: Rule, proposition: str) -> Iterator[dict[str, Any]]:
    literals = [literal for literal in rule.literals() if literal.proposition == proposition]
    for positive in dict.fromkeys(literal.positive for literal in literals):
        yield {"id": rule.id, "active": positive, "clause": rule_text(rule)}
