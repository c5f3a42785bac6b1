"""Images as callers hold them, and as they cross the wire."""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any, Final, Protocol

from proofsight.errors import BadImage, BadTensor
from proofsight.facts import Facts
from proofsight.v1 import image_pb2 as pb


class Array(Protocol):
    """What numpy arrays and their likes offer; numpy itself is not needed here."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...


ImageLike = str | os.PathLike[str] | bytes | bytearray | memoryview | Array
Subject = ImageLike | Facts

_TYPES: Final = {
    "|u1": (pb.DATA_TYPE_UINT8, "uint8"),
    "<f4": (pb.DATA_TYPE_FLOAT32, "float32"),
    ">f4": (pb.DATA_TYPE_FLOAT32, "float32"),
}
_FORMATS: Final = {"B": "|u1", "f": "<f4" if sys.byteorder == "little" else ">f4"}
_MODES: Final = ("L", "RGB")


def image_message(image: ImageLike, *, batch: bool = False) -> pb.Image:
    """The message for a path, encoded bytes, or an array.

    Arrays are uint8 pixels, (height, width) or (height, width, channels), or the network's own
    input in float32, (channels, height, width). With `batch`, an axis of n images may come first.

    Raises
    ------
    OSError
        The file cannot be read.
    BadTensor
        An array of another type or rank.
    BadImage
        Anything else.
    """
    if isinstance(image, str | os.PathLike):
        return pb.Image(encoded=Path(image).read_bytes())
    if isinstance(image, bytes | bytearray):
        return pb.Image(encoded=bytes(image))
    if isinstance(image, memoryview) and image.ndim == 1 and image.format == "B":
        return pb.Image(encoded=image.tobytes())
    typestr, shape, data = _read(image)
    return pb.Image(tensor=_tensor(typestr, shape, data, batch=batch))


def _read(image: Any) -> tuple[str, tuple[int, ...], bytes]:
    """Element type, shape and the elements in row-major order."""
    if hasattr(image, "getbands") and getattr(image, "mode", None) not in _MODES:
        raise BadImage(
            f"a Pillow image of mode {image.mode!r} cannot be sent as it is; pass "
            "image.convert('RGB') or image.convert('L')",
            "INVALID_ARGUMENT",
            "BAD_IMAGE",
            {"mode": str(image.mode)},
        )
    interface = getattr(image, "__array_interface__", None)
    if interface is None and hasattr(image, "__array__"):
        image = image.__array__()
        interface = image.__array_interface__
    if isinstance(interface, dict) and isinstance(interface.get("data"), bytes):
        return interface["typestr"], tuple(interface["shape"]), interface["data"]
    if isinstance(interface, dict) and interface["typestr"] not in _TYPES:
        # memoryview does not know every element type, so this is told first.
        return interface["typestr"], tuple(interface["shape"]), b""
    try:
        view = memoryview(image)
    except TypeError:
        raise BadImage(
            f"{type(image).__name__} is no image; pass a path, the bytes of a PNG, JPEG or WebP "
            "file, an array (uint8 pixels or float32 network input), or Facts",
            "INVALID_ARGUMENT",
            "BAD_IMAGE",
            {"type": type(image).__name__},
        ) from None
    typestr = interface["typestr"] if isinstance(interface, dict) else view.format
    return _FORMATS.get(typestr, typestr), view.shape or (), view.tobytes()


def _tensor(typestr: str, shape: Sequence[int], data: bytes, *, batch: bool) -> pb.Tensor:
    if typestr not in _TYPES:
        raise BadTensor(
            f"an array of type {typestr} cannot be sent; pass uint8 pixels, or the network's input "
            "as float32, e.g. with .astype('float32')",
            "INVALID_ARGUMENT",
            "BAD_TENSOR",
            {"type": typestr},
        )
    data_type, name = _TYPES[typestr]
    if data_type == pb.DATA_TYPE_UINT8 and len(shape) == 2:
        shape = (*shape, 1)
    if len(shape) not in ((3, 4) if batch else (3,)):
        one = "(height, width[, channels])" if name == "uint8" else "(channels, height, width)"
        raise BadTensor(
            f"a {name} array of shape {tuple(shape)} is no single image; pass {one}"
            + (", or several along a first axis" if batch else "")
            + ("; facts_stream takes batches" if len(shape) == 4 else ""),
            "INVALID_ARGUMENT",
            "BAD_TENSOR",
            {"shape": str(tuple(shape))},
        )
    if typestr == ">f4":
        swapped = array("f", data)
        swapped.byteswap()
        data = swapped.tobytes()
    if len(data) != prod(shape) * (1 if name == "uint8" else 4):
        raise BadTensor(
            f"{len(data)} bytes do not fill a {name} array of shape {tuple(shape)}",
            "INVALID_ARGUMENT",
            "BAD_TENSOR",
            {"shape": str(tuple(shape))},
        )
    return pb.Tensor(data_type=data_type, shape=shape, data=data)
