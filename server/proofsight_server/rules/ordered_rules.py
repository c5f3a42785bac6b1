"""Learning ordered rules: class by class, each from the images that those before it left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from proofsight_server.rules.default_rule import DefaultRule, RuleSearch
from proofsight_server.rules.packed import Images, Packed, size
from proofsight_server.symbols.feature import Ints


@dataclass(frozen=True, slots=True)
class OrderedRule:
    """A rule that decides class index `label` where no rule before it fires.

    `left` are the training images that neither it nor a rule before it decides.
    """

    label: int
    rule: DefaultRule
    left: Images


def ordered_rules(
    packed: Packed, target: Ints, *, ratio: float, tail: float, max_depth: int | None
) -> Iterator[OrderedRule]:
    """Learn rules, the next for the class with most images left, the lowest index on a tie.

    A class whose next rule would newly cover too few of its images gets no more rules, the
    others go on.  A rule takes away all images on which it fires, the wrong ones too: those
    that follow are never asked about them.

    Parameters
    ----------
    packed, target
        The training images, and the class index (n,) of each.
    ratio
        As `RuleSearch` takes it.
    tail
        Share of the images of its class that a rule, or an exception of it, newly covers.
    max_depth
        How deep exceptions nest; None for no bound.
    """
    search = RuleSearch(packed, ratio)
    # an exception reads other columns than what it is an exception of
    depth = packed.bits.shape[1] if max_depth is None else max_depth
    of_class = [packed.pack(target == label) for label in range(int(target.max()) + 1)]
    supports = [max(1, ceil(tail * size(images) - 1e-9)) for images in of_class]
    left = packed.everything
    is_open = np.ones(len(of_class), dtype=np.bool_)
    while True:
        counts = np.array([size(left & images) for images in of_class])
        label = int(np.where(is_open, counts, -1).argmax())
        if not is_open[label] or counts[label] in (0, counts.sum()):
            return
        positives, negatives = left & of_class[label], left & ~of_class[label]
        rule = search.rule(positives, negatives, support=supports[label], depth=depth)
        if rule is None or size(rule.fires(packed, positives)) < supports[label]:
            is_open[label] = False
        else:
            left = left & ~rule.fires(packed, left)
            yield OrderedRule(label, rule, left)
