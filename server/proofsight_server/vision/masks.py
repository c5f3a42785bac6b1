"""Segmentation masks of images: which pixels show which concept."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from proofsight_server.errors import BadDataset
from proofsight_server.symbols.feature import Bools, Ints

NAMES = "concepts.csv"
_COLUMNS = ["label", "text"]
_SUFFIX = ".png"
_PICTURES = {".png", ".jpg", ".jpeg", ".webp"}
_MODES = {"1", "L", "P", "I", "I;16"}


@dataclass(frozen=True, slots=True)
class Masks:
    """The masks of a data set's training images.

    Attributes
    ----------
    concepts
        What the masks show, by name.
    annotated
        The positions of the images that have a mask; the others say nothing.
    """

    concepts: tuple[str, ...]
    annotated: tuple[int, ...]
    _ids: Sequence[str]
    _folders: tuple[Path, ...]
    _values: Ints | None  # of a label image, per concept; None: a folder of masks per concept

    def of(self, position: int, height: int, width: int) -> Bools:
        """Where one image shows each concept: (concepts, height, width).

        `height` and `width` are those of the image.

        Raises
        ------
        BadDataset
            A mask of another size, one that cannot be read, or a label without a name.
        """
        name = self._ids[position]
        if self._values is not None:
            path = self._folders[0] / _file(name)
            labels = _read(path, name, (height, width))
            strange = np.setdiff1d(labels, [0, *self._values])
            if len(strange):
                raise BadDataset(
                    f"{path}: the mask has the label {strange[0]}, which {NAMES} does not name; "
                    "add a row for it, or make it 0",
                    path=path,
                )
            return np.asarray(labels[None] == self._values[:, None, None])
        shown = np.zeros((len(self.concepts), height, width), dtype=np.bool_)
        for place, folder in enumerate(self._folders):
            path = folder / _file(name)
            if path.is_file():
                shown[place] = _read(path, name, (height, width)) != 0
        return shown


def open_masks(root: Path, ids: Sequence[str]) -> Masks:
    """Masks in a folder, for images of these ids; files are read when they are asked for.

    A mask is a PNG without colours, of its image's size.  Either each is at `root/ID.png` (an
    image's id with `.png` for its suffix: `train/17.png`, `train/street/a.png`) and its pixels are
    labels: 0 nothing, other numbers what `root/concepts.csv` (`label,text`) names, or
    `label_N` without that file.  Or each is at `root/CONCEPT/ID.png`, and is not 0 where the image
    shows the concept; an image that is in no folder says nothing, one that is in some does
    not show the others.

    Raises
    ------
    BadDataset
        There is no such folder, no mask of these images, or `concepts.csv` is wrong.
    """
    if not root.is_dir():
        raise BadDataset(f"{root}: no such folder of masks", path=root)
    files = [_file(name) for name in ids]
    at_root = tuple(place for place, file in enumerate(files) if (root / file).is_file())
    names = root / NAMES
    if at_root:
        if names.is_file():
            known = _named(names)
        else:
            read = (_read(root / files[place], ids[place]) for place in at_root)
            found = sorted({int(label) for labels in read for label in np.unique(labels)} - {0})
            known = {label: f"label_{label}" for label in found}
        values = np.array(list(known), dtype=np.int64)
        return Masks(tuple(known.values()), at_root, ids, (root,), values)
    folders = tuple(sorted(p for p in root.iterdir() if p.is_dir() and p.name[0] != "."))
    annotated = tuple(
        place
        for place, file in enumerate(files)
        if any((folder / file).is_file() for folder in folders)
    )
    if not annotated:
        raise BadDataset(
            f"{root}: no mask of a training image; the mask of {ids[0]} is looked for at "
            f"{root / files[0]} (labels), or at {root / 'CONCEPT' / files[0]} (one concept)",
            path=root,
        )
    return Masks(tuple(folder.name for folder in folders), annotated, ids, folders, None)


def _file(name: str) -> str:
    path = PurePosixPath(name)
    if path.suffix.lower() in _PICTURES:
        return str(path.with_suffix(_SUFFIX))
    return f"{name}{_SUFFIX}"


def _named(path: Path) -> Mapping[int, str]:
    """The concepts of `concepts.csv`, by label."""
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines(), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadDataset(f"{path}: no UTF-8 CSV: {error}", path=path) from error
    if not rows or [cell.strip() for cell in rows[0]] != _COLUMNS:
        raise BadDataset(f"{path}:1: the columns are {','.join(_COLUMNS)}", path=path)
    names: dict[int, str] = {}
    for line, row in enumerate(rows[1:], start=2):
        cells = [cell.strip() for cell in row]
        if len(cells) != len(_COLUMNS) or not cells[0].isdecimal() or not cells[1]:
            raise BadDataset(f"{path}:{line}: not a label from 1 and a text: {row}", path=path)
        label = int(cells[0])
        if label == 0 or label in names or cells[1] in names.values():
            raise BadDataset(
                f"{path}:{line}: {'0 is no concept' if label == 0 else 'named twice'}: {row}",
                path=path,
            )
        names[label] = cells[1]
    return names


def _read(path: Path, name: str, size: tuple[int, int] | None = None) -> npt.NDArray[np.int64]:
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            width, height = picture.size
            mode = picture.mode
            if size in (None, (height, width)) and mode in _MODES:
                return np.asarray(picture).astype(np.int64)
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise BadDataset(f"{path}: the mask cannot be read as PNG: {error}", path=path) from error
    if mode not in _MODES:
        raise BadDataset(
            f"{path}: the mask has colours ({mode}); a mask is a grey or palette PNG whose pixels "
            "are numbers",
            path=path,
        )
    assert size is not None
    raise BadDataset(
        f"{path}: the mask is {width} x {height} pixels and the image {name} {size[1]} x "
        f"{size[0]}; a mask has the size of its image",
        path=path,
    )
