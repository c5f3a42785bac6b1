"""Regions as a person asks for them: `grid:3x4`, `slic:10`, `boxes:FILE`, `labels:FILE`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from proofsight_server.errors import BadOption
from proofsight_server.interactions.regions import Box, Overlap, Regions, boxes, grid, label_image
from proofsight_server.vision.image import Pixels

SPEC = "grid:ROWSxCOLUMNS, slic:COUNT, boxes:FILE.json[:first] or labels:FILE.png"
_MODES = {"1", "L", "P", "I", "I;16"}


def find_regions(spec: str, pixels: Pixels) -> Regions:
    """The regions of an image that a person asks for.

    Parameters
    ----------
    spec
        `grid:3x4` (rows, columns), `slic:10` (superpixels), `boxes:F.json`, a list of
        `[left, top, right, bottom]` or of `{"box": [...], "name": "..."}` in pixels of the image,
        with `:first` to give shared pixels to the first box; or `labels:F.png`, a PNG of numbers
        as large as the image, in which 0 is background.
    pixels
        (height, width, 1 or 3) uint8.

    Raises
    ------
    BadOption
        Any other text, a file that cannot be read, or regions that are refused.
    """
    kind, _, value = spec.partition(":")
    size = (pixels.shape[0], pixels.shape[1])
    if kind == "grid" and (found := re.fullmatch(r"(\d{1,3})[x×](\d{1,3})", value)):
        return grid(size, int(found[1]), int(found[2]))
    if kind == "slic" and re.fullmatch(r"\d{1,4}", value):
        # scikit-image takes a second to import.
        from proofsight_server.interactions.superpixels import superpixels

        return superpixels(pixels, int(value))
    if kind == "boxes" and value:
        path, first, _ = value.rpartition(":first")
        overlap: Overlap = "first" if first else "refuse"
        corners, names = _boxes(Path(path if first else value))
        return replace(boxes(size, corners, names, overlap), made=spec)
    if kind == "labels" and value:
        return replace(label_image(_labels(Path(value), size)), made=spec)
    raise BadOption(f"regions are {SPEC}, not {spec!r}", regions=spec)


def _boxes(path: Path) -> tuple[Sequence[Box], Sequence[str]]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadOption(f"{path}: {error.strerror}; name a file of boxes", path=path) from error
    except ValueError as error:
        raise BadOption(f"{path}: the boxes cannot be read as JSON: {error}", path=path) from error
    if not isinstance(entries, list):
        raise BadOption(f"{path}: boxes are a list, not {entries!r}", path=path)
    corners, names = [], []
    for number, entry in enumerate(entries):
        told = entry if isinstance(entry, dict) else {"box": entry}
        corners.append(_box(told.get("box"), number, path))
        names.append(str(told.get("name", f"box {number}")))
    return corners, names


def _box(sides: Any, number: int, path: Path) -> Box:
    if (
        not isinstance(sides, list)
        or len(sides) != 4
        or not all(isinstance(side, int) and not isinstance(side, bool) for side in sides)
    ):
        raise BadOption(
            f"{path}: box {number} is [left, top, right, bottom] in whole pixels, not {sides!r}",
            path=path,
            box=number,
        )
    return sides[0], sides[1], sides[2], sides[3]


def _labels(path: Path, size: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            mode = picture.mode
            labels = np.asarray(picture).astype(np.int64)
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        missing = error.strerror if isinstance(error, OSError) else None
        why = missing or f"the labels cannot be read as PNG: {error}"
        raise BadOption(f"{path}: {why}; name a PNG of numbers", path=path) from error
    if mode not in _MODES:
        raise BadOption(
            f"{path}: the label image has colours ({mode}); its pixels are numbers: a grey or "
            "palette PNG",
            path=path,
        )
    if labels.shape != size:
        raise BadOption(
            f"{path}: the label image is {labels.shape[1]} x {labels.shape[0]} pixels and the "
            f"image {size[1]} x {size[0]}; they are of one size",
            path=path,
        )
    return labels
