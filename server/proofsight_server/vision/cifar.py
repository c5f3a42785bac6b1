"""CIFAR-10 in the form in which it is published: six pickles, read without trusting them.

A pickle is a program, so only what these files need is let through: byte strings, numbers,
lists and dicts, which the pickle machine makes by itself, and the four names with which
NumPy stores an array.  Each of the four is replaced by a function of ours that makes an array of
unsigned bytes or numbers and nothing else.  Any other name is refused before it is imported.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadDataset
from proofsight_server.vision.source import Source, from_arrays

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
_FOLDER = "cifar-10-batches-py"
_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
_ROW = 3 * 32 * 32


def cifar10(root: Path) -> Source:
    """CIFAR-10 from `root` or `root/cifar-10-batches-py`.

    Raises
    ------
    BadDataset
        A batch is missing, damaged, of another shape, or contains what such a file never does.
    """
    root = root.expanduser()
    for folder in (root / _FOLDER, root):
        if (folder / _BATCHES[0]).is_file():
            break
    else:
        raise BadDataset(
            f"no {_BATCHES[0]} in {root / _FOLDER} or {root}; give the folder that holds "
            f"{_FOLDER} (it is never downloaded)",
            path=root,
        )
    batches = [read_batch(folder / name) for name in _BATCHES]
    images = np.concatenate([batch[0] for batch in batches])
    labels = np.concatenate([batch[1] for batch in batches])
    return from_arrays(str(folder), (images, labels), read_batch(folder / "test_batch"), CLASSES)


def read_batch(path: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Images (n, 32, 32, 3) uint8 and labels (n,) of one python batch.

    Raises
    ------
    BadDataset
        It cannot be read, names anything but a NumPy array, or has another shape.
    """
    try:
        with path.open("rb") as file:
            batch = _ArraysOnly(file, encoding="bytes").load()
    except BadDataset:
        raise
    except Exception as error:
        # Damaged pickles raise nearly anything.
        raise BadDataset(f"{path}: cannot be read as a CIFAR batch: {error}", path=path) from error
    if isinstance(batch, dict):
        batch = {key.decode() if isinstance(key, bytes) else key: batch[key] for key in batch}
        data, labels = batch.get("data"), batch.get("labels")
        if (
            isinstance(data, np.ndarray)
            and data.dtype == np.uint8
            and data.ndim == 2
            and data.shape[1] == _ROW
            and isinstance(labels, list)
            and all(type(label) is int for label in labels)
        ):
            images = data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            return np.ascontiguousarray(images), np.array(labels, dtype=np.int64)
    raise BadDataset(
        f"{path}: a CIFAR batch has uint8 'data' (n, {_ROW}) and a list of 'labels'; this file "
        "has not",
        path=path,
    )


class _ArraysOnly(pickle.Unpickler):
    """Lets through the names of a NumPy array, each in a harmless form of ours."""

    def find_class(self, module: str, name: str) -> Any:
        allowed = {
            ("numpy.core.multiarray", "_reconstruct"): _empty_array,
            ("numpy._core.multiarray", "_reconstruct"): _empty_array,
            ("numpy", "ndarray"): "ndarray",
            ("numpy", "dtype"): _number_type,
            ("_codecs", "encode"): _latin1,
        }
        if (module, name) not in allowed:
            raise BadDataset(
                f"the file names {module}.{name}, which no CIFAR batch needs; it was not "
                "imported, and the file is refused"
            )
        return allowed[module, name]


def _empty_array(kind: object, shape: object, code: object) -> npt.NDArray[np.int8]:
    # What `numpy.core.multiarray._reconstruct` is called with; the contents come after it.
    if kind != "ndarray" or shape != (0,):
        raise BadDataset(f"the file makes an array of {kind!r} with shape {shape!r}")
    return np.zeros(0, dtype=np.int8)


def _number_type(code: object, *flags: object) -> np.dtype[Any]:
    text = code.decode("ascii") if isinstance(code, bytes) else str(code)
    if text not in {"u1", "i1", "i2", "i4", "i8"}:
        raise BadDataset(f"the file makes an array of type {text!r}, not of bytes or numbers")
    return np.dtype(text)


def _latin1(text: object, encoding: object) -> bytes:
    if not isinstance(text, str) or encoding not in {"latin1", b"latin1"}:
        raise BadDataset(f"the file encodes text as {encoding!r}")
    return text.encode("latin1")
