"""Masks out of scores: how many kernels are kept, which ones, and which of those have an effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal, get_args, overload

import numpy as np
import numpy.typing as npt

from proofsight_server.circuits.scores import Doubles, Mask, Scores
from proofsight_server.circuits.wiring import chain
from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.symbols.feature import Bools, Ints

Share = float | int | Fraction | Decimal
Threshold = Literal["inclusive", "strict"]
Ties = Literal["all", "index"]
Zeros = Literal["never", "fill"]


@dataclass(frozen=True, slots=True, eq=False)
class _Ranking:
    """The kernels that count, in the order (layer, destination, source), and their scores."""

    names: tuple[str, ...]
    counts: tuple[Bools, ...]
    scores: Doubles
    macs: npt.NDArray[np.int64] | None

    def order(self) -> Ints:
        """Places by falling score; equal scores by (layer, destination, source)."""
        return np.argsort(-self.scores, kind="stable")

    def arrays(self, values: npt.NDArray[np.generic]) -> dict[str, npt.NDArray[np.generic]]:
        """Values of the kernels that count, per layer; 0 or false for the others."""
        filled, start = {}, 0
        for name, counts in zip(self.names, self.counts, strict=True):
            array = np.zeros(counts.shape, dtype=values.dtype)
            size = int(counts.sum())
            array[counts] = values[start : start + size]
            filled[name], start = array, start + size
        return filled


@overload
def select(
    scores: Scores,
    *,
    keep: Share | None = None,
    budget: int | None = None,
    cum_score: Share | None = None,
    macs: Share | None = None,
    threshold: Threshold = "inclusive",
    ties: Ties | None = None,
    zeros: Zeros = "never",
) -> Mask: ...
@overload
def select(
    scores: Mapping[str, npt.NDArray[np.floating]],
    *,
    keep: Share | None = None,
    budget: int | None = None,
    cum_score: Share | None = None,
    macs: Share | None = None,
    threshold: Threshold = "inclusive",
    ties: Ties | None = None,
    zeros: Zeros = "never",
) -> Mapping[str, Bools]: ...
def select(
    scores: Mapping[str, npt.NDArray[np.floating]],
    *,
    keep: Share | None = None,
    budget: int | None = None,
    cum_score: Share | None = None,
    macs: Share | None = None,
    threshold: Threshold = "inclusive",
    ties: Ties | None = None,
    zeros: Zeros = "never",
) -> Mapping[str, Bools]:
    """The kernels to keep, ranked over all layers with one threshold.

    Parameters
    ----------
    scores
        What `score` gave, or a plain chain: a mapping from layer to array (destinations,
        sources), input first.
    keep
        Share of N to keep, 0 to 1, as the decimal that it is written as: k = ceil(keep · N).
        1 is the full mask, 0 the empty one.
    budget
        How many kernels to keep; more than N means all.
    cum_score
        Keep the fewest kernels that hold this share of the total score.
    macs
        Keep the best kernels whose multiplications stay within this share of those of all;
        needs what `score` gave.
    threshold
        `inclusive` keeps scores ≥ the k-th largest, `strict` only those above it.
    ties
        `all` keeps every kernel that ties with the k-th, the default of `keep`; `index` keeps
        exactly k, the first by (layer, destination, source), the default of the others.
    zeros
        `never`: a score of 0 is not kept unless all are (keep = 1, or a budget of N), and the
        mask's `shortfall` says how many are missing; `fill`: they are filled up with kernels
        that score 0, last layer first.

    Returns
    -------
    mask
        Bool arrays of the same shapes; a `Mask` for `Scores`.

    Raises
    ------
    BadOption
        Not exactly one of the four amounts is given, or it is out of range or not a number;
        `macs` of a plain chain, or `cum_score` of negative scores.
    BadTensor
        A score is not finite, or there is no layer.
    """
    for option, value, known in (
        ("threshold", threshold, get_args(Threshold)),
        ("ties", ties, (None, *get_args(Ties))),
        ("zeros", zeros, get_args(Zeros)),
    ):
        if value not in known:
            named = ", ".join(name for name in known if name)
            raise BadOption(f"{option} is one of {named}, not {value!r}", option=option)
    ranking = _ranking(scores)
    amounts = {"keep": keep, "budget": budget, "cum_score": cum_score, "macs": macs}
    given = [name for name, amount in amounts.items() if amount is not None]
    if len(given) != 1:
        raise BadOption(f"give one of {', '.join(amounts)}, not {', '.join(given) or 'none'}")
    wanted = _wanted(ranking, given[0], amounts[given[0]])
    exact = ties == "index" or (ties is None and given[0] != "keep")
    # A share below 1 of few kernels may be all of them, and still keeps no score of 0.
    whole = wanted == len(ranking.scores) and (keep is None or _share("keep", keep) == 1)
    chosen = np.ones(wanted, bool) if whole else _chosen(ranking, wanted, threshold, exact=exact)
    shortfall = 0
    if not whole:
        chosen &= ranking.scores != 0
        shortfall = max(wanted - int(chosen.sum()), 0) if threshold == "inclusive" else 0
        if zeros == "fill":
            chosen[_fillers(ranking, shortfall)] = True
            shortfall = 0
    arrays = {name: array.astype(bool) for name, array in ranking.arrays(chosen).items()}
    return Mask(arrays, scores.wiring, shortfall) if isinstance(scores, Scores) else arrays


def ranks(scores: Mapping[str, npt.NDArray[np.floating]]) -> dict[str, Ints]:
    """The rank of each kernel, 1 the strongest, ties by (layer, destination, source).

    Kernels that do not count have rank 0.
    """
    ranking = _ranking(scores)
    places = np.empty(len(ranking.scores), dtype=np.int64)
    places[ranking.order()] = np.arange(1, len(places) + 1)
    return {name: array.astype(np.int64) for name, array in ranking.arrays(places).items()}


@overload
def effective(mask: Mask) -> Mask: ...
@overload
def effective(mask: Mapping[str, Bools]) -> Mapping[str, Bools]: ...
def effective(mask: Mapping[str, Bools]) -> Mapping[str, Bools]:
    """The kept kernels that are on a path of kept kernels from the image to the target.

    Parameters
    ----------
    mask
        A `Mask`, on the graph of its network; or a plain chain: a mapping from layer to bool
        array (destinations, sources), input first, whose sources are all input channels and
        whose target is all rows of the last layer.

    Returns
    -------
    mask
        Of the same kind.  None left is a collapse: all arrays are false.

    Raises
    ------
    BadTensor
        An array is not bool or has not the shape of its layer; layers do not fit each other, or
        one is missing.
    """
    if isinstance(mask, Mask):
        return Mask(mask.wiring.effective(mask.arrays), mask.wiring, mask.shortfall)
    arrays = {name: np.asarray(array) for name, array in mask.items()}
    return chain({name: array.shape for name, array in arrays.items()}).effective(arrays)


def wanted_kernels(keep: Share, total: int) -> int:
    """ceil(keep · total), exactly.

    Raises
    ------
    BadOption
        `keep` is no number of 0 to 1.
    """
    share = _share("keep", keep)
    return -(-share.numerator * total // share.denominator)


def _ranking(scores: Mapping[str, npt.NDArray[np.floating]]) -> _Ranking:
    counted = scores.wiring.counted() if isinstance(scores, Scores) else None
    layers = scores.wiring.layers if isinstance(scores, Scores) else None
    counts, parts, macs = [], [], []
    for name, array in scores.items():
        values = np.asarray(array, dtype=np.float64)
        if not np.isfinite(values).all():
            raise BadTensor(f"layer {name} has a score that is not finite", layer=name)
        counts.append(np.ones(values.shape, bool) if counted is None else counted[name])
        parts.append(values[counts[-1]])
        macs.append(np.full(len(parts[-1]), 1 if layers is None else layers[name].macs))
    if not parts:
        raise BadTensor("there are no scores; give at least one layer's array")
    return _Ranking(
        tuple(scores),
        tuple(counts),
        np.concatenate(parts),
        None if layers is None else np.concatenate(macs),
    )


def _wanted(ranking: _Ranking, name: str, amount: Share | None) -> int:
    assert amount is not None
    total = len(ranking.scores)
    if name == "keep":
        return wanted_kernels(amount, total)
    if name == "budget":
        if isinstance(amount, bool) or not isinstance(amount, int | np.integer) or amount < 0:
            raise BadOption(f"the budget is a whole number of kernels, not {amount}", budget=amount)
        return min(int(amount), total)
    share = float(_share(name, amount))
    order = ranking.order()
    if name == "cum_score":
        if (ranking.scores < 0).any():
            raise BadOption("cum_score needs scores that are not negative; use keep")
        held = np.cumsum(ranking.scores[order])
        # A total that is off by a rounding must not cost a kernel that adds nothing.
        return int((held < share * held[-1] * (1 - 1e-12)).sum()) + 1 if share and held[-1] else 0
    if ranking.macs is None:
        raise BadOption("macs needs a network's scores, since arrays alone say nothing of maps")
    spent = np.cumsum(ranking.macs[order])
    return int((spent <= share * spent[-1]).sum())


def _share(name: str, amount: Share) -> Fraction:
    try:
        share = Fraction(str(amount))
    except (ValueError, ZeroDivisionError):
        share = None
    if share is None or not 0 <= share <= 1:
        raise BadOption(f"{name} is a share of 0 to 1, not {amount}", option=name, value=amount)
    return share


def _chosen(ranking: _Ranking, wanted: int, threshold: Threshold, *, exact: bool) -> Bools:
    if wanted == 0:
        return np.zeros(len(ranking.scores), dtype=bool)
    order = ranking.order()
    limit = ranking.scores[order[wanted - 1]]
    chosen: Bools
    if threshold == "strict":
        chosen = ranking.scores > limit
        return chosen
    if not exact:
        chosen = ranking.scores >= limit
        return chosen
    chosen = np.zeros(len(ranking.scores), dtype=bool)
    chosen[order[:wanted]] = True
    return chosen


def _fillers(ranking: _Ranking, missing: int) -> Ints:
    """Places of kernels that score 0: those of the last layer first, each layer from its start."""
    layer = np.repeat(np.arange(len(ranking.counts)), [int(c.sum()) for c in ranking.counts])
    zero = np.flatnonzero(ranking.scores == 0)
    return zero[np.argsort(-layer[zero], kind="stable")][:missing]
