"""What tables must be before effects are read off them: finite, and neither constant nor capped."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadTensor
from proofsight_server.interactions.masks import Doubles, regions_of
from proofsight_server.symbols.feature import Ints

_STILL: Final = 1e-12  # of the largest score: a table that varies by less is constant
_CAP: Final = 9.0  # log-odds of a probability that was clipped at 1e-4
_OFTEN: Final = 4  # times as often as any other score, and no less often than this
_APART: Final = 0.9  # the share of the other scores that differ, as those of networks do
_EVIDENCE: Final = 6  # of them
_SAME: Final = 1e-9  # of the largest score: what rounding takes apart
# Log-odds of what probabilities are mostly clipped at, or rounded to in float32 and float64.
_CLIPPED: Final = -np.log([*(10.0**-k for k in range(4, 17)), 2.0**-23, 2.0**-24, 2.0**-53])
_NEAR: Final = 1.2e-3  # of it, so that 16.1 is that of 1e-7


def checked_tables(tables: npt.ArrayLike) -> Doubles:
    """The scores of tables (m, 2^n) or (2^n,) as float64.

    Raises
    ------
    BadTensor
        For other shapes, and scores that are not finite, constant, or capped.
    """
    try:
        scores = np.asarray(tables)
    except ValueError as error:
        raise BadTensor("tables differ in length; give 2^n scores of each network") from error
    if scores.ndim not in (1, 2) or not scores.size:
        raise BadTensor(
            f"tables have shape {scores.shape}; give (m, 2^n), one row for each network, or (2^n,)"
        )
    if scores.dtype.kind not in "buif":
        raise BadTensor(f"tables hold {scores.dtype}; give real numbers")
    regions_of(scores.shape[-1])
    scores = scores.astype(np.float64)
    for network, table in enumerate(np.atleast_2d(scores)):
        whose = table_name(network) if scores.ndim == 2 else "the table"
        _refuse_infinite(table, whose)
        _refuse_constant(table, whose)
        _refuse_capped(table, whose)
    return scores


def table_name(network: int) -> str:
    """What messages call a network's table."""
    return f"table {network + 1}"


def _refuse_infinite(table: Doubles, whose: str) -> None:
    finite = np.isfinite(table)
    if not finite.all():
        mask = int(np.argmin(finite))
        raise BadTensor(
            f"{whose} has {table[mask]} for mask {mask}; every score must be finite: compute it "
            "from logits, in float64, and not from probabilities",
            mask=mask,
        )


def _refuse_constant(table: Doubles, whose: str) -> None:
    if float(np.ptp(table)) <= _STILL * float(np.abs(table).max()):
        raise BadTensor(
            f"{whose} has the score {table[0]:g} for every mask, so that no region matters; choose "
            "another class, baseline or image"
        )


def _refuse_capped(table: Doubles, whose: str) -> None:
    """Log-odds of clipped probabilities end on a plateau, which effects of high order would fit."""
    unit = _SAME * float(np.abs(table).max())
    places, counts = np.unique(np.rint(table / unit), return_counts=True)
    for extreme in (0, -1):
        score, others = float(places[extreme]) * unit, np.delete(counts, extreme)
        if (_is_cap(score) and counts[extreme] >= _OFTEN) or (
            abs(score) >= _CAP and _is_plateau(int(counts[extreme]), others)
        ):
            raise BadTensor(
                f"{whose} has its extreme score {score:.4f} for {counts[extreme]} of "
                f"{len(table)} masks: it saturates, as log-odds of clipped probabilities do; "
                "compute it from logits"
            )


def _is_cap(score: float) -> bool:
    return bool(np.isclose(abs(score), _CLIPPED, rtol=_NEAR, atol=0).any())


def _is_plateau(count: int, others: Ints) -> bool:
    """Whether a score that `count` masks have stands out of others that hardly recur.

    The few sums of a few planted effects recur, and so may the greatest of them.
    """
    masks = count + int(others.sum())
    apart = max(_EVIDENCE, masks / 16, _APART * int(others.sum()))
    return count >= _OFTEN * int(others.max()) and len(others) >= apart
