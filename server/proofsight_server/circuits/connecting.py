"""Masks of which every kernel is on a path: the ranking followed past kernels that lead nowhere.

One threshold over all layers may leave out a layer, or keep kernels that nothing feeds or that
feed nothing.  With few kernels that is the rule: the circuit collapses though its strongest path
would have fitted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from proofsight_server.circuits.scores import Mask, Scores
from proofsight_server.circuits.selection import Share, effective, select, wanted_kernels

Selection = Literal["ranked", "connected"]


def selected(scores: Scores, keep: Share, selection: Selection) -> Mask:
    """The kernels that a selection keeps: `select` as published, or `select_connected`."""
    return select(scores, keep=keep) if selection == "ranked" else select_connected(scores, keep)


def select_connected(scores: Scores, keep: Share) -> Mask:
    """The longest beginning of the ranking of which at most k kernels are on a path; those alone.

    Kernels that lie on no path of kept kernels from the image to the target are passed over, and
    the next best are taken in their place.  Equal scores rank by (layer, destination, source);
    kernels that score 0 are never kept.  This selection is our own, not the published one.

    Parameters
    ----------
    scores
        What `score` or `force` gave.
    keep
        Share of N to keep, 0 to 1: k = ceil(keep · N).

    Returns
    -------
    mask
        Its own effective mask.  `shortfall` is how many kernels it has less than k, since the
        others score 0 or the next of them would connect more than are left.  It is empty only
        where the first path of the ranking needs more than k kernels.

    Raises
    ------
    BadOption
        `keep` is out of range.
    BadTensor
        A score is not finite.
    """
    total = scores.wiring.total()
    wanted = wanted_kernels(keep, total)
    # Of a longer beginning of the ranking at least as many kernels are on a path.
    fitting, most = wanted, total
    while fitting < most:
        middle = (fitting + most + 1) // 2
        if effective(select(scores, budget=middle)).kept <= wanted:
            fitting = middle
        else:
            most = middle - 1
    mask = effective(select(scores, budget=fitting))
    return replace(mask, shortfall=wanted - mask.kept)
