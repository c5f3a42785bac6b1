"""One notion of a data set behind a URI: three splits of images, labels and class names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadDataset
from proofsight_server.symbols.feature import Ints
from proofsight_server.vision import archive, cifar, folder, idx
from proofsight_server.vision.digits import digits
from proofsight_server.vision.image import Mode, Pixels
from proofsight_server.vision.source import (
    TEST_SEED,
    TEST_SHARE,
    VALIDATION_SHARE,
    Source,
    check,
    divide,
)


@runtime_checkable
class _Stored(Protocol):
    """Images that lie in files and can give the bytes of each."""

    def content(self, index: int) -> bytes: ...

    def take(self, indices: Ints) -> Sequence[Pixels]: ...


@dataclass(frozen=True, slots=True)
class Split:
    """Part of a data set.

    `images` is an array (n, height, width, channels) uint8, or a sequence of (height, width,
    channels) uint8 that decodes an image when asked for it; `labels` (n,) index the classes,
    None where there are none; `ids` name each image for good: `train/17`, or a file's path.
    """

    images: Sequence[Pixels] | npt.NDArray[np.uint8]
    labels: Ints | None
    ids: Sequence[str]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, indices: npt.ArrayLike) -> Split:
        """The images at `indices`, in that order. Files are not read for it."""
        chosen = np.asarray(indices, dtype=np.int64)
        images = self.images
        if isinstance(images, np.ndarray):
            images = images[chosen]
        elif isinstance(images, _Stored):
            images = images.take(chosen)
        else:
            images = [images[int(index)] for index in chosen]
        return Split(
            images=images,
            labels=None if self.labels is None else self.labels[chosen],
            ids=tuple(self.ids[int(index)] for index in chosen),
        )

    def digest(self) -> dict[str, bytes]:
        """Per image id, a hash of its label and content (a file's bytes, an array's pixels)."""
        digests = {}
        for index, name in enumerate(self.ids):
            images = self.images
            if isinstance(images, _Stored):
                content = images.content(index)
            else:
                pixels = np.ascontiguousarray(images[index])
                content = repr(pixels.shape).encode() + pixels.tobytes()
            label = "" if self.labels is None else str(int(self.labels[index]))
            digests[name] = hashlib.sha256(label.encode() + b"\0" + content).digest()
        return digests


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images in three splits, under the URI they were opened by.

    `classes` are names in the order of the labels, empty where there are no labels; `mode`
    is the mode the images are stored in; `seed` chose the validation images out of the
    training images, and nothing else.
    """

    uri: str
    classes: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    mode: Mode
    seed: int

    def split(self, name: str) -> Split:
        """The split of that name: `train`, `validation` or `test`."""
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        if name not in splits:
            raise BadDataset(f"no split named {name!r}; there are {', '.join(splits)}", split=name)
        return splits[name]

    def fingerprint(self) -> str:
        """SHA-256, in hex, of classes, images and labels; the same for every `seed`.

        Reads every image once.
        """
        total = hashlib.sha256(repr(self.classes).encode())
        digests = self.train.digest() | self.validation.digest() | self.test.digest()
        for name in sorted(digests):
            total.update(name.encode() + b"\0" + digests[name])
        return total.hexdigest()


_OPENERS: dict[str, Callable[[str], Source]] = {
    "digits": lambda rest: digits(),
    "mnist": lambda rest: idx.mnist(Path(rest)),
    "fashion-mnist": lambda rest: idx.fashion_mnist(Path(rest)),
    "cifar10": lambda rest: cifar.cifar10(Path(rest)),
    "npz": lambda rest: archive.npz(Path(rest)),
    "folder": lambda rest: folder.class_folders(Path(rest)),
    "images": lambda rest: folder.unlabelled(Path(rest)),
}
_WITHOUT_PATH = {"digits"}


def open_dataset(uri: str, *, seed: int = 0, labelled: bool = True) -> Dataset:
    """Open a data set for reading. Nothing is ever downloaded or written.

    Validation is a tenth of the training images, of each class alike, chosen by `seed`.
    Where a source has no test images of its own (`digits`, a folder without `train` and
    `test`), a quarter is set aside, of each class alike, by a seed that is always the same,
    so that no choice of `seed` can train on test images.

    Parameters
    ----------
    uri
        `digits`; `mnist:ROOT`, `fashion-mnist:ROOT` (idx files, gzipped or not, in ROOT,
        ROOT/raw or ROOT/MNIST/raw); `cifar10:ROOT` (python batches); `npz:FILE` (x_train,
        y_train, x_test, y_test and perhaps classes); `folder:DIR` (one folder per class,
        within train and test or alone); `images:DIR` (no labels).
    seed
        Chooses the validation images.
    labelled
        Whether labels are needed.

    Raises
    ------
    BadDataset
        The URI is unknown, files are missing or damaged, labels do not fit, there are fewer
        than two classes, or a class has no training image.
    """
    scheme, _, rest = uri.partition(":")
    if scheme not in _OPENERS:
        near = get_close_matches(scheme, _OPENERS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        known = ", ".join(name if name in _WITHOUT_PATH else f"{name}:PATH" for name in _OPENERS)
        raise BadDataset(f"no kind of data set named {scheme!r}; {hint}known: {known}", uri=uri)
    if bool(rest) == (scheme in _WITHOUT_PATH):
        form = scheme if scheme in _WITHOUT_PATH else f"{scheme}:PATH"
        raise BadDataset(f"write the data set as {form}, not {uri!r}", uri=uri)
    source = _OPENERS[scheme](rest)
    if labelled and not source.classes:
        raise BadDataset(
            f"{uri} has no labels, and this work needs them; use folder:DIR with one folder "
            "per class",
            uri=uri,
        )
    return _split(uri, source, seed)


def _split(uri: str, source: Source, seed: int) -> Dataset:
    check(uri, source)
    train = Split(source.images, source.labels, source.ids)
    if source.test is None:
        kept, aside = divide(len(train), train.labels, TEST_SHARE, TEST_SEED)
        train, test = train.take(kept), train.take(aside)
    else:
        test = Split(source.test.images, source.test.labels, source.test.ids)
    kept, aside = divide(len(train), train.labels, VALIDATION_SHARE, seed)
    return Dataset(
        uri=uri,
        classes=source.classes,
        train=train.take(kept),
        validation=train.take(aside),
        test=test,
        mode=source.mode,
        seed=seed,
    )
