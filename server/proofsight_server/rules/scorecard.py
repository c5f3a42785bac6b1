"""The learner `scorecard`: small integer points per literal and class; most points win."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal as OneOf
from typing import Self

import numpy as np

from proofsight_server.errors import BadOption
from proofsight_server.rules.option import SHARE, check_options, whole_from
from proofsight_server.rules.points_repair import pruned, repaired
from proofsight_server.rules.points_table import PointsTable
from proofsight_server.rules.program import Literal, PointsHead, Program, Rule
from proofsight_server.rules.sparse_regression import Regression, Weights
from proofsight_server.rules.statistics import with_counts
from proofsight_server.rules.table import Table, Validation, table
from proofsight_server.symbols.feature import Bools, Ints

# Training images that the weights are fitted on, and the points repaired on, at most: more of
# them change little and cost in proportion.
_FITTED = 12_000
_SEEN = 30_000
_OPTIONS = {
    "max_rules": whole_from(1, None, "auto"),
    "max_points": whole_from(1),
    "tolerance": SHARE,
}
_PENALTIES = 12
_START = 3  # times the bound: the weights that are narrowed down
_SPARE = 1.5  # times the bound: the weights whose literals the repair may use
_RUNG = 0.75  # from one size of the curve to the next
_PER_CLASS = 30  # lines for each class where no bound is given
_SCALES = np.geomspace(1, 0.25, 8)  # of the rounding, as shares of what makes full use of points


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A size that was tried: `fidelity` on training images, `held` on validation images.

    `held` is None where there are no validation images.
    """

    literals: int
    fidelity: float
    held: float | None


class Scorecard:
    """Lines of points: each literal gives small whole points to a class.

    Sparse multinomial regression finds which literals matter; its weights are thinned out and
    fitted again by turns; rounding makes points of them, and coordinate descent on the points
    themselves repairs what rounding broke, where validation images say that it did.
    Related work for two classes: RiskSLIM (https://arxiv.org/abs/1610.00168), FasterRisk
    (https://arxiv.org/abs/2210.05846).

    Parameters
    ----------
    max_rules
        Lines, and so literals, at most; at least one less than there are classes.  None and
        `auto` take the smallest number within `tolerance` of the best.
    max_points
        No line gives or takes more.
    tolerance
        Share of images that may be lost for a smaller program where no bound is given.
    seed
        Which training images are looked at where there are very many.

    Attributes
    ----------
    program_
        Of policy `points`; lines p1, p2, …, by class and then by falling points.
    curve_
        The sizes that were tried, rising.
    absent_
        Classes without training images; their base is so low that they never win.
    """

    program_: Program
    curve_: tuple[CurvePoint, ...]
    absent_: tuple[str, ...]

    def __init__(
        self,
        max_rules: int | OneOf["auto"] | None = None,
        max_points: int = 6,
        tolerance: float = 0.003,
        seed: int = 0,
    ) -> None:
        self.max_rules = max_rules
        self.max_points = max_points
        self.tolerance = tolerance
        self.seed = seed

    def fit(
        self,
        bits: Bools,
        target: Ints,
        names: Sequence[str],
        classes: Sequence[str],
        *,
        validation: Validation | None = None,
    ) -> Self:
        """Learn as `Learner.fit` says.

        Validation images choose the size; training images do where there are none.

        Raises
        ------
        BadOption
            Besides: a bound too small to tell the classes apart.
        """
        check_options(self, _OPTIONS)
        learned = table(bits, target, names, classes, validation)
        present = np.unique(learned.target)
        bound = self._bound(len(present))
        tried = list(self._tried(learned, present, bound))
        self.curve_ = tuple(point for point, _ in reversed(tried))
        chosen = self._chosen([point for point, _ in tried])
        self.program_ = with_counts(
            _program(learned, present, tried[chosen][1]),
            learned.bits,
            learned.names,
            learned.target,
        )
        self.absent_ = learned.absent
        return self

    def _bound(self, present: int) -> int:
        if not isinstance(self.max_rules, int):
            return _PER_CLASS * present
        if self.max_rules < present - 1:
            raise BadOption(
                f"{present} classes need at least {present - 1} lines of points, one literal each, "
                f"to be told apart; allow so many instead of {self.max_rules}",
                option="max_rules",
                value=self.max_rules,
            )
        return self.max_rules

    def _tried(
        self, learned: Table, present: Ints, bound: int
    ) -> Iterator[tuple[CurvePoint, Ints]]:
        """Yield points (p + 1, present) of falling size, each with its figures."""
        bits, target = _sample(learned, _SEEN, self.seed)
        target = np.searchsorted(present, target)
        few, wanted = _sample(learned, _FITTED, self.seed)
        regression = Regression(few, np.searchsorted(present, wanted), len(present))
        weights = _last(_up_to(regression.path(_PENALTIES), _START * bound))
        weights = _last(regression.narrowed(weights, int(_SPARE * bound)))
        columns = np.flatnonzero((weights.table != 0).any(axis=1))
        screened = bits[:, columns]
        best: PointsTable | None = None
        for size in _sizes(bound, len(present)):
            weights = _last(regression.narrowed(weights, size))
            rounded = self._rounded(regression.plain(weights), columns, screened, target)
            starts = [rounded] if best is None else [rounded, pruned(best, size)]
            best = max((repaired(one, size) for one in starts), key=lambda one: one.agreement)
            # what repair gains on training images it may lose on others, where lines are many
            found = [
                self._figures(learned, present, columns, one)
                for one in (best, pruned(rounded, size))
            ]
            yield max(found, key=lambda one: _worth(one[0]))

    def _rounded(self, weights: Weights, columns: Ints, bits: Bools, target: Ints) -> PointsTable:
        """Round weights at the scale that agrees best."""
        table, bias = weights.table[columns], weights.bias - weights.bias.mean()
        largest = float(np.abs(table).max(initial=0)) or 1.0
        tables = []
        for share in _SCALES:
            scale = self.max_points / (largest * share)
            points = np.rint(np.vstack([table, bias]) * scale).astype(np.int64)
            points[:-1] = points[:-1].clip(-self.max_points, self.max_points)
            tables.append(PointsTable(bits, target, points, self.max_points))
        return max(tables, key=lambda one: one.agreement)

    def _figures(
        self, learned: Table, present: Ints, columns: Ints, found: PointsTable
    ) -> tuple[CurvePoint, Ints]:
        """What a table is worth, and its points for all columns."""
        points = np.zeros((learned.bits.shape[1] + 1, len(present)), dtype=np.int64)
        points[columns], points[-1] = found.points[:-1], found.points[-1]
        held = None
        if learned.validation is not None:
            bits, target = learned.validation
            scores = bits.astype(np.float32) @ points[:-1].astype(np.float32) + points[-1]
            held = float((present[scores.argmax(axis=1)] == target).mean())
        return CurvePoint(found.used, found.agreement / found.images, held), points

    def _chosen(self, tried: Sequence[CurvePoint]) -> int:
        """The best; without a bound, the smallest that is as good but for the tolerance."""
        worth = [_worth(point) for point in tried]
        allowance = 0.0 if isinstance(self.max_rules, int) else self.tolerance
        good = [place for place, one in enumerate(worth) if one >= max(worth) - allowance]
        return min(good, key=lambda place: tried[place].literals)


def _worth(point: CurvePoint) -> float:
    return point.fidelity if point.held is None else point.held


def _sample(learned: Table, most: int, seed: int) -> tuple[Bools, Ints]:
    images = len(learned.target)
    if images <= most:
        return learned.bits, learned.target
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(images, most, replace=False))
    # a class too rare to be drawn would be taken for one without images
    first = np.unique(learned.target, return_index=True)[1]
    chosen = np.union1d(chosen, first)
    return learned.bits[chosen], learned.target[chosen]


def _up_to(path: Iterator[Weights], used: int) -> Iterator[Weights]:
    for weights in path:
        yield weights
        if weights.used >= used:
            return


def _last(path: Iterator[Weights]) -> Weights:
    *_, last = path
    return last


def _sizes(bound: int, classes: int) -> Iterator[int]:
    size = bound
    while size >= max(1, classes - 1):
        yield size
        size = min(size - 1, int(size * _RUNG))


def _program(learned: Table, present: Ints, points: Ints) -> Program:
    classes = [learned.classes[index] for index in present]
    lines = sorted(
        ((c, -int(points[f, c]), f) for f, c in np.argwhere(points[:-1] != 0)),
        key=lambda line: (line[0], -abs(line[1]), line[1], line[2]),
    )
    rules = tuple(
        Rule(f"p{number}", PointsHead(classes[c], -loss), (Literal(learned.names[f]),))
        for number, (c, loss, f) in enumerate(lines, start=1)
    )
    bases = points[-1] - points[-1].min()
    # whatever holds, some class has this many points
    floor = int((bases + np.minimum(points[:-1], 0).sum(axis=0)).max())
    known = dict(zip(classes, map(int, bases), strict=True))
    return Program(
        rules,
        learned.classes,
        policy="points",
        bases=tuple((name, known.get(name, floor - 1)) for name in learned.classes),
    )
