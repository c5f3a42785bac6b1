"""Masks: sets of regions as integers, bit i set where region i is kept.

A table has one entry per mask along its last axis, so that its length is a power of two.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadTensor
from proofsight_server.symbols.feature import Ints

Doubles = npt.NDArray[np.float64]

MOST_REGIONS: Final = 16
# what the solver was seen to need for each network at 16 regions, on one core
_MEGABYTES: Final = 60.0
_MINUTES: Final = 2.0


def regions_of(length: int) -> int:
    """How many regions a table of `length` entries is about.

    Raises
    ------
    BadTensor
        Where no number of regions in 1..16 has as many masks.
    """
    regions = length.bit_length() - 1
    if length < 2 or length != 1 << regions:
        raise BadTensor(
            f"a table has {length} entries, and n regions have 2^n masks, 2 at least; give one "
            "score for each mask, from none kept to all kept",
            length=length,
        )
    if regions > MOST_REGIONS:
        more = regions - MOST_REGIONS
        raise BadTensor(
            f"a table is about {regions} regions, which have {length:,} masks: about "
            f"{_MEGABYTES * 2.0**more:,.0f} MB and {_MINUTES * 3.0**more:,.0f} minutes for each "
            f"network; merge regions until there are at most {MOST_REGIONS}",
            regions=regions,
        )
    return regions


def orders(regions: int) -> Ints:
    """How many regions each of the 2^n masks keeps. Shape (2^n,)."""
    return np.bitwise_count(np.arange(1 << regions)).astype(np.int64)


def members(mask: int) -> Iterator[int]:
    """The regions of a mask, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
