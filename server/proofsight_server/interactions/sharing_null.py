"""What networks share by the loss alone: the same extraction of tables with renamed regions."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from proofsight_server.errors import BadOption
from proofsight_server.interactions.joint import Interactions
from proofsight_server.interactions.masks import Doubles, regions_of
from proofsight_server.interactions.renaming import renamed
from proofsight_server.interactions.sharing import Sharing, sharing


@dataclass(frozen=True, slots=True)
class SharingNull:
    """Means over extractions in which all networks but the first have their regions permuted.

    Attributes
    ----------
    extractions
        How many.
    share
        (m,) shared / size of each network.
    iou, weighted_iou
        As `Sharing` has them.
    same_sign
        Of the shared; None where no extraction shares any.
    r2
        (m,) of the shared ones alone, refitted.
    seconds
        What all of it took.
    """

    extractions: int
    share: tuple[float, ...]
    iou: float
    weighted_iou: float
    same_sign: float | None
    r2: tuple[float, ...]
    seconds: float


def null_of_renamed(
    tables: Doubles,
    solved: Callable[[Doubles], Interactions],
    extractions: int,
    rng: np.random.Generator,
    *,
    share: float = 0.05,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> SharingNull | None:
    """Measure sharing where there is nothing to share but the tables' form.

    Parameters
    ----------
    tables
        (m, 2^n), m ≥ 2.
    solved
        The extraction whose figures the null stands beside.
    extractions
        How many; each takes as long as the first.  None is done for 0, or for a single region,
        which has no other name.
    share
        That of `sharing`.
    progress
        Takes extractions done and in all.

    Raises
    ------
    BadOption
        For a number below 0.
    """
    if extractions < 0:
        raise BadOption(f"nulls are a number of extractions from 0, not {extractions}")
    if not extractions or regions_of(tables.shape[1]) < 2:
        return None
    begun = time.monotonic()
    found: list[Sharing] = []
    for done in range(extractions):
        progress(done, extractions)
        moved = np.stack([tables[0], *(renamed(table, rng) for table in tables[1:])])
        found.append(sharing(moved, solved(moved), share=share))
    progress(extractions, extractions)
    signs = [one.same_sign for one in found if one.same_sign is not None]
    return SharingNull(
        extractions,
        _means([one.overlap.share for one in found]),
        statistics.fmean(one.overlap.iou for one in found),
        statistics.fmean(one.weighted_iou for one in found),
        statistics.fmean(signs) if signs else None,
        _means([[refit.r2 for refit in one.refits] for one in found]),
        time.monotonic() - begun,
    )


def _means(rows: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(statistics.fmean(column) for column in zip(*rows, strict=True))
