"""The smallest set of primitives that explains a table well enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from proofsight_server.errors import BadOption
from proofsight_server.interactions.masks import Doubles, regions_of
from proofsight_server.interactions.primitive import Primitive, design, primitives_at, ranking
from proofsight_server.interactions.refit import Refit, refit

Method = Literal["prune", "grow"]

_POOL: Final = 4  # times as many primitives as are kept at most, to prune from
_NOTHING: Final = 1e-3  # of the largest effect: as much as the solver's gap leaves behind
_RIDGE: Final = 1e-10  # of the Gram matrix's mean, for primitives that depend on each other


@dataclass(frozen=True, slots=True)
class Target:
    """What a set must reach: all that is not None. `most` bounds its size, and goes first.

    `r2` is the share of variance over all masks, `max_error` the worst error in the table's units.
    """

    most: int = 50
    r2: float | None = None
    max_error: float | None = None

    def __post_init__(self) -> None:
        if self.most < 1:
            raise BadOption(f"a set has 1 primitive or more, not {self.most}")
        if self.r2 is not None and not self.r2 <= 1:
            raise BadOption(f"R² is at most 1, so that {self.r2!r} cannot be reached")
        if self.max_error is not None and not self.max_error >= 0:
            raise BadOption(f"the worst error is 0 or more, not {self.max_error!r}")

    def met(self, found: Refit) -> bool:
        """Whether a refit is good enough."""
        enough = self.r2 is None or found.r2 >= self.r2
        return enough and (self.max_error is None or found.worst <= self.max_error)


def select(
    table: Doubles,
    effects: Doubles,
    target: Target,
    *,
    method: str = "prune",
    fit: str = "least_squares",
) -> Refit:
    """Choose few primitives and refit them.

    Parameters
    ----------
    table
        (2^n,), one network's scores.
    effects
        (2 · 2^n,), its AND and OR effects, of which the largest are candidates, and none below
        a thousandth of the largest.
    target
        What to reach; without R² and error, `most` primitives are kept.
    method
        `prune` drops, from four times as many as are kept at most, the one whose loss hurts least,
        again and again; `grow` adds the next largest effect.
    fit
        How the effects of the set are chosen anew, see `refit`.

    Returns
    -------
    refit
        The smallest set found that meets the target; where none does, the one of `most`.

    Raises
    ------
    BadOption
        For another method or fit.
    """
    if method not in get_args(Method):
        raise BadOption(f"no method is named {method!r}; one of: {', '.join(get_args(Method))}")
    regions = regions_of(len(table))
    pool = _POOL * target.most if method == "prune" else target.most
    ranked = ranking(effects)[:pool]
    sizes = np.abs(effects[ranked])
    ordered = primitives_at(ranked[sizes > _NOTHING * sizes[0]], regions)
    if method == "prune":
        ordered = _by_loss(table, ordered)
    return _smallest(table, ordered[: target.most], target, fit)


def _smallest(table: Doubles, ordered: Sequence[Primitive], target: Target, fit: str) -> Refit:
    """The shortest beginning that meets the target, by bisection, or all of them."""
    whole = refit(table, ordered, fit)
    if (target.r2 is None and target.max_error is None) or not target.met(whole):
        return whole
    best, low, high = whole, 0, len(ordered)
    while low < high:
        middle = (low + high) // 2
        found = refit(table, ordered[:middle], fit)
        if target.met(found):
            best, high = found, middle
        else:
            low = middle + 1
    return best


def _by_loss(table: Doubles, primitives: Sequence[Primitive]) -> tuple[Primitive, ...]:
    """Primitives by backward elimination: the one that least squares misses least comes last."""
    columns = design(primitives, regions_of(len(table))).astype(np.float64)
    gram = columns.T @ columns
    inverse = np.linalg.inv(gram + _RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram)))
    effects = inverse @ (columns.T @ (table - table[0]))
    left = np.ones(len(primitives), dtype=np.bool_)
    dropped = []
    for _ in primitives:
        # what the sum of squares grows by without each
        loss = np.where(left, effects**2 / np.where(left, inverse.diagonal(), 1), np.inf)
        worst = int(np.argmin(loss))
        dropped.append(worst)
        share = inverse[:, worst] / inverse[worst, worst]
        effects = effects - share * effects[worst]
        inverse = inverse - np.outer(share, inverse[worst])
        left[worst] = False
    return tuple(primitives[place] for place in reversed(dropped))
