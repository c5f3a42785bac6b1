"""Score tables in a NumPy archive: the array `tables`."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadTensor

ARRAY = "tables"
_MOST_BYTES = 2**30  # a thousand networks on the most regions fill half of it


def read_tables(path: Path) -> npt.NDArray[np.generic]:
    """The array `tables` of an `.npz` archive, whatever it holds; `extract` checks it.

    Raises
    ------
    BadTensor
        The file cannot be read, or has no such array of numbers.  Arrays of Python objects are
        refused: reading them would run a pickle.
    """
    try:
        loaded = np.load(path, allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            raise BadTensor(
                f"{path}: a single array, not an .npz archive; write it with "
                "numpy.savez(FILE, tables=…)"
            )
        with loaded as archive:
            if ARRAY not in archive.files:
                raise BadTensor(
                    f"{path}: has no array {ARRAY!r}, and has "
                    f"{', '.join(archive.files) or 'no other'}; write it with "
                    f"numpy.savez(FILE, {ARRAY}=…)"
                )
            _check_size(path)
            tables: npt.NDArray[np.generic] = archive[ARRAY]
    except BadTensor:
        raise
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        if "pickle" in str(error):
            raise BadTensor(
                f"{path}: is no NumPy archive, or holds Python objects, and reading those would "
                "run a pickle; save numbers"
            ) from error
        raise BadTensor(f"{path}: cannot be read: {error}") from error
    except MemoryError as error:
        raise BadTensor(
            f"{path}: {ARRAY!r} is said to need more memory than there is; write it anew"
        ) from error
    return tables


def _check_size(path: Path) -> None:
    """Refuse what would be unpacked for long: a few bytes can say that they are a great many."""
    with zipfile.ZipFile(path) as archive:
        size = max(
            entry.file_size
            for entry in archive.infolist()
            if entry.filename.removesuffix(".npy") == ARRAY
        )
    if size > _MOST_BYTES:
        raise BadTensor(
            f"{path}: {ARRAY!r} has {size / 2**30:,.1f} GiB, and tables of 16 regions have 0.5 MiB "
            f"for each network; give at most {_MOST_BYTES / 2**30:g} GiB"
        )
