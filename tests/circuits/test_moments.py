"""Moments of two maps: the figures that follow, against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsight_server.circuits.moments import Comparison, Moments, interval
from proofsight_server.errors import BadTensor
from tests.strategies import random_generators


def slow_comparison(original: list[list[float]], circuit: list[list[float]]) -> Comparison:
    """The figures from their definitions, one position at a time."""
    pairs = [
        pair for y, z in zip(original, circuit, strict=True) for pair in zip(y, z, strict=True)
    ]
    count = len(pairs)
    y_mean = math.fsum(y for y, _ in pairs) / count
    z_mean = math.fsum(z for _, z in pairs) / count
    y_var = math.fsum((y - y_mean) ** 2 for y, _ in pairs) / count
    z_var = math.fsum((z - z_mean) ** 2 for _, z in pairs) / count
    cov = math.fsum((y - y_mean) * (z - z_mean) for y, z in pairs) / count
    error = math.fsum(abs(z - y) for y, z in pairs) / count
    size = math.fsum(abs(y) for y, _ in pairs) / count
    return Comparison(
        cov / math.sqrt(y_var * z_var), cov / y_var, error / size, y_var**0.5, z_var**0.5
    )


def close(left: Comparison, right: Comparison) -> bool:
    names = ("r", "slope", "nmae", "deviation", "circuit_deviation")
    return all(
        math.isclose(getattr(left, name), getattr(right, name), rel_tol=1e-9, abs_tol=1e-12)
        for name in names
    )


@settings(max_examples=50)
@given(random_generators(), st.integers(1, 5), st.integers(2, 6), st.sampled_from([0.0, 1e4]))
def test_figures_are_those_of_the_definitions(
    rng: np.random.Generator, images: int, positions: int, offset: float
) -> None:
    original = rng.normal(size=(images, positions)) + offset
    circuit = 0.3 * original + rng.normal(size=(images, positions))
    moments = Moments.of(original, circuit)
    assert close(moments.summed(), slow_comparison(original.tolist(), circuit.tolist()))


@settings(max_examples=30)
@given(random_generators(), st.integers(1, 3))
def test_batches_give_what_all_images_at_once_give(rng: np.random.Generator, cut: int) -> None:
    original, circuit = rng.normal(size=(4, 2, 3)), rng.normal(size=(4, 2, 3))
    parts = [Moments.of(original[:cut], circuit[:cut]), Moments.of(original[cut:], circuit[cut:])]
    assert Moments.joined(parts).summed() == Moments.of(original, circuit).summed()


def test_a_weight_counts_an_image_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    original, circuit = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    repeated = np.repeat(np.arange(3), [2, 0, 3])
    weighted = Moments.of(original, circuit).summed(np.array([2.0, 0.0, 3.0]))
    assert close(weighted, slow_comparison(original[repeated].tolist(), circuit[repeated].tolist()))


def test_the_same_map_follows_itself_with_r_and_slope_of_one() -> None:
    maps = np.random.default_rng(0).normal(size=(5, 3, 3))
    found = Moments.of(maps, maps).summed()
    assert [found.r, found.slope, found.nmae] == pytest.approx([1, 1, 0])


def test_half_the_amplitude_shows_in_the_slope_alone() -> None:
    maps = np.random.default_rng(0).normal(size=(5, 3, 3))
    found = Moments.of(maps, -maps / 2).summed()
    assert [found.r, found.slope] == pytest.approx([-1, -0.5])


def test_a_constant_circuit_has_r_zero_and_says_so() -> None:
    maps = np.random.default_rng(0).normal(size=(5, 4))
    found = Moments.of(maps, np.full_like(maps, 0.1).astype(np.float32)).summed()
    assert found.constant and not found.dead
    assert [found.r, found.slope] == pytest.approx([0, 0])


def test_a_dead_original_has_neither_slope_nor_error() -> None:
    found = Moments.of(np.zeros((3, 4)), np.zeros((3, 4))).summed()
    assert found.dead and found.r == 0
    assert math.isnan(found.slope) and math.isnan(found.nmae)


def test_the_interval_holds_the_figure_and_narrows_with_images() -> None:
    rng = np.random.default_rng(0)
    original = rng.normal(size=(400, 4))
    circuit = original + rng.normal(size=(400, 4))
    few, many = Moments.of(original[:25], circuit[:25]), Moments.of(original, circuit)
    spans = [interval(m.resampled(300, np.random.default_rng(1))["r"]) for m in (few, many)]
    assert spans[1][0] < many.summed().r < spans[1][1]
    assert spans[1][1] - spans[1][0] < spans[0][1] - spans[0][0]


@pytest.mark.parametrize(
    ("original", "circuit", "fault"),
    [
        (np.zeros((2, 3)), np.zeros((2, 4)), "one shape"),
        (np.zeros((2, 0)), np.zeros((2, 0)), "a position at least"),
        (np.zeros((2, 3)), np.full((2, 3), np.nan), "not finite"),
    ],
)
def test_maps_that_cannot_be_compared_are_refused(
    original: np.ndarray, circuit: np.ndarray, fault: str
) -> None:
    with pytest.raises(BadTensor, match=fault):
        Moments.of(original, circuit)
