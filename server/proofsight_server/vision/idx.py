"""idx files, the form in which MNIST and Fashion-MNIST are handed round."""

from __future__ import annotations

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadDataset
from proofsight_server.vision.source import Source, from_arrays

FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_UNSIGNED_BYTE = 8


def mnist(root: Path) -> Source:
    """MNIST below `root`. Raises BadDataset where files are missing or damaged."""
    return _source(root, "MNIST", tuple(f"digit_{index}" for index in range(10)))


def fashion_mnist(root: Path) -> Source:
    """Fashion-MNIST below `root`. Raises BadDataset where files are missing or damaged."""
    return _source(root, "FashionMNIST", FASHION_CLASSES)


def read_idx(path: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    """An idx file of unsigned bytes, gzipped or not, told by its content.

    Raises
    ------
    BadDataset
        It cannot be read or unpacked, its magic number is another, or its length is not the
        one that its header announces.
    """
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise BadDataset(f"{path}: cannot be read: {error}", path=path) from error
    magic = bytes([0, 0, _UNSIGNED_BYTE, dimensions])
    if data[:4] != magic:
        raise BadDataset(
            f"{path}: an idx file of unsigned bytes in {dimensions} dimension(s) begins with "
            f"{magic.hex()}, this one with {data[:4].hex() or 'nothing'}",
            path=path,
        )
    start = 4 + 4 * dimensions
    if len(data) < start:
        raise BadDataset(f"{path}: the header is cut off after {len(data)} bytes", path=path)
    shape = tuple(int(size) for size in np.frombuffer(data[4:start], dtype=">u4"))
    if len(data) - start != prod(shape):
        raise BadDataset(
            f"{path}: the header announces {prod(shape)} bytes {shape}, but {len(data) - start} "
            "follow; fetch the file again",
            path=path,
        )
    return np.frombuffer(data, dtype=np.uint8, offset=start).reshape(shape)


def _source(root: Path, name: str, classes: tuple[str, ...]) -> Source:
    root = root.expanduser()
    folders = [root, root / "raw", root / name / "raw", root / name]

    def find(stem: str, dimensions: int) -> npt.NDArray[np.uint8]:
        written = [f"{stem}-ubyte", f"{stem}-ubyte.gz", stem.replace("-idx", ".idx") + "-ubyte"]
        for place in folders:
            for file in written:
                if (place / file).is_file():
                    return read_idx(place / file, dimensions)
        raise BadDataset(
            f"no {stem}-ubyte or {stem}-ubyte.gz in {', '.join(map(str, folders))}; give the "
            "folder that holds the four idx files (they are never downloaded)",
            path=root,
        )

    parts = [
        (find(f"{part}-images-idx3", 3)[..., None], find(f"{part}-labels-idx1", 1))
        for part in ("train", "t10k")
    ]
    return from_arrays(str(root), parts[0], parts[1], classes)
