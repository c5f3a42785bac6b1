"""Rules with exceptions as their learner handles them, and the search for one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from proofsight_server.rules.columns import Columns
from proofsight_server.symbols.feature import Bools, Ints

_DECIMALS = 12  # scores that differ by less are a tie


@dataclass(frozen=True, slots=True)
class DefaultRule:
    """All (column, positive) `literals` hold, and none of the `exceptions` fires."""

    literals: tuple[tuple[int, bool], ...]
    exceptions: tuple[DefaultRule, ...] = ()

    def fires(self, columns: Columns, images: Ints) -> Bools:
        """Return on which of the images (k,) the rule fires, (k,)."""
        fires = np.ones(len(images), dtype=np.bool_)
        for literal in self.literals:
            fires &= columns.holds(literal, images)
        for exception in self.exceptions:
            left = np.flatnonzero(fires)
            fires[left] = ~exception.fires(columns, images[left])
        return fires


class RuleSearch:
    """The greedy search for default rules, FOLD-RM's (https://arxiv.org/abs/2202.06913).

    What is ours: a literal must cover a positive and drop a negative image, and a body is
    never empty.

    Parameters
    ----------
    columns
        The training images.
    ratio
        A body grows while it covers more negative images than this many per positive one.
    """

    def __init__(self, columns: Columns, ratio: float) -> None:
        self._columns = columns
        self._ratio = ratio
        count = np.arange(len(columns.bits) + 1, dtype=np.float64)
        self._weighed = count * np.log(np.maximum(count, 1))

    def rule(
        self,
        positives: Ints,
        negatives: Ints,
        *,
        support: int,
        depth: int,
        used: tuple[int, ...] = (),
    ) -> DefaultRule | None:
        """Return a rule that fires on many of `positives` and few of `negatives`, if any.

        `depth` is how deep its exceptions may nest; each newly covers `support` images.  No
        literal is on a column of `used`, and none in an exception on one of its rule.
        """
        literals: list[tuple[int, bool]] = []
        while not literals or len(negatives) > self._ratio * len(positives):
            literal = self._best(positives, negatives, used)
            if literal is None:
                break
            literals.append(literal)
            used = (*used, literal[0])
            positives = positives[self._columns.holds(literal, positives)]
            negatives = negatives[self._columns.holds(literal, negatives)]
        if not literals:
            return None
        exceptions: tuple[DefaultRule, ...] = ()
        if depth > 0:
            exceptions = self._set(negatives, positives, support, depth - 1, used)
        return DefaultRule(tuple(literals), exceptions)

    def _set(
        self, positives: Ints, negatives: Ints, support: int, depth: int, used: tuple[int, ...]
    ) -> tuple[DefaultRule, ...]:
        """Rules that together cover `positives`, as far as each covers enough new ones."""
        rules: list[DefaultRule] = []
        while rule := self.rule(positives, negatives, support=support, depth=depth, used=used):
            fresh = rule.fires(self._columns, positives)
            if np.count_nonzero(fresh) < support:
                break
            rules.append(rule)
            positives = positives[~fresh]
        return tuple(rules)

    def _best(
        self, positives: Ints, negatives: Ints, used: tuple[int, ...]
    ) -> tuple[int, bool] | None:
        """The valid literal of the highest score, the first column and `active` on a tie.

        A score is minus the entropy of `positive` given the literal: the same for a column and
        its negation.  F(a, b) + F(b, a) of the literature is w(a) + w(b) - w(a + b) with
        w(k) = k ln k.
        """
        pos, neg = len(positives), len(negatives)
        if not pos or not neg or not self._columns.bits.shape[1]:
            return None
        tp, fp = self._columns.counts(positives), self._columns.counts(negatives)
        fn, tn, weighed = pos - tp, neg - fp, self._weighed.take
        if_active = weighed(tp) + weighed(fp) - weighed(tp + fp)
        if_inactive = weighed(fn) + weighed(tn) - weighed(fn + tn)
        scores = np.round((if_active + if_inactive) / (pos + neg), _DECIMALS)
        active = (tp + tn >= fp + fn) & (tp >= 1) & (tn >= 1)
        inactive = (fn + fp >= tn + tp) & (fn >= 1) & (fp >= 1)
        scores[~(active | inactive)] = -np.inf
        scores[list(used)] = -np.inf
        best = int(scores.argmax())
        return None if scores[best] == -np.inf else (best, bool(active[best]))
