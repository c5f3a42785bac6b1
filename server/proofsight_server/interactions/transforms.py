"""AND and OR effects of a table of scores, and the table of effects: O(n · 2^n) each.

Tables run over masks along their last axis; axes before it are networks or images.  Whole
numbers stay whole (int64), and anything else becomes float64.

Sources: Ren et al., https://arxiv.org/abs/2111.06206 (AND); Li & Zhang,
https://arxiv.org/abs/2302.13080 (OR); Chen et al., https://arxiv.org/abs/2401.16318, Eq. 1 to 3.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadTensor
from proofsight_server.interactions.masks import Doubles, orders, regions_of


def and_effects(v: npt.ArrayLike) -> Doubles:
    """I_and(S) = Σ_{T⊆S} (−1)^{|S|−|T|} v(T), which is v(∅) for S = ∅.

    Parameters
    ----------
    v
        (…, 2^n), the score of each mask, none kept first.

    Returns
    -------
    effects
        (…, 2^n), by the mask of S.

    Raises
    ------
    BadTensor
        Where the last axis is no 2^n with n of 1 or more, or values are no real numbers or not
        finite.
    """
    effects, steps = _along_masks(v)
    for pairs in steps:
        pairs[..., 1, :] -= pairs[..., 0, :]
    return effects


def or_effects(v: npt.ArrayLike) -> Doubles:
    """I_or(S) = −Σ_{T⊆S} (−1)^{|S|−|T|} v(N−T) for S ≠ ∅, and v(∅) for S = ∅.

    Parameters, result and errors are those of `and_effects`.
    """
    scores = _numbers(v)
    effects = -and_effects(scores[..., ::-1])
    effects[..., 0] = scores[..., 0]
    return effects


def from_effects(and_: npt.ArrayLike, or_: npt.ArrayLike) -> Doubles:
    """The scores that effects add up to: Σ_{S⊆T} and_(S) + or_(∅) + Σ_{S∩T≠∅} or_(S).

    A plain sum: both entries ∅ are in the score of every mask.

    Parameters
    ----------
    and_, or_
        (…, 2^n) of one shape, by the mask of S.

    Returns
    -------
    scores
        (…, 2^n), by the mask of T.

    Raises
    ------
    BadTensor
        As `and_effects` does, and where the shapes differ.
    """
    ands, ors = _both(and_, or_)
    missed = ors.copy()
    missed[..., 0] = 0
    total = missed.sum(axis=-1, keepdims=True) + ors[..., :1]
    scores: Doubles = subset_sums(ands) + total - subset_sums(missed)[..., ::-1]
    return scores


def subset_sums(v: npt.ArrayLike) -> Doubles:
    """Σ_{S⊆T} v(S), by the mask of T: the inverse of `and_effects`."""
    sums, steps = _along_masks(v)
    for pairs in steps:
        pairs[..., 1, :] += pairs[..., 0, :]
    return sums


def shapley_values(and_: npt.ArrayLike, or_: npt.ArrayLike) -> Doubles:
    """What each region contributes: Σ_{S∋i} (and_(S) + or_(S)) / |S|. Shape (…, n).

    Parameters and errors are those of `from_effects`.
    """
    ands, ors = _both(and_, or_)
    effects = (ands + ors).astype(np.float64)
    regions = regions_of(effects.shape[-1])
    sizes = orders(regions)
    portions = effects[..., 1:] / sizes[1:]
    holds = (np.arange(1, 1 << regions)[:, None] >> np.arange(regions)) & 1
    values: Doubles = portions @ holds
    return values


def _both(and_: npt.ArrayLike, or_: npt.ArrayLike) -> tuple[Doubles, Doubles]:
    ands, ors = _numbers(and_), _numbers(or_)
    if ands.shape != ors.shape:
        raise BadTensor(
            f"AND effects have shape {ands.shape} and OR effects {ors.shape}; give both for the "
            "same masks and networks"
        )
    return ands, ors


def _numbers(v: npt.ArrayLike) -> Doubles:
    scores = np.asarray(v)
    if scores.ndim == 0:
        raise BadTensor("a table is one number; give one score for each of the 2^n masks")
    regions_of(scores.shape[-1])
    if scores.dtype.kind not in "buif":
        raise BadTensor(f"a table holds {scores.dtype}; give real numbers")
    whole = scores.dtype.kind in "bui"
    scores = scores.astype(np.int64 if whole else np.float64)
    if not whole and not np.isfinite(scores).all():
        mask = int(np.nonzero(~np.isfinite(scores))[-1][0])
        raise BadTensor(
            f"a table has {scores[..., mask].min()} for mask {mask}; every score must be finite",
            mask=mask,
        )
    return scores


def _along_masks(v: npt.ArrayLike) -> tuple[Doubles, list[Doubles]]:
    """A copy of a table, and the views of it whose axis −2 is region 0, 1, … masked or kept."""
    table = np.ascontiguousarray(_numbers(v)).copy()
    size = table.shape[-1]
    steps = [
        table.reshape(*table.shape[:-1], size >> (bit + 1), 2, 1 << bit)
        for bit in range(regions_of(size))
    ]
    return table, steps
