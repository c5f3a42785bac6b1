"""Rules with exceptions as their learner handles them, and the search for one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from proofsight_server.rules.packed import Images, Packed, size

_DECIMALS = 12  # scores that differ by less are a tie


@dataclass(frozen=True, slots=True)
class DefaultRule:
    """All (column, positive) `literals` hold, and none of the `exceptions` fires."""

    literals: tuple[tuple[int, bool], ...]
    exceptions: tuple[DefaultRule, ...] = ()

    def fires(self, packed: Packed, images: Images) -> Images:
        """Return those of `images` on which the rule fires."""
        for column, positive in self.literals:
            images = packed.where(images, column, positive)
        left = images
        for exception in self.exceptions:
            left = left & ~exception.fires(packed, left)
        return left


class RuleSearch:
    """The greedy search for default rules, FOLD-RM's (https://arxiv.org/abs/2202.06913).

    What is ours: a literal must cover a positive and drop a negative image, and a body is
    never empty.

    Parameters
    ----------
    packed
        The training images.
    ratio
        A body grows while it covers more negative images than this many per positive one.
    """

    def __init__(self, packed: Packed, ratio: float) -> None:
        self._packed = packed
        self._ratio = ratio
        count = np.arange(size(packed.everything) + 1, dtype=np.float64)
        self._weighed = count * np.log(np.maximum(count, 1))

    def rule(
        self, positives: Images, negatives: Images, *, support: int, depth: int
    ) -> DefaultRule | None:
        """Return a rule that fires on many of `positives` and few of `negatives`, if any.

        `depth` is how deep its exceptions may nest; each newly covers `support` images.
        """
        return self._rule(positives, negatives, (), support, depth)

    def _rule(
        self, positives: Images, negatives: Images, used: tuple[int, ...], support: int, depth: int
    ) -> DefaultRule | None:
        literals: list[tuple[int, bool]] = []
        while not literals or size(negatives) > self._ratio * size(positives):
            literal = self._best(positives, negatives, used)
            if literal is None:
                break
            literals.append(literal)
            used = (*used, literal[0])
            positives = self._packed.where(positives, *literal)
            negatives = self._packed.where(negatives, *literal)
        if not literals:
            return None
        exceptions: tuple[DefaultRule, ...] = ()
        if depth > 0:
            exceptions = self._set(negatives, positives, used, support, depth - 1)
        return DefaultRule(tuple(literals), exceptions)

    def _set(
        self, positives: Images, negatives: Images, used: tuple[int, ...], support: int, depth: int
    ) -> tuple[DefaultRule, ...]:
        """Rules that together cover `positives`, as far as each covers enough new ones."""
        rules: list[DefaultRule] = []
        while rule := self._rule(positives, negatives, used, support, depth):
            fresh = rule.fires(self._packed, positives)
            if size(fresh) < support:
                break
            rules.append(rule)
            positives = positives & ~fresh
        return tuple(rules)

    def _best(
        self, positives: Images, negatives: Images, used: tuple[int, ...]
    ) -> tuple[int, bool] | None:
        """The valid literal of the highest score, the first column and `active` on a tie.

        A score is minus the entropy of `positive` given the literal: the same for a column and
        its negation.  F(a, b) + F(b, a) of the literature is w(a) + w(b) - w(a + b) with
        w(k) = k ln k.
        """
        pos, neg = size(positives), size(negatives)
        if not pos or not neg or not self._packed.bits.shape[1]:
            return None
        tp, fp = self._packed.counts(positives), self._packed.counts(negatives)
        fn, tn, weighed = pos - tp, neg - fp, self._weighed
        if_active = weighed[tp] + weighed[fp] - weighed[tp + fp]
        if_inactive = weighed[fn] + weighed[tn] - weighed[fn + tn]
        scores = np.round((if_active + if_inactive) / (pos + neg), _DECIMALS)
        active = (tp + tn >= fp + fn) & (tp >= 1) & (tn >= 1)
        inactive = (fn + fp >= tn + tp) & (fn >= 1) & (fp >= 1)
        scores[~(active | inactive)] = -np.inf
        scores[list(used)] = -np.inf
        best = int(scores.argmax())
        return None if scores[best] == -np.inf else (best, bool(active[best]))
