"""NumPy archives: arrays of images and labels in one `.npz` file."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadDataset
from proofsight_server.vision.source import Source, from_arrays

_NEEDED = ("x_train", "y_train", "x_test", "y_test")


def npz(path: Path) -> Source:
    """The arrays x_train, y_train, x_test, y_test and perhaps `classes` of an archive.

    Images are uint8 (n, height, width, 1 or 3), labels whole numbers, `classes` strings;
    without them the classes are `class_0`, `class_1`, ...

    Raises
    ------
    BadDataset
        The file or an array is missing or damaged, or has another type or shape.  Arrays of
        Python objects are refused: reading them would run a pickle.
    """
    path = path.expanduser()
    try:
        loaded = np.load(path, allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            raise BadDataset(f"{path}: a single array, not an .npz archive", path=path)
        with loaded as file:
            missing = [name for name in _NEEDED if name not in file.files]
            if missing:
                raise BadDataset(
                    f"{path}: has no array {missing[0]!r}; it needs {', '.join(_NEEDED)} and "
                    f"has {', '.join(file.files) or 'none'}",
                    path=path,
                )
            names = (*_NEEDED, "classes") if "classes" in file.files else _NEEDED
            arrays = {name: _array(file, path, name) for name in names}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, BadDataset):
            raise
        # NumPy takes whatever is no archive for a pickle, and advises to load it all the same.
        cause = "no .npz archive" if "allow_pickle" in str(error) else f"cannot be read: {error}"
        raise BadDataset(
            f"{path}: {cause}; numpy.savez writes one, with {', '.join(_NEEDED)}", path=path
        ) from error
    return from_arrays(
        str(path),
        (arrays["x_train"], arrays["y_train"]),
        (arrays["x_test"], arrays["y_test"]),
        _classes(path, arrays),
    )


def _array(file: np.lib.npyio.NpzFile, path: Path, name: str) -> npt.NDArray[np.generic]:
    try:
        array: npt.NDArray[np.generic] = file[name]
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise BadDataset(
                f"{path}: {name} holds Python objects, and reading those would run a pickle; "
                "save numbers (uint8 images, int64 labels) or strings",
                path=path,
                array=name,
            ) from error
        raise
    return array


def _classes(path: Path, arrays: dict[str, npt.NDArray[np.generic]]) -> tuple[str, ...]:
    if "classes" not in arrays:
        labels = arrays["y_train"]
        if not np.issubdtype(labels.dtype, np.integer) or labels.size == 0:
            return ()
        return tuple(f"class_{index}" for index in range(int(labels.max()) + 1))
    classes = arrays["classes"]
    if classes.ndim != 1 or classes.dtype.kind != "U":
        raise BadDataset(
            f"{path}: classes are {classes.dtype} {classes.shape}, but must be strings (n,)",
            path=path,
        )
    return tuple(str(name) for name in classes)
