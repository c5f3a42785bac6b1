"""Extraction: the sparsest AND and OR effects of one table, or those that several tables share.

Source: Chen, Lou, Huang & Zhang, https://arxiv.org/abs/2401.16318.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadOption
from proofsight_server.interactions.admm import Split, minimise
from proofsight_server.interactions.boxed_split import BoxedSplit
from proofsight_server.interactions.exact_split import ExactSplit
from proofsight_server.interactions.masks import Doubles, orders, regions_of
from proofsight_server.interactions.objective import objective_named
from proofsight_server.interactions.table_check import checked_tables, table_name
from proofsight_server.interactions.transforms import from_effects, subset_sums

MAX_STEPS: Final = 10_000
_LEAST_SPAN: Final = 1.0  # log-odds


@dataclass(frozen=True, slots=True, eq=False)
class Interactions:
    """AND and OR effects of m tables, with tables = from_effects(…) + bias + residual.

    Shapes are those of the tables given, (m, 2^n) or (2^n,), by the mask of S.

    Attributes
    ----------
    and_effects, or_effects
        In the tables' units and merged: an OR of one region is an AND, and both entries ∅ are 0.
    bias
        (m, 1) or (): the score of the mask ∅.
    value
        The loss of the effects of normalised tables.
    gap
        (value − lower) / value, where no split of these tables has a loss below `lower`.
    residual
        What the effects leave of the tables: within the box, and rounding where it is 0.
    scales
        (m,) by which tables were divided before they were compared.
    spread
        The largest |γ_i − mean γ_j| of normalised tables, v_and = ½v + γ.  The paper keeps it to
        0.5; here nothing does.
    steps
        Of the solver.
    objective, alpha, box
        As they were asked for.
    notes
        What the reader should know of these tables and of this solution.
    """

    and_effects: Doubles
    or_effects: Doubles
    bias: Doubles
    value: float
    gap: float
    residual: Doubles
    scales: Doubles
    spread: float
    steps: int
    objective: str
    alpha: float
    box: float
    notes: tuple[str, ...]

    @property
    def regions(self) -> int:
        """How many regions the masks are about."""
        return regions_of(self.and_effects.shape[-1])


def extract(
    tables: npt.ArrayLike,
    *,
    objective: str = "mix",
    alpha: float = 0.1,
    box: float = 0.02,
    gap: float = 1e-3,
    order_weight: str = "none",
    max_steps: int = MAX_STEPS,
    rng: np.random.Generator | None = None,
) -> Interactions:
    """Write tables as sums of few ANDs and ORs, the same ones for all where that is possible.

    Parameters
    ----------
    tables
        (m, 2^n) for m networks, or (2^n,): the score of each mask, none kept first, n in 1..16.
    objective, alpha
        `mix`: (1 − α) of each row's largest effect and α of the row's sum; `additive`: all of
        the largest and α of the sum.  With `mix` and α = 1, networks are taken apart.
    box
        How much of |v(N) − v(∅)| may be called noise, per score; 0: the sum is exact.
    gap
        The relative duality gap to stop at.
    order_weight
        `none`; `tie`, which prefers the smaller of equal effects; or `noise`, which charges an
        effect for how much noise it gathers.
    max_steps
        To stop at before, with a note.
    rng
        Draws another start; the optimum does not depend on it.

    Returns
    -------
    interactions
        Merged effects in the tables' units, with the certificate.

    Raises
    ------
    BadTensor
        For tables of other shapes, or scores that are not finite, constant, or capped.
    BadOption
        For options out of range.
    """
    given = checked_tables(tables)
    _check_options(box, gap, max_steps)
    scores = np.atleast_2d(given)
    bias = scores[:, :1]
    notes: list[str] = []
    scales = _scales(scores - bias, notes)
    normalised = (scores - bias) / scales[:, None]
    loss = objective_named(objective, alpha, regions_of(scores.shape[1]), order_weight)
    split: Split = ExactSplit(normalised)
    if box:
        split = BoxedSplit(normalised, box * np.abs(normalised[:, -1]))
    minimum = minimise(split, loss, gap=gap, max_steps=max_steps, rng=rng)
    merged = _merged(minimum.effects)
    value = loss.value(merged)
    reached = (value - minimum.lower) / value
    if reached > gap:
        notes.append(
            f"stopped after {minimum.steps} steps at a gap of {reached:.2g}, not {gap:g}: other "
            "effects may fit as well; ask for a larger gap, allow a larger box, or take fewer "
            "regions"
        )
    elif not minimum.settled:
        notes.append(
            f"stopped after {minimum.steps} steps within the gap, but before effects had settled: "
            "others fit as well; ask for a larger gap, allow a larger box, or take fewer regions"
        )
    ands, ors = merged * scales[:, None]
    residual = scores - from_effects(ands, ors) - bias
    return Interactions(
        ands.reshape(given.shape),
        ors.reshape(given.shape),
        bias if given.ndim == 2 else bias.reshape(()),
        value,
        reached,
        residual.reshape(given.shape),
        scales,
        _spread(minimum.effects),
        minimum.steps,
        objective,
        alpha,
        box,
        tuple(notes),
    )


def _check_options(box: float, gap: float, max_steps: int) -> None:
    if not 0 <= box < 1:
        raise BadOption(f"box is a share of the scores' span, 0 or more and below 1, not {box!r}")
    if not 0 < gap < 1:
        raise BadOption(f"gap is a share of the loss, above 0 and below 1, not {gap!r}")
    if max_steps < 1:
        raise BadOption(f"max_steps is a whole number from 1, not {max_steps!r}")


def _scales(scores: Doubles, notes: list[str]) -> Doubles:
    """|v(N) − v(∅)| of each network, or the RMS where that is below 1 log-odds. Shape (m,)."""
    scales = np.abs(scores[:, -1])
    for network, table in enumerate(scores):
        if scales[network] < _LEAST_SPAN:
            peak = np.abs(table).max()  # whose square might be no number
            scales[network] = peak * np.sqrt(np.mean((table / peak) ** 2))
            notes.append(
                f"{table_name(network)} moves by {abs(table[-1]):.3g} only from no region to all; "
                f"it was divided by its root mean square, {scales[network]:.3g}"
            )
    return scales


def _merged(effects: Doubles) -> Doubles:
    """ORs of one region as ANDs, which they are; the two entries ∅ cancel, and go."""
    merged = effects.copy()
    single = orders(regions_of(effects.shape[-1])) == 1
    merged[0][:, single] += merged[1][:, single]
    merged[1][:, single] = 0
    merged[:, :, 0] = 0
    return merged


def _spread(effects: Doubles) -> float:
    """How far the networks' γ are from their mean, at most."""
    ands = subset_sums(effects[0])
    ors = from_effects(np.zeros_like(effects[1]), effects[1])
    gamma = (ands - ors) / 2
    return float(np.abs(gamma - gamma.mean(axis=0)).max())
