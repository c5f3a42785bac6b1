"""Numbers as they are given to a unit: real ones, or refused."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proofsight_server.errors import BadTensor


def real_array(values: ArrayLike, noun: str) -> NDArray[np.float64]:
    """Real numbers in float64, of the shape that they have.

    Raises
    ------
    BadTensor
        Anything but real numbers, rows of unequal lengths among it; `noun` is what they should be.
    """
    try:
        array = np.asarray(values)
        if array.dtype.kind in "biufO":
            return array.astype(np.float64)
        seen = f"{array.dtype}: {values!r:.60}"
    except (TypeError, ValueError, OverflowError) as error:
        seen = f"{values!r:.60} ({error})"
    raise BadTensor(f"{noun} made of real numbers, not {seen}")
