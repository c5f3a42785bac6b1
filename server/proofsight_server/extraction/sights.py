"""What is seen of a proposition in its images: crops, overlays, and where the channel is strong."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from proofsight_server.extraction.exemplars import Exemplars, Exhibition
from proofsight_server.extraction.gallery_files import add_picture
from proofsight_server.extraction.loading import revision_layers
from proofsight_server.extraction.progress import Watch
from proofsight_server.knowledge.revision import Revision
from proofsight_server.symbols.feature import Feature, Floats
from proofsight_server.vision.image import Pixels
from proofsight_server.vision.network import Network
from proofsight_server.vision.overlay import Marks, cropped, is_tiny, overlaid
from proofsight_server.vision.probe import Probe
from proofsight_server.vision.receptive_field import Box, ReceptiveField, receptive_fields

_TOGETHER = 64  # images whose maps are in memory at once


@dataclass(frozen=True, slots=True)
class Sight:
    """One image of one proposition.

    `marks` is what is drawn on it, `position` where its map is strongest (None without a map);
    `pictures` are paths in the gallery: `crop`, what that position sees, and `whole`, the image
    with its marks, None without a map.
    """

    marks: Marks
    position: tuple[int, int] | None
    pictures: Mapping[str, str | None] = field(default_factory=dict)


def fields_of(
    revision: Revision, network: Network, exhibition: Exhibition
) -> dict[str, ReceptiveField]:
    """The receptive fields of the layers that the exhibition's propositions read, by atom."""
    used = {one.proposition.layer for one in exhibition.exemplars}
    layers = [layer for layer in revision.quantisation.layers if layer.atom in used]
    return receptive_fields(network, layers)


def sights(
    revision: Revision,
    network: Network,
    exhibition: Exhibition,
    fields: Mapping[str, ReceptiveField],
    watch: Watch,
) -> Iterator[tuple[tuple[str, int], Sight]]:
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
                    drawn = _drawn(revision, picture, sight.marks)
                    yield (one.proposition.name, image), replace(sight, pictures=drawn)
            report(min(start + _TOGETHER, len(images)), len(images))


def _sight(
    network: Network, picture: Pixels, feature: Feature, map: Floats, seen: ReceptiveField
) -> Sight:
    height, width = picture.shape[:2]
    window = network.preprocessing.window(height, width)
    inside = _Inside(window, network.input_shape[1:], (height, width))
    if map.ndim == 1:
        return Sight(Marks(window, None, inside.pixels(seen.of(None)), None), None)
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
    return Sight(Marks(window, heat, inside.pixels(seen.at(*position)), cell), position)


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


def _drawn(revision: Revision, picture: Pixels, marks: Marks) -> dict[str, str | None]:
    """Add the pictures, and answer their paths in the gallery."""
    lossless = is_tiny(picture)
    crop = add_picture(revision, "crop", cropped(picture, marks.field), lossless=lossless)
    if marks.heat is None:
        return {"crop": crop, "whole": None}
    whole = add_picture(revision, "whole", overlaid(picture, marks), lossless=lossless)
    return {"crop": crop, "whole": whole}
