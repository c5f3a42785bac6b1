"""The best sum of given primitives for one table: least squares, or the least worst error.

Effects that were found among all others are not the best ones once most are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.optimize import linprog

from proofsight_server.errors import BadOption, ProofsightError
from proofsight_server.interactions.masks import Doubles, regions_of
from proofsight_server.interactions.primitive import Primitive, design
from proofsight_server.symbols.feature import Bools

FitName = Literal["least_squares", "minimax"]


@dataclass(frozen=True, slots=True, eq=False)
class Refit:
    """A table as bias + Σ of the effects that fire, and what is left of it.

    Attributes
    ----------
    primitives, effects
        (k,) of each, in the table's units.
    bias
        The score of the mask ∅, exactly.
    residual
        (2^n,), the table less the sum.
    r2
        1 − Σ residual² / Σ (v − mean v)², over all masks.
    """

    primitives: tuple[Primitive, ...]
    effects: Doubles
    bias: float
    residual: Doubles
    r2: float

    @property
    def worst(self) -> float:
        """The largest |residual| over all masks."""
        return float(np.abs(self.residual).max())

    @property
    def rms(self) -> float:
        """The root mean square of the residual."""
        return float(np.sqrt(np.mean(self.residual**2)))


def refit(table: Doubles, primitives: Sequence[Primitive], fit: str = "least_squares") -> Refit:
    """Choose the effects of given primitives anew, the bias being the score of the mask ∅.

    Parameters
    ----------
    table
        (2^n,), one network's scores.
    primitives
        Any number of them.
    fit
        `least_squares` over all masks, or `minimax`: the least worst error, hence the least bound
        in a proof, by a linear program.

    Raises
    ------
    BadOption
        For another fit.
    """
    if fit not in get_args(FitName):
        raise BadOption(f"no fit is named {fit!r}; one of: {', '.join(get_args(FitName))}")
    bias = float(table[0])
    columns = design(primitives, regions_of(len(table)))
    effects = (_minimax if fit == "minimax" else _least_squares)(columns, table - bias)
    residual = table - bias - columns @ effects
    return Refit(tuple(primitives), effects, bias, residual, r_squared(table, residual))


def r_squared(table: Doubles, residual: Doubles) -> float:
    """1 − Σ residual² / Σ (v − mean v)²."""
    return 1 - float((residual**2).sum() / ((table - table.mean()) ** 2).sum())


def _least_squares(columns: Bools, scores: Doubles) -> Doubles:
    # primitives can depend on each other: an OR of two is their sum less their AND
    effects = np.linalg.lstsq(columns.astype(np.float64), scores, rcond=None)[0]
    return effects.astype(np.float64, copy=False)


def _minimax(columns: Bools, scores: Doubles) -> Doubles:
    if not columns.shape[1]:
        return np.zeros(0)
    numbers = columns.astype(np.float64)
    margin = np.ones((len(scores), 1))
    solved = linprog(
        np.append(np.zeros(columns.shape[1]), 1.0),
        A_ub=np.block([[numbers, -margin], [-numbers, -margin]]),
        b_ub=np.concatenate([scores, -scores]),
        bounds=[(None, None)] * columns.shape[1] + [(0, None)],
        method="highs",
    )
    if not solved.success:
        raise ProofsightError(f"the linear program of the minimax fit failed: {solved.message}")
    effects: Doubles = solved.x[:-1]
    return effects
