"""Folders of image files, decoded when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np

from proofsight_server.errors import BadDataset, BadImage
from proofsight_server.symbols.feature import Ints
from proofsight_server.vision.image import Mode, Pixels, decode, is_grey
from proofsight_server.vision.source import Source

_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}
_PARTS = ("train", "test")


@dataclass(frozen=True, slots=True)
class ImageFiles(Sequence[Pixels]):
    """Image files as a sequence of (height, width, channels) uint8; each access reads the file.

    Raises BadDataset, naming the file, where one cannot be decoded.
    """

    root: Path
    names: tuple[str, ...]
    mode: Mode

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> Pixels: ...
    @overload
    def __getitem__(self, index: slice) -> list[Pixels]: ...
    def __getitem__(self, index: int | slice) -> Pixels | list[Pixels]:
        if isinstance(index, slice):
            return [self._decoded(name) for name in self.names[index]]
        return self._decoded(self.names[index])

    def take(self, indices: Ints) -> ImageFiles:
        """The files at `indices`, unread."""
        return ImageFiles(self.root, tuple(self.names[int(i)] for i in indices), self.mode)

    def content(self, index: int) -> bytes:
        """The bytes of one file."""
        path = self.root / self.names[index]
        try:
            return path.read_bytes()
        except OSError as error:
            raise BadDataset(f"{path}: cannot be read: {error}", path=path) from error

    def _decoded(self, name: str) -> Pixels:
        path = self.root / name
        try:
            return decode(path.read_bytes(), self.mode)
        except (BadImage, OSError) as error:
            raise BadDataset(f"{path}: {error}", path=path) from error


def class_folders(root: Path) -> Source:
    """Images in one folder per class, either in `root/train` and `root/test` or in `root`.

    Classes are the folders' names in alphabetical order.  Hidden files and files that are not
    named as PNG, JPEG or WebP are passed over.

    Raises
    ------
    BadDataset
        There are no class folders, one of them is empty, `train` or `test` is missing, or
        `test` has a class that `train` has not.
    """
    root = _existing(root)
    parts = [name for name in _PARTS if _folders(root / name)]
    if len(parts) == 1:
        missing = next(name for name in _PARTS if name not in parts)
        raise BadDataset(
            f"{root}: has {parts[0]}/ with class folders but no {missing}/; add it, or give a "
            "folder of class folders without either, which is then split",
            path=root,
        )
    if not parts:
        return _labelled(root, "", None)
    train = _labelled(root, "train", None)
    return Source(
        images=train.images,
        labels=train.labels,
        ids=train.ids,
        classes=train.classes,
        mode=train.mode,
        test=_labelled(root, "test", train),
    )


def unlabelled(root: Path) -> Source:
    """All images below `root`, without labels; `root/train` and `root/test` are the splits.

    Raises
    ------
    BadDataset
        The folder is missing or holds no image.
    """
    root = _existing(root)
    parts = [name for name in _PARTS if _files(root, name)]
    names = _files(root, "train" if len(parts) == 2 else "")
    if not names:
        raise BadDataset(f"{root}: no PNG, JPEG or WebP files", path=root)
    mode: Mode = "L" if _grey(root, names[:8]) else "RGB"

    def source(names: tuple[str, ...], test: Source | None) -> Source:
        return Source(ImageFiles(root, names, mode), None, names, (), mode, test)

    return source(names, source(_files(root, "test"), None) if len(parts) == 2 else None)


def _labelled(root: Path, part: str, like: Source | None) -> Source:
    classes = _folders(root / part)
    if not classes:
        raise BadDataset(f"{root / part}: no folders, so no classes", path=root / part)
    known = classes if like is None else like.classes
    strange = sorted(set(classes) - set(known))
    if strange:
        raise BadDataset(
            f"{root / part}: the class {strange[0]!r} is not among the training classes "
            f"{', '.join(known)}",
            class_name=strange[0],
        )
    per_class = [_files(root, f"{part}/{name}" if part else name) for name in classes]
    for name, files in zip(classes, per_class, strict=True):
        if not files:
            raise BadDataset(
                f"{root / part / name}: the class has no PNG, JPEG or WebP file; add some or "
                "remove the folder",
                class_name=name,
            )
    names = tuple(file for files in per_class for file in files)
    labels = np.repeat([known.index(name) for name in classes], [len(f) for f in per_class])
    firsts = tuple(files[0] for files in per_class)
    mode: Mode = ("L" if _grey(root, firsts) else "RGB") if like is None else like.mode
    return Source(ImageFiles(root, names, mode), labels.astype(np.int64), names, known, mode)


def _existing(root: Path) -> Path:
    root = root.expanduser()
    if not root.is_dir():
        raise BadDataset(f"{root}: no such folder", path=root)
    return root


def _folders(root: Path) -> tuple[str, ...]:
    if not root.is_dir():
        return ()
    return tuple(
        sorted(path.name for path in root.iterdir() if path.is_dir() and path.name[0] != ".")
    )


def _files(root: Path, below: str) -> tuple[str, ...]:
    """Image files below a folder, as paths from `root`, in the order of their names."""
    found = (path.relative_to(root) for path in (root / below).rglob("*"))
    return tuple(
        sorted(
            path.as_posix()
            for path in found
            if path.suffix.lower() in _SUFFIXES
            and not any(part[0] == "." for part in path.parts)
            and (root / path).is_file()
        )
    )


def _grey(root: Path, names: tuple[str, ...]) -> bool:
    files = ImageFiles(root, names, "L")
    return all(is_grey(files.content(index)) for index in range(len(files)))
