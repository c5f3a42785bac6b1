"""A check that certifies a quantiser of one's own, as scikit-learn's `check_estimator` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, Self

import numpy as np

from proofsight_server.symbols.feature import Feature, Floats, Ints, Layer
from proofsight_server.symbols.promise import check_promises
from proofsight_server.symbols.quantisation import Quantisation, canonical_order

_LAYERS = (
    Layer("conv1", "features.0", "conv", 6, "features.1"),
    Layer("fc1", "head", "linear", 4, "head"),
)


class QuantiserLike(Protocol):
    """An estimator of propositions, as `Quantiser` is one."""

    quantisation_: Quantisation

    def fit(
        self,
        values: Floats,
        target: Ints | None,
        features: tuple[Feature, ...],
        layers: tuple[Layer, ...],
    ) -> Self:
        """Learn from training images: `values` (n, f), `target` (n,)."""
        ...


def check_quantiser(factory: Callable[[], QuantiserLike], *, seed: int = 0) -> None:
    """Check that the estimators that `factory` makes keep what the rest of Proofsight relies on.

    To certify a `Thresholder` alone, give `lambda: Quantiser(MyThresholder())`.

    Parameters
    ----------
    factory
        Makes a fresh estimator, always with the same options.
    seed
        Of the random values it is tried on.

    Raises
    ------
    AssertionError
        If a promise is broken; the message lists every broken one.
    """
    check_promises("quantiser", _PROMISES, _Case(factory, np.random.default_rng(seed)))


class _Case:
    """Random values with a dead, a constant, a doubled and a mirrored column, two classes."""

    def __init__(self, factory: Callable[[], QuantiserLike], rng: np.random.Generator) -> None:
        self.factory = factory
        self.rng = rng
        self.features = (
            *(Feature("conv1", channel) for channel in range(6)),
            *(Feature("fc1", unit, "value") for unit in range(4)),
        )
        self.target: Ints = rng.integers(0, 2, 200)
        values = np.maximum(rng.normal(size=(200, 10)), 0)
        values[:, 0] += self.target
        values[:, 2] = 0
        values[:, 3] = 1.5
        values[:, 4] = 2 * values[:, 1]
        self.values: Floats = values.astype(np.float32)
        self.fitted = self.fit()

    def teach(self, estimator: QuantiserLike, order: Sequence[int] = range(10)) -> QuantiserLike:
        """Fit an estimator to copies, so that what it does to them stays with it."""
        features = tuple(self.features[column] for column in order)
        return estimator.fit(self.values[:, list(order)], self.target.copy(), features, _LAYERS)

    def fit(self) -> Quantisation:
        estimator = self.factory()
        self.teach(estimator)
        return estimator.quantisation_

    def columns(self, fitted: Quantisation) -> Floats:
        """The values of the propositions that were kept, in their order."""
        return self.values[:, [self.features.index(feature) for feature in fitted.features]]


def _returns_itself(case: _Case) -> bool:
    estimator = case.factory()
    return case.teach(estimator) is estimator


def _stores_only(case: _Case) -> bool:
    return not hasattr(case.factory(), "quantisation_")


def _leaves_inputs(case: _Case) -> bool:
    values, target = case.values.copy(), case.target.copy()
    case.factory().fit(values, target, case.features, _LAYERS)
    return np.array_equal(values, case.values) and np.array_equal(target, case.target)


def _repeats(case: _Case) -> bool:
    return case.fit() == case.fitted


def _forgets(case: _Case) -> bool:
    estimator = case.factory()
    other = np.ascontiguousarray((case.values[::-1] + 1)[:, ::-1])
    estimator.fit(other, case.target.copy(), case.features, _LAYERS)
    case.teach(estimator)
    return estimator.quantisation_ == case.fitted


def _ignores_column_order(case: _Case) -> bool:
    estimator = case.factory()
    case.teach(estimator, case.rng.permutation(10).tolist())
    return estimator.quantisation_ == case.fitted


def _canonical(case: _Case) -> bool:
    features = case.fitted.features
    return canonical_order(features, _LAYERS) == list(range(len(features)))


def _unique_names(case: _Case) -> bool:
    names = [proposition.name for proposition in case.fitted.propositions]
    return len(set(names)) == len(names)


def _float32_thresholds(case: _Case) -> bool:
    thresholds = [p.threshold for p in case.fitted.observable]
    return all(t is not None and np.isfinite(t) and float(np.float32(t)) == t for t in thresholds)


def _ties_inactive(case: _Case) -> bool:
    thresholds = case.fitted.thresholds[None]
    above = np.nextafter(thresholds, np.float32(np.inf), dtype=np.float32)
    return not case.fitted.bits(thresholds).any() and bool(case.fitted.bits(above).all())


def _bits_vary(case: _Case) -> bool:
    bits = case.fitted.bits(case.columns(case.fitted))
    return bool((bits.any(axis=0) & ~bits.all(axis=0)).all())


def _bits_differ(case: _Case) -> bool:
    bits = case.fitted.bits(case.columns(case.fitted))
    relative = np.unique(bits ^ bits[0], axis=1)
    return len(relative.T) == len(bits.T)


def _statistics_fit(case: _Case) -> bool:
    values = case.columns(case.fitted)
    scales = np.std(values, axis=0, dtype=np.float64)
    rates = case.fitted.bits(values).mean(axis=0)
    return np.allclose(case.fitted.scales, scales) and np.allclose(case.fitted.rates, rates)


def _refuses_misfit(case: _Case) -> bool:
    try:
        case.factory().fit(case.values[:, 1:], case.target.copy(), case.features, _LAYERS)
    except ValueError:
        return True
    return False


_PROMISES: dict[str, Callable[[_Case], bool]] = {
    "__init__ stores options and learns nothing": _stores_only,
    "fit returns the estimator itself": _returns_itself,
    "fit leaves its arguments as they were": _leaves_inputs,
    "two fits on the same images are equal": _repeats,
    "fit forgets what an earlier fit learned": _forgets,
    "the order of the columns does not matter": _ignores_column_order,
    "propositions stand in canonical order": _canonical,
    "names are unique": _unique_names,
    "thresholds are finite doubles equal to a float32": _float32_thresholds,
    "a value equal to its threshold is inactive, the next float32 is active": _ties_inactive,
    "no bit is constant on the training images": _bits_vary,
    "no bit equals or complements another on the training images": _bits_differ,
    "scales and rates are those of the training images": _statistics_fit,
    "values that do not fit the features raise a ValueError": _refuses_misfit,
}
