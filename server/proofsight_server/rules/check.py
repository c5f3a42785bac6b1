"""A check that certifies a rule learner of one's own, as scikit-learn's `check_estimator` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from proofsight_server.rules.evaluation import evaluate
from proofsight_server.rules.learner import Learner
from proofsight_server.rules.program import Program
from proofsight_server.rules.table import Validation
from proofsight_server.symbols.feature import Bools, Ints
from proofsight_server.symbols.promise import check_promises

_CLASSES = ("street", "T-shirt/top", "digit_7", "never seen")


def check_learner(factory: Callable[[], Learner], *, seed: int = 0) -> None:
    """Check that the learners that `factory` makes keep what the rest of Proofsight relies on.

    Parameters
    ----------
    factory
        Makes a fresh learner, always with the same options.
    seed
        Of the random bits it is tried on.

    Raises
    ------
    AssertionError
        If a promise is broken; the message lists every broken one.
    """
    check_promises("learner", _PROMISES, _Case(factory, np.random.default_rng(seed)))


class _Case:
    """Bits whose class follows two of twelve columns; the last class has no image."""

    def __init__(self, factory: Callable[[], Learner], rng: np.random.Generator) -> None:
        self.factory = factory
        self.rng = rng
        self.names = tuple(f"conv{1 + k // 6}_c{k % 6}" for k in range(12))
        self.bits: Bools = rng.random((600, 12)) < 0.4
        self.target: Ints = np.where(self.bits[:, 3], 0, np.where(self.bits[:, 8], 1, 2))
        self.validation: Validation = self.bits[:150], self.target[:150]
        self.fitted = self.fit()

    def teach(self, learner: Learner, order: Sequence[int] = range(12)) -> Learner:
        """Fit a learner to copies, so that what it does to them stays with it."""
        columns, (held, decided) = list(order), self.validation
        return learner.fit(
            self.bits[:, columns],
            self.target.copy(),
            [self.names[column] for column in columns],
            _CLASSES,
            validation=(held[:, columns], decided.copy()),
        )

    def fit(self) -> Program:
        learner = self.factory()
        self.teach(learner)
        return learner.program_


def _stores_only(case: _Case) -> bool:
    return not hasattr(case.factory(), "program_")


def _returns_itself(case: _Case) -> bool:
    learner = case.factory()
    return case.teach(learner) is learner


def _leaves_inputs(case: _Case) -> bool:
    bits, target = case.bits.copy(), case.target.copy()
    held, decided = case.validation[0].copy(), case.validation[1].copy()
    case.factory().fit(bits, target, case.names, _CLASSES, validation=(held, decided))
    before = (case.bits, case.target, *case.validation)
    after = (bits, target, held, decided)
    return all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def _repeats(case: _Case) -> bool:
    return case.fit() == case.fitted


def _forgets(case: _Case) -> bool:
    learner, (held, decided) = case.factory(), case.validation
    learner.fit(~case.bits, 2 - case.target, case.names, _CLASSES, validation=(~held, 2 - decided))
    case.teach(learner)
    return learner.program_ == case.fitted


def _ignores_column_order(case: _Case) -> bool:
    learner = case.factory()
    case.teach(learner, case.rng.permutation(12).tolist())
    return learner.program_ == case.fitted


def _keeps_classes(case: _Case) -> bool:
    return case.fitted.classes == _CLASSES


def _uses_names(case: _Case) -> bool:
    observable = set(case.names)
    return set(case.fitted.propositions()) <= observable


def _evaluates(case: _Case) -> bool:
    unseen = case.rng.random((500, 12)) < 0.5
    evaluation = evaluate(case.fitted, unseen, case.names)
    return evaluation.decisions.shape == (500,) and bool((evaluation.decisions >= 0).all())


def _never_decides_absent(case: _Case) -> bool:
    unseen = case.rng.random((500, 12)) < 0.5
    return not (evaluate(case.fitted, unseen, case.names).decisions == 3).any()


def _learns(case: _Case) -> bool:
    fresh = case.rng.random((2000, 12)) < 0.4
    truth = np.where(fresh[:, 3], 0, np.where(fresh[:, 8], 1, 2))
    return bool((evaluate(case.fitted, fresh, case.names).decisions == truth).mean() > 0.95)


def _supports(case: _Case) -> bool:
    stats = [dict(rule.stats) for rule in case.fitted.rules]
    return all(isinstance(found.get("support"), int) for found in stats)


def _refuses_misfit(case: _Case) -> bool:
    try:
        case.factory().fit(
            case.bits.copy(),
            case.target[1:].copy(),
            case.names,
            _CLASSES,
            validation=case.validation,
        )
    except ValueError:
        return True
    return False


_PROMISES: dict[str, Callable[[_Case], bool]] = {
    "__init__ stores options and learns nothing": _stores_only,
    "fit returns the learner itself": _returns_itself,
    "fit leaves its arguments as they were": _leaves_inputs,
    "two fits on the same images are equal": _repeats,
    "fit forgets what an earlier fit learned": _forgets,
    "the order of the columns does not matter": _ignores_column_order,
    "the program has the classes that were given": _keeps_classes,
    "bodies use the given names only": _uses_names,
    "every image, also an unseen one, is decided": _evaluates,
    "a class without images is never decided": _never_decides_absent,
    "a class that two propositions decide is learned": _learns,
    "every rule tells its support": _supports,
    "tables that do not fit each other raise a ValueError": _refuses_misfit,
}
