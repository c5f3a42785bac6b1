"""What a reader of files hands over before it is split, and the rules it must meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadDataset
from proofsight_server.symbols.feature import Ints
from proofsight_server.vision.image import Mode, Pixels

VALIDATION_SHARE = 0.1
TEST_SHARE = 0.25
TEST_SEED = 20_101


@dataclass(frozen=True, slots=True)
class Source:
    """Images as they lie there: the training part, and a test part where there is one.

    `images` (n, height, width, 1 or 3) uint8 or a lazy sequence of images; `labels` (n,) or
    None; `classes` empty where there are no labels.
    """

    images: Sequence[Pixels] | npt.NDArray[np.uint8]
    labels: Ints | None
    ids: Sequence[str]
    classes: tuple[str, ...]
    mode: Mode
    test: Source | None = None


@dataclass(frozen=True, slots=True)
class Numbered(Sequence[str]):
    """The ids of images that have no names: `train/0`, `train/1`, ..."""

    prefix: str
    size: int

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        if isinstance(index, slice):
            return tuple(f"{self.prefix}/{i}" for i in range(self.size)[index])
        return f"{self.prefix}/{range(self.size)[index]}"


def from_arrays(
    where: str,
    train: tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]],
    test: tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]],
    classes: tuple[str, ...],
) -> Source:
    """A source from (images, labels) pairs of arrays, checked for type and shape.

    Raises
    ------
    BadDataset
        Images are not uint8 (n, height, width, 1 or 3), labels not whole numbers (n,), or
        train and test have different shapes.
    """
    parts = []
    for name, (images, labels) in {"train": train, "test": test}.items():
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in {1, 3}:
            raise BadDataset(
                f"{where}: the {name} images are {images.dtype} {images.shape}, but must be "
                "uint8 (n, height, width, 1 or 3)",
                split=name,
            )
        if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
            raise BadDataset(
                f"{where}: the {name} labels are {labels.dtype} {labels.shape}, but must be "
                "whole numbers (n,)",
                split=name,
            )
        if len(images) != len(labels):
            raise BadDataset(
                f"{where}: {len(images)} {name} images but {len(labels)} labels", split=name
            )
        parts.append((images.astype(np.uint8, copy=False), labels.astype(np.int64)))
    if parts[0][0].shape[1:] != parts[1][0].shape[1:]:
        raise BadDataset(
            f"{where}: train images have the shape {parts[0][0].shape[1:]}, test images "
            f"{parts[1][0].shape[1:]}; they must be alike"
        )
    mode: Mode = "L" if parts[0][0].shape[-1] == 1 else "RGB"
    held_out = Source(parts[1][0], parts[1][1], Numbered("test", len(parts[1][1])), classes, mode)
    return Source(
        parts[0][0],
        parts[0][1],
        Numbered("train", len(parts[0][1])),
        classes,
        mode,
        test=held_out,
    )


def check(where: str, source: Source) -> None:
    """Refuse a source that no work could be done with.

    Raises
    ------
    BadDataset
        No images, one class, class names that are not unique, labels out of range, or a
        class without training images.
    """
    for name, part in (("training", source), ("test", source.test)):
        if part is not None and len(part.ids) == 0:
            raise BadDataset(f"{where}: there are no {name} images", split=name)
    if source.labels is None:
        return
    classes = source.classes
    for name, labels in (
        ("training", source.labels),
        ("test", None if source.test is None else source.test.labels),
    ):
        if labels is None:
            continue
        wrong = labels[(labels < 0) | (labels >= len(classes))]
        if len(wrong):
            raise BadDataset(
                f"{where}: a {name} label is {wrong[0]}, but there are {len(classes)} classes, "
                f"and labels go from 0 to {len(classes) - 1}",
                label=wrong[0],
            )
    if len(classes) < 2:
        raise BadDataset(
            f"{where}: there is only one class, {', '.join(classes)}; rules tell classes "
            "apart, so there must be two at least"
        )
    if len(set(classes)) < len(classes):
        double = next(name for name in classes if classes.count(name) > 1)
        raise BadDataset(f"{where}: two classes are named {double!r}; names must be unique")
    counts = np.bincount(source.labels, minlength=len(classes))
    if (counts == 0).any():
        index = int(np.flatnonzero(counts == 0)[0])
        raise BadDataset(
            f"{where}: the class {classes[index]!r} (label {index}) has no training images; "
            "add some or leave the class out",
            class_name=classes[index],
        )


def divide(count: int, labels: Ints | None, share: float, seed: int) -> tuple[Ints, Ints]:
    """Set a share aside, of each class alike.

    Of a class of n images round(n * share) are set aside, at least one if n > 1, and at
    least one always stays.

    Returns
    -------
    kept, aside
        Indices, each in rising order; together they are 0..count-1.
    """
    generator = np.random.default_rng(seed)
    groups = (
        [np.arange(count)]
        if labels is None
        else [np.flatnonzero(labels == label) for label in np.unique(labels)]
    )
    aside: list[Ints] = []
    for group in groups:
        size = min(max(round(len(group) * share), 1), len(group) - 1)
        aside.append(generator.permutation(group)[:size])
    chosen = np.sort(np.concatenate(aside)) if aside else np.zeros(0, dtype=np.int64)
    kept = np.setdiff1d(np.arange(count), chosen, assume_unique=True)
    return kept.astype(np.int64), chosen.astype(np.int64)
