"""Pictures for people: what a channel sees, and where it is strong."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw, features
from torch.nn import functional

from proofsight_server.symbols.feature import Floats
from proofsight_server.vision.image import Pixels
from proofsight_server.vision.receptive_field import Box

SIDE = 160  # pixels that a picture's long side is shown with
_TINY = 96  # a picture up to this side is enlarged pixel by pixel, and kept without loss
_WARM = (255, 96, 0)
_STRENGTH = 0.65
_FIELD = (0, 200, 90)
_CELL = (30, 130, 255)
_WEBP_QUALITY = 85
# Orange and purple are told apart with any colour vision; white is no sensitivity.
_RISES = (230, 97, 1)
_FALLS = (94, 60, 153)
_FULL = 0.99  # share of positions whose sensitivity is within the scale; the rest is cut
_FAINT = 36  # levels of grey that are left of the picture beneath


@dataclass(frozen=True, slots=True)
class Marks:
    """What is drawn over a picture; boxes are (left, top, right, bottom) in its pixels.

    Attributes
    ----------
    window
        The part of the picture that the network sees.
    heat
        |A| over the map's positions (h, w), which tile the window; None without a map.
    field
        What the strongest position sees.
    cell
        The cell's tile, where there is one.
    """

    window: tuple[float, float, float, float]
    heat: Floats | None
    field: Box
    cell: tuple[float, float, float, float] | None


def cropped(picture: Pixels, box: Box) -> Image.Image:
    """The part of a picture (height, width, 1 or 3) inside a box, at a size to look at."""
    left, top, right, bottom = box
    return _sized(_as_image(picture[top:bottom, left:right]), _tiny(picture))


def overlaid(picture: Pixels, marks: Marks) -> Image.Image:
    """The whole picture in grey, warm where the channel is strong, with field and cell drawn.

    The map is upsampled bilinearly to the window and scaled by its own maximum.
    """
    small = _as_image(picture)
    shown = _sized(small, _tiny(picture)).convert("L").convert("RGB")
    scale = shown.width / small.width, shown.height / small.height
    if marks.heat is not None:
        shown = _warmed(shown, marks.heat, _scaled(marks.window, scale))
    draw = ImageDraw.Draw(shown)
    if marks.heat is not None:
        _frame(draw, _scaled(marks.field, scale), _FIELD)
    if marks.cell is not None:
        _frame(draw, _scaled(marks.cell, scale), _CELL)
    return shown


def sensitive(
    picture: Pixels, slope: Floats, window: tuple[float, float, float, float]
) -> Image.Image:
    """Where a number rises (orange) or falls (purple) as pixels grow brighter, over the picture.

    Parameters
    ----------
    picture
        (height, width, 1 or 3); it is shown faintly.
    slope
        (channels, height, width) of the network's input, whose positions tile the window; it is
        summed over channels, and scaled so that 99 % of the positions are within the scale.
    window
        The part of the picture that the network sees, in its pixels.
    """
    small = _as_image(picture)
    how = _tiny(picture)
    shown = (
        _sized(small, how).convert("L").point(lambda level: 255 - _FAINT + level * _FAINT // 255)
    )
    faint = shown.convert("RGB")
    total = slope.sum(axis=0, dtype=np.float64)
    scale = float(np.quantile(np.abs(total), _FULL)) or float(np.abs(total).max()) or 1.0
    strength = np.clip(total / scale, -1, 1)
    left, top, right, bottom = (
        round(bound)
        for bound in _scaled(window, (faint.width / small.width, faint.height / small.height))
    )
    size = max(1, right - left), max(1, bottom - top)
    pixelwise = Image.Resampling.NEAREST if how is how.NEAREST else Image.Resampling.BILINEAR
    for colour, part in ((_RISES, strength), (_FALLS, -strength)):
        alpha = Image.fromarray((part.clip(0, 1) * 255).round().astype(np.uint8))
        faint.paste(Image.new("RGB", size, colour), (left, top), alpha.resize(size, pixelwise))
    return faint


def enlarged(picture: Pixels) -> Image.Image:
    """A whole picture at a size to look at."""
    return _sized(_as_image(picture), _tiny(picture))


def encoded(picture: Image.Image, *, lossless: bool) -> tuple[bytes, str]:
    """A picture as the bytes of a file, and the suffix of its name."""
    buffer = io.BytesIO()
    if lossless or not features.check("webp"):
        picture.save(buffer, "PNG")
        return buffer.getvalue(), ".png"
    picture.save(buffer, "WEBP", quality=_WEBP_QUALITY)
    return buffer.getvalue(), ".webp"


def is_tiny(picture: Pixels) -> bool:
    """Whether single pixels of a picture matter: it is then kept without loss."""
    return bool(max(picture.shape[:2]) <= _TINY)


def _tiny(picture: Pixels) -> Image.Resampling:
    return Image.Resampling.NEAREST if is_tiny(picture) else Image.Resampling.LANCZOS


def _as_image(pixels: Pixels) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def _sized(image: Image.Image, how: Image.Resampling) -> Image.Image:
    longest = max(image.size)
    if how is Image.Resampling.NEAREST:
        factor = max(1, round(SIDE / longest))
        return image.resize((image.width * factor, image.height * factor), how)
    if longest <= SIDE:
        return image
    shrunk = [max(1, round(side * SIDE / longest)) for side in image.size]
    return image.resize((shrunk[0], shrunk[1]), how)


def _warmed(
    picture: Image.Image, heat: Floats, window: tuple[float, float, float, float]
) -> Image.Image:
    left, top, right, bottom = (round(bound) for bound in window)
    size = (max(1, bottom - top), max(1, right - left))
    strength = torch.from_numpy(heat / (float(heat.max()) or 1.0))
    upsampled = functional.interpolate(
        strength[None, None], size, mode="bilinear", align_corners=False
    )
    alpha = (upsampled[0, 0].numpy() * 255 * _STRENGTH).round().astype(np.uint8)
    warm = Image.new("RGB", (size[1], size[0]), _WARM)
    picture.paste(warm, (left, top), Image.fromarray(alpha))
    return picture


def _frame(
    draw: ImageDraw.ImageDraw,
    box: tuple[float, float, float, float],
    colour: tuple[int, int, int],
) -> None:
    left, top, right, bottom = (round(bound) for bound in box)
    draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), outline=colour, width=2)


def _scaled(
    box: tuple[float, float, float, float], scale: tuple[float, float]
) -> tuple[float, float, float, float]:
    left, top, right, bottom = box
    return left * scale[0], top * scale[1], right * scale[0], bottom * scale[1]
