"""From the bytes of a PNG, JPEG or WebP file to pixels."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from proofsight_server.errors import BadImage, BadOption

Mode = Literal["L", "RGB"]
Pixels = npt.NDArray[np.uint8]

CHANNELS: dict[Mode, int] = {"L": 1, "RGB": 3}
FORMATS = ("PNG", "JPEG", "WEBP")

# What Pillow's parsers are known to raise on damaged files.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    TypeError,
    IndexError,
    KeyError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What a caller may send: bytes of one file, and width x height that it may unpack to."""

    max_bytes: int = 20 * 2**20
    max_pixels: int = 50_000_000

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_pixels"):
            if getattr(self, name) < 1:
                raise BadOption(f"{name} must be at least 1, not {getattr(self, name)}")


def decode(data: bytes, mode: Mode, limits: ImageLimits | None = None) -> Pixels:
    """Pixels of an encoded image.

    The first frame is taken; EXIF orientation is honoured; transparent pixels are laid on
    white; 16-bit grey keeps its high byte, as Pillow does for 16-bit colour; colour becomes
    grey by ITU-R 601-2 luma, rounded, as `Image.convert("L")` does.

    Parameters
    ----------
    data
        The bytes of a PNG, JPEG or WebP file.
    mode
        `"L"` for one channel, `"RGB"` for three.
    limits
        Sizes accepted; `ImageLimits()` by default.

    Returns
    -------
    (height, width, channels) uint8

    Raises
    ------
    BadImage
        Empty, truncated, damaged, of another format, or over a limit.  The header alone
        is read before the number of pixels is checked.
    """
    limits = limits or ImageLimits()
    if not data:
        raise BadImage("the image is empty (0 bytes); send the bytes of a PNG, JPEG or WebP file")
    if len(data) > limits.max_bytes:
        raise BadImage(
            f"the image has {len(data)} bytes, the limit is {limits.max_bytes}; "
            "send a smaller file",
            bytes=len(data),
            limit=limits.max_bytes,
        )
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height <= limits.max_pixels:
                return _pixels(picture, mode)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadImage(
            f"the image unpacks to far more pixels than the limit of {limits.max_pixels} (a "
            "decompression bomb); send a smaller image",
            limit=limits.max_pixels,
        ) from error
    except UnidentifiedImageError as error:
        raise BadImage(
            f"these {len(data)} bytes are no PNG, JPEG or WebP image (they begin with "
            f"{data[:8]!r}); convert the image first",
            bytes=len(data),
        ) from error
    except _DAMAGED as error:
        raise BadImage(
            f"the image is truncated or damaged: {error}; send the whole file", cause=error
        ) from error
    raise BadImage(
        f"the image has {width} x {height} pixels, the limit is {limits.max_pixels} in all; "
        "send a smaller image",
        width=width,
        height=height,
        limit=limits.max_pixels,
    )


def to_mode(pixels: Pixels, mode: Mode) -> Pixels:
    """The same picture(s) in another mode. `pixels`: (..., height, width, 1 or 3) uint8.

    Grey is repeated over the three channels; colour becomes grey by the very integers that
    Pillow uses, so that an array and a file of the same pixels give the same tensor.
    """
    channels = pixels.shape[-1]
    if channels == CHANNELS[mode]:
        return pixels
    if mode == "RGB":
        return np.repeat(pixels, 3, axis=-1)
    wide = pixels.astype(np.uint32)
    luma = wide[..., 0] * 19595 + wide[..., 1] * 38470 + wide[..., 2] * 7471 + 0x8000
    return (luma >> 16).astype(np.uint8)[..., None]


def is_grey(data: bytes) -> bool:
    """Whether an encoded image is stored without colour. False where it cannot be read."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            return picture.mode in {"1", "L", "LA", "I", "I;16", "I;16B"}
    except (*_DAMAGED, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return False


def _pixels(picture: Image.Image, mode: Mode) -> Pixels:
    picture.load()
    if picture.mode.startswith("I"):
        high = (np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        exif = picture.getexif()
        picture = Image.fromarray(high)
        picture.getexif().update(exif)
    upright = ImageOps.exif_transpose(picture)
    if "transparency" in upright.info or upright.mode in {"LA", "PA", "RGBA", "La", "RGBa"}:
        upright = upright.convert("RGBA")
        white = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(white, upright).convert("RGB")
    if upright.mode != mode:
        upright = upright.convert(mode)
    pixels = np.array(upright, dtype=np.uint8)
    return pixels[..., None] if pixels.ndim == 2 else pixels
