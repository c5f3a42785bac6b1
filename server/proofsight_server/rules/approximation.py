"""The approximation method: the Boolean function nearest to a unit, as a formula.

The unit is replaced by its value rounded at each 0/1 input (Tsukimoto, IJCAI-97,
https://mlanthology.org/ijcai/1997/tsukimoto1997ijcai-extracting/), which is a threshold of its
inputs; its prime implicants are the only minimal formula, so that nothing needs minimising.
"""

from __future__ import annotations

import warnings

from numpy.typing import ArrayLike

from proofsight_server.rules.implicant_search import Caps, search
from proofsight_server.rules.threshold_unit import Pair, ThresholdUnit


def implicants(
    weights: ArrayLike,
    bias: float,
    *,
    max_order: int | None = None,
    max_terms: int | None = None,
) -> list[frozenset[Pair]]:
    """The prime implicants of `bias + weights · x ≥ 0` over inputs x that are 0 or 1.

    Parameters
    ----------
    weights, bias
        (n,) finite numbers, and one.  Inputs of weight 0 stand in no term.  Sums that are below 0
        by no more than 1e-12 of the sum of all weights count as 0.
    max_order
        Most literals of a term; None: any number.
    max_terms
        Most terms; None: any number.

    Returns
    -------
    list of frozenset of (index, polarity)
        Terms of which each forces the unit on, whatever the other inputs are; polarity True: the
        input is 1.  By length, then in the order of the search: the greater weight first.  A unit
        that is always on gives `[frozenset()]`, one that never is `[]`.  With a cap, the first
        terms of the same list.

    Raises
    ------
    BadTensor
        Weights that are no vector of finite numbers, a bias that is none, or sums of them that no
        double holds.
    BadOption
        A cap below 1.

    Warns
    -----
    UserWarning
        `max_order` is below the shortest term there is, so that none is left.

    Notes
    -----
    `search` of the module `implicant_search` says besides what ended the search.
    """
    side = ThresholdUnit.of(weights, bias).side(on=True)
    formula = search(side, Caps(max_order, max_terms))
    if formula.shortest is not None and not formula.terms:
        warnings.warn(
            f"no term has at most {max_order} literals, so that the formula is never true; the "
            f"shortest has {formula.shortest}: give max_order={formula.shortest} or more",
            stacklevel=2,
        )
    return [frozenset(term) for term in formula.terms]
