"""How near hidden units come to the ends of their range: what composition leans on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from proofsight_server.rules.threshold_unit import Reals
from proofsight_server.symbols.feature import Floats

NEAR = 0.1


@dataclass(frozen=True, slots=True)
class Saturation:
    """Per unit the distance of its values to the nearer end, as a share of its range, 0..½.

    `mean` and `high` (the 90th percentile) are (units,); so is `near`, the share of images within
    .1 of an end.
    """

    mean: Reals
    high: Reals
    near: Reals


def saturation(values: Floats, low: Reals, high: Reals) -> Saturation:
    """Of values (images, units) with the ends `low` and `high` (units,).

    A unit whose ends are equal is at its end.
    """
    width = np.where(high > low, high - low, 1.0)
    shares = (values.astype(np.float64) - low) / width
    distance = np.clip(np.minimum(shares, 1 - shares), 0.0, 0.5)
    distance = np.where(high > low, distance, 0.0)
    return Saturation(
        distance.mean(axis=0),
        np.quantile(distance, 0.9, axis=0),
        (distance <= NEAR).mean(axis=0),
    )
