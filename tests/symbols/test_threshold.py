from __future__ import annotations

import math
from collections import Counter

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.symbols.threshold import (
    THRESHOLDERS,
    InfoGainThreshold,
    MeanStdThreshold,
    MeanThreshold,
    QuantileThreshold,
)
from tests.strategies import random_generators

Values = npt.NDArray[np.float32]
NAMES = sorted(THRESHOLDERS)


def entropy(labels: list[int]) -> float:
    return -sum(k / len(labels) * math.log2(k / len(labels)) for k in Counter(labels).values())


def slow_info_gain(column: list[float], target: list[int]) -> np.float32:
    """The best of all cuts, each tried by itself; the smallest of those within 1e-12 bits."""
    values = sorted(set(column))
    if len(values) == 1:
        return np.float32(values[0])
    costs = []
    for low in values[:-1]:
        left = [t for v, t in zip(column, target, strict=True) if v <= low]
        right = [t for v, t in zip(column, target, strict=True) if v > low]
        costs.append((len(left) * entropy(left) + len(right) * entropy(right)) / len(column))
    best = min(costs)
    place = next(k for k, cost in enumerate(costs) if cost <= best + 1e-12)
    low, high = values[place], values[place + 1]
    middle = np.float32((low + high) / 2)
    return np.float32(low) if middle == np.float32(high) else middle


def columns(unit: float = 1.0) -> st.SearchStrategy[Values]:
    """Tables with many ties: few whole numbers, in units of a float that halves exactly."""
    return hnp.arrays(
        np.float32, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=st.integers(-3, 6)
    ).map(lambda table: (table * np.float32(unit)).astype(np.float32))


@settings(max_examples=150, deadline=None)
@given(values=columns(0.5), rng=random_generators(), classes=st.integers(1, 5))
def test_info_gain_is_the_best_of_all_cuts(
    values: Values, rng: np.random.Generator, classes: int
) -> None:
    target = rng.integers(0, classes, len(values))
    fitted = InfoGainThreshold().fit(values, target).thresholds_
    expected = [slow_info_gain(column.tolist(), target.tolist()) for column in values.T]
    assert fitted.tolist() == [float(v) for v in expected]


def test_info_gain_of_many_classes_is_the_best_of_all_cuts() -> None:
    rng = np.random.default_rng(3)
    values, target = rng.normal(size=(300, 3)).astype(np.float32), rng.integers(0, 90, 300) * 7
    fitted = InfoGainThreshold().fit(values, target).thresholds_
    expected = [slow_info_gain(column.tolist(), target.tolist()) for column in values.T]
    assert fitted.tolist() == [float(v) for v in expected]


def test_info_gain_cuts_between_neighbouring_floats_below_the_upper_one() -> None:
    low = np.float32(1)
    for _ in range(4):  # the middle rounds to the even neighbour: now the lower, now the upper
        high = np.nextafter(low, np.float32(2))
        values = np.array([[low], [low], [high], [high]])
        fitted = InfoGainThreshold().fit(values, np.array([0, 0, 1, 1])).thresholds_
        assert (values[:, 0] > fitted[0]).tolist() == [False, False, True, True]
        low = high


def test_info_gain_takes_the_smallest_of_equal_cuts() -> None:
    values = np.array([[0.0], [1.0], [2.0], [3.0]], dtype=np.float32)
    fitted = InfoGainThreshold().fit(values, np.array([0, 1, 1, 0])).thresholds_
    assert fitted.tolist() == [0.5]


@pytest.mark.parametrize("name", NAMES)
@given(values=columns(), rng=random_generators())
@settings(max_examples=25, deadline=None)
def test_doubling_a_column_leaves_its_bits(
    name: str, values: Values, rng: np.random.Generator
) -> None:
    target = rng.integers(0, 3, len(values))
    bits = values > THRESHOLDERS[name]().fit(values, target).thresholds_
    doubled = values * np.float32(2)
    assert np.array_equal(bits, doubled > THRESHOLDERS[name]().fit(doubled, target).thresholds_)


@pytest.mark.parametrize("name", NAMES)
@given(value=st.floats(-1e6, 1e6, width=32), images=st.integers(1, 50))
@settings(max_examples=25, deadline=None)
def test_the_threshold_of_a_constant_column_is_its_value(
    name: str, value: float, images: int
) -> None:
    values = np.full((images, 1), value, dtype=np.float32)
    target = np.arange(images) % 3
    assert THRESHOLDERS[name]().fit(values, target).thresholds_.tolist() == [value]


@given(values=columns(0.1))
@settings(max_examples=50, deadline=None)
def test_mean_and_mean_std_are_those_of_the_definition(values: Values) -> None:
    mean, both = MeanThreshold().fit(values), MeanStdThreshold(0.6, 0.7).fit(values)
    for k, column in enumerate(values.T.tolist()):
        average = math.fsum(column) / len(column)
        std = math.sqrt(math.fsum((v - average) ** 2 for v in column) / len(column))
        assert mean.thresholds_[k] == pytest.approx(average, rel=1e-6, abs=1e-9)
        expected = 0.6 * average + 0.7 * std if len(set(column)) > 1 else average
        assert both.thresholds_[k] == pytest.approx(expected, rel=1e-6, abs=1e-7)


@given(values=columns(), q=st.sampled_from([0.1, 0.25, 0.3, 0.5, 0.7, 0.9, 0.99]))
@settings(max_examples=80, deadline=None)
def test_a_quantile_is_the_smallest_observed_value_with_its_share(values: Values, q: float) -> None:
    fitted = QuantileThreshold(q).fit(values).thresholds_
    for k, column in enumerate(values.T.tolist()):
        enough = [v for v in column if sum(w <= v for w in column) / len(column) >= q]
        assert fitted[k] == min(enough)


def test_thresholds_are_float32() -> None:
    values, target = np.random.default_rng(0).random((20, 3), np.float32), np.arange(20) % 2
    for strategy in THRESHOLDERS.values():
        assert strategy().fit(values, target).thresholds_.dtype == np.float32


@pytest.mark.parametrize("q", [0.0, 1.0, -0.1, float("nan")])
def test_a_quantile_outside_its_range_is_refused(q: float) -> None:
    values = np.ones((2, 1), np.float32)
    QuantileThreshold(0.01).fit(values)
    with pytest.raises(BadOption, match="between 0 and 1"):
        QuantileThreshold(q).fit(values)


def test_a_weight_that_is_not_finite_is_refused() -> None:
    values = np.ones((2, 1), np.float32)
    MeanStdThreshold(alpha=-1.0).fit(values)
    with pytest.raises(BadOption, match="alpha"):
        MeanStdThreshold(alpha=float("inf")).fit(values)


def test_info_gain_without_a_target_is_refused() -> None:
    values = np.ones((2, 1), np.float32)
    InfoGainThreshold().fit(values, np.array([0, 1]))
    with pytest.raises(BadOption, match="target"):
        InfoGainThreshold().fit(values)
    with pytest.raises(BadTensor, match=r"\(2,\)"):
        InfoGainThreshold().fit(values, np.array([0]))


@pytest.mark.parametrize(
    "values",
    [
        np.ones((0, 2), np.float32),
        np.ones(3, np.float32),
        np.ones((2, 2), np.int64),
        np.array([[1.0], [np.nan]], np.float32),
    ],
)
def test_values_that_are_no_table_of_finite_numbers_are_refused(
    values: npt.NDArray[np.float32],
) -> None:
    MeanThreshold().fit(np.ones((1, 2), np.float32))
    with pytest.raises(BadTensor):
        MeanThreshold().fit(values)


@settings(max_examples=60, deadline=None)
@given(values=columns(0.5), rng=random_generators(), cuts=st.integers(2, 4))
def test_several_cuts_begin_with_the_best_and_each_saves_what_no_other_part_does(
    values: Values, rng: np.random.Generator, cuts: int
) -> None:
    target = rng.integers(0, 3, len(values))
    fitted = InfoGainThreshold(cuts=cuts).fit(values, target).thresholds_
    assert fitted.shape == (cuts, values.shape[1])
    for column, found in zip(values.T.tolist(), fitted.T.tolist(), strict=True):
        assert found == sorted(found)
        assert set(found) == set(slow_cuts(column, target.tolist(), cuts))


def slow_cuts(column: list[float], target: list[int], cuts: int) -> list[float]:
    """The best cut of the part whose cut saves most, again and again."""
    parts = [list(zip(column, target, strict=True))]
    found: list[float] = []
    while len(found) < cuts:
        saved = []
        for part in parts:
            values, labels = [v for v, _ in part], [t for _, t in part]
            cut = float(slow_info_gain(values, labels)) if part else math.inf
            low = [t for v, t in part if v <= cut]
            high = [t for v, t in part if v > cut]
            gain = (
                len(labels) * entropy(labels) - len(low) * entropy(low) - len(high) * entropy(high)
                if low and high
                else 0.0
            )
            saved.append((round(gain, 9), cut))
        best = max(range(len(parts)), key=lambda place: saved[place][0])
        if found and saved[best][0] <= 0:
            break
        gain, cut = saved[best]
        found.append(cut)
        part = parts.pop(best)
        parts += [[p for p in part if p[0] <= cut], [p for p in part if p[0] > cut]]
    return found


def test_several_quantiles_rise_and_are_observed_values() -> None:
    values = np.random.default_rng(0).random((200, 3)).astype(np.float32)
    fitted = QuantileThreshold(cuts=3).fit(values).thresholds_
    assert fitted.shape == (3, 3)
    assert (np.diff(fitted, axis=0) > 0).all()
    assert np.isin(fitted, values).all()
    shares = (values[None] <= fitted[:, None]).mean(axis=1)
    assert np.allclose(shares, np.array([0.408, 0.625, 0.842])[:, None], atol=0.005)


@pytest.mark.parametrize("strategy", [QuantileThreshold, InfoGainThreshold])
@pytest.mark.parametrize("cuts", [0, -1, 1.5])
def test_a_number_of_cuts_that_is_none_is_refused(strategy: type, cuts: int) -> None:
    values = np.ones((4, 2), dtype=np.float32)
    with pytest.raises(BadOption, match="a feature has a whole number of cuts from 1"):
        strategy(cuts=cuts).fit(values, np.array([0, 1, 0, 1]))
