"""What the panels of interactions show, chosen and laid out once."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from proofsight_server.extraction.interactions import ExplainedImage
from proofsight_server.interactions.facts import UNIT
from proofsight_server.interactions.primitive import Primitive
from proofsight_server.symbols.feature import Bools
from proofsight_server.vision.image import Pixels

RISES = "#e66101"
FALLS = "#5e3c99"
SOFT = "#8a8a94"
PALE = "#dcdce2"
SHOWN = 12
_SIDE = 480  # pixels of the long side of the picture that is embedded
_THUMBNAIL = 64
_FADED = 0.18


@dataclass(frozen=True, slots=True)
class Row:
    """A primitive and its effects, in units of the score, by the place of the network."""

    primitive: Primitive
    effects: Mapping[int, float]
    everywhere: bool

    @property
    def text(self) -> str:
        """`all of 3, 5`, by the numbers of regions."""
        regions = ", ".join(map(str, self.primitive.regions))
        if self.primitive.order == 1:
            return f"region {regions}"
        return f"{'all' if self.primitive.kind == 'and' else 'any'} of {regions}"


def rows_of(image: ExplainedImage) -> tuple[Row, ...]:
    """The strongest primitives, by the sum of their effects, each network's by its own span."""
    networks = image.explanation.networks
    effects: dict[Primitive, dict[int, float]] = {}
    weights: dict[Primitive, float] = {}
    for place, facts in enumerate(networks):
        span = max(abs(int(facts.scores[-1] - facts.scores[0])), UNIT)
        for primitive, effect in facts.effects:
            effects.setdefault(primitive, {})[place] = effect / UNIT
            weights[primitive] = weights.get(primitive, 0.0) + abs(effect) / span
    ranked = sorted(effects, key=lambda one: (-weights[one], one))[:SHOWN]
    return tuple(Row(one, effects[one], len(effects[one]) == len(networks) > 1) for one in ranked)


def letter(place: int) -> str:
    """The badge of a network: A, B, C and so on."""
    return chr(ord("A") + place % 26) + (str(place // 26) if place >= 26 else "")


def colour(effect: float) -> str:
    """By the sign; the two are told apart with any colour vision."""
    return RISES if effect >= 0 else FALLS


def picture_of(pixels: Pixels) -> str:
    """The image as base64 of a PNG."""
    return _png(pixels, _SIDE)


def thumbnail(pixels: Pixels, shown: Bools) -> str:
    """The image with everything else faded, as base64 of a PNG."""
    grey = np.float32(235)
    faded = np.where(shown[..., None], pixels, pixels * _FADED + grey * (1 - _FADED))
    return _png(faded.astype(np.uint8), _THUMBNAIL)


def _png(pixels: Pixels, side: int) -> str:
    picture = Image.fromarray(pixels)
    if max(picture.size) > side:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return base64.b64encode(stream.getvalue()).decode()
