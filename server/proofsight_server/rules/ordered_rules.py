"""Learning ordered rules: class by class, each from the images that those before it left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from proofsight_server.rules.columns import Columns
from proofsight_server.rules.default_rule import DefaultRule, RuleSearch
from proofsight_server.symbols.feature import Ints


@dataclass(frozen=True, slots=True)
class OrderedRule:
    """A rule that decides class index `label` where no rule before it fires.

    `left` are the places of the training images that neither it nor a rule before it decides.
    """

    label: int
    rule: DefaultRule
    left: Ints


def ordered_rules(
    columns: Columns, target: Ints, *, ratio: float, tail: float, max_depth: int | None
) -> Iterator[OrderedRule]:
    """Learn rules, the next for the class with most images left, the lowest index on a tie.

    A class whose next rule would newly cover too few of its images gets no more rules, the
    others go on.  A rule takes away all images on which it fires, the wrong ones too: those
    that follow are never asked about them.

    Parameters
    ----------
    columns, target
        The training images, and the class index (n,) of each.
    ratio
        As `RuleSearch` takes it.
    tail
        Share of the images of its class that a rule, or an exception of it, newly covers.
    max_depth
        How deep exceptions nest; None for no bound.
    """
    search = RuleSearch(columns, ratio)
    # an exception reads other columns than what it is an exception of
    depth = columns.bits.shape[1] if max_depth is None else max_depth
    supports = [max(1, ceil(tail * images - 1e-9)) for images in np.bincount(target).tolist()]
    is_open = np.ones(len(supports), dtype=np.bool_)
    left = np.arange(len(target))
    while True:
        decided = target[left]
        counts = np.bincount(decided, minlength=len(supports))
        label = int(np.where(is_open, counts, -1).argmax())
        if not is_open[label] or counts[label] in (0, len(left)):
            return
        positives, negatives = left[decided == label], left[decided != label]
        rule = search.rule(positives, negatives, support=supports[label], depth=depth)
        if rule is None or rule.fires(columns, positives).sum() < supports[label]:
            is_open[label] = False
        else:
            left = left[~rule.fires(columns, left)]
            yield OrderedRule(label, rule, left)
