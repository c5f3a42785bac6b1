"""Score tables in a NumPy archive: the array `tables`."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadTensor

ARRAY = "tables"


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
                    f"{path}: has no array {ARRAY!r}, and has {', '.join(archive.files) or 'none'};"
                    f" write it with numpy.savez(FILE, {ARRAY}=…)"
                )
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
    return tables
