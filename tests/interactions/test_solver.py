"""The pieces of the solver, each against a dense or numerical twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from proofsight_server.errors import BadOption
from proofsight_server.interactions.boxed_split import BoxedSplit
from proofsight_server.interactions.exact_split import ExactSplit
from proofsight_server.interactions.masks import Doubles
from proofsight_server.interactions.objective import Objective, objective_named
from proofsight_server.interactions.sum_projection import sum_projection
from proofsight_server.interactions.symmetric_basis import symmetric_basis
from proofsight_server.interactions.tensor_product import matrix_power, tensor_power
from tests.interactions.slow_effects import dense

AND_GRAM = np.array([[2.0, -1.0], [-1.0, 1.0]])


def table(regions: int, networks: int, seed: int = 0) -> Doubles:
    """Normal scores, 0 for the mask ∅."""
    v = np.random.default_rng(seed).normal(size=(networks, 1 << regions))
    return v - v[:, :1]


def flat(point: Doubles) -> Doubles:
    """Blocks under each other, networks as columns. Shape (k · 2^n, m)."""
    return point.transpose(0, 2, 1).reshape(-1, point.shape[1])


@pytest.mark.parametrize("regions", [1, 2, 5])
def test_a_tensor_power_is_the_kronecker_product(regions: int) -> None:
    matrix = np.random.default_rng(0).normal(size=(2, 2))
    v = table(regions, 3)
    power = tensor_power(matrix, regions)
    whole = matrix_power(matrix, regions)
    assert np.allclose(power(v), v @ whole.T)
    assert np.allclose(power.adjoint(v), v @ whole)


@pytest.mark.parametrize("regions", [1, 2, 3, 5])
def test_the_nearest_exact_split_is_the_orthogonal_projection(regions: int) -> None:
    v = table(regions, 2)
    split = ExactSplit(v)
    ands, ors = dense(regions)
    kernel = np.vstack([ands, -ors])
    middle = np.vstack([ands, ors]) @ v.T / 2
    point = np.random.default_rng(1).normal(size=(2, 2, 1 << regions))
    projected = middle + kernel @ np.linalg.lstsq(kernel, flat(point) - middle, rcond=None)[0]
    assert np.allclose(flat(split.nearest(point)), projected, atol=1e-9)


@pytest.mark.parametrize("regions", [8, 11])
def test_projecting_twice_is_projecting_once_also_where_no_dense_matrix_fits(regions: int) -> None:
    v = table(regions, 1)
    point = np.random.default_rng(1).normal(size=(3, 1, 1 << regions))
    split = ExactSplit(v)
    once = split.nearest(point[:2])
    assert np.allclose(split.nearest(once), once, atol=1e-7)
    project = sum_projection(regions, 1, 3.0)
    assert np.allclose(project(project(point)), project(point), atol=1e-7)
    slack = point - project(point)
    assert np.isclose((slack * project(point)).sum(), 0, atol=1e-6)


@pytest.mark.parametrize("regions", [1, 2, 3, 5])
def test_the_projection_with_sums_is_that_of_the_dense_matrix(regions: int) -> None:
    ands, ors = dense(regions)
    unit, none = np.eye(1 << regions), np.zeros((1 << regions, 1 << regions))
    for weight in (1.0, 3.0):
        scale = weight**0.5
        matrix = np.block([[ands, none], [none, ors], [scale * unit, scale * unit]])
        point = np.random.default_rng(2).normal(size=(3, 2, 1 << regions))
        expected = matrix @ np.linalg.lstsq(matrix, flat(point), rcond=None)[0]
        assert np.allclose(
            flat(sum_projection(regions, point.shape[1], weight)(point)), expected, atol=1e-9
        )


@pytest.mark.parametrize("regions", [0, 1, 4, 5])
def test_what_treats_regions_alike_is_block_diagonal_in_the_symmetric_basis(regions: int) -> None:
    basis, blocks = symmetric_basis(regions)
    assert np.allclose(basis @ basis.T, np.eye(1 << regions))
    assert sum(block.size * block.copies for block in blocks) == 1 << regions
    gram = basis @ matrix_power(AND_GRAM, regions) @ basis.T
    for block in blocks:
        cells = gram[block.rows, block.rows].reshape(2 * (block.size, block.copies))
        assert np.allclose(cells, np.einsum("ac,bd->abcd", cells[:, 0, :, 0], np.eye(block.copies)))
        gram[block.rows, block.rows] = 0
    assert np.allclose(gram, 0)


objectives = st.builds(
    Objective,
    st.sampled_from([0.0, 0.5, 0.9, 1.0]),
    st.sampled_from([0.1, 0.5, 1.0]),
    st.just(np.array([[1.0, 2.0, 0.5, 1.0], [1.0, 3.0, 1.0, 0.7]])),
)


@given(loss=objectives, networks=st.integers(1, 4), seed=st.integers(0, 10**6))
@settings(max_examples=4, deadline=None)
def test_the_prox_is_where_loss_and_distance_are_least(
    loss: Objective, networks: int, seed: int
) -> None:
    point = np.random.default_rng(seed).normal(size=(2, networks, 4))
    found = loss.prox(point, 0.3)

    def cost(z: Doubles) -> float:
        distance = float(((z - point.ravel()) ** 2).sum())
        return 0.3 * loss.value(z.reshape(point.shape)) + distance / 2

    least = cost(found.ravel())
    for start in (point.ravel(), found.ravel()):
        other = minimize(cost, start, method="Powell", options={"maxiter": 20}).fun
        assert least <= other + 1e-9
    for step in np.random.default_rng(seed).normal(size=(20, point.size)):
        assert least <= cost(found.ravel() + 1e-3 * step) + 1e-12


@given(loss=objectives, networks=st.integers(1, 4), seed=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_the_gauge_is_the_dual_norm_of_the_loss(loss: Objective, networks: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    dual = rng.normal(size=(2, networks, 4))
    gauge = loss.gauge(dual)
    for effects in rng.normal(size=(20, *dual.shape)):
        assert (dual * effects).sum() <= gauge * loss.value(effects) + 1e-9
    # y is within gauge g of the polar of f exactly where the prox of g · f takes y to 0
    assert np.allclose(loss.prox(dual, gauge * (1 + 1e-9)), 0, atol=1e-7)
    assert np.abs(loss.prox(dual, gauge * 0.99)).max() > 0


def test_bounds_hold_for_every_split_and_noise() -> None:
    v = table(3, 2)
    box = np.array([0.3, 0.1])
    loss = objective_named("mix", 0.1, 3)
    rng = np.random.default_rng(4)
    boxed, exact = BoxedSplit(v, box), ExactSplit(v)
    for _ in range(20):
        duals = rng.normal(size=(2, 2, 8))
        for split in (exact, boxed):
            feasible, worth = split.bound(duals)
            bound = worth / loss.gauge(feasible)
            point = split.nearest(rng.normal(size=(3 if split is boxed else 2, 2, 8)))
            assert bound <= loss.value(split.effects(point)) + 1e-9


def test_mix_and_additive_are_the_same_loss_up_to_a_factor() -> None:
    effects = np.random.default_rng(0).normal(size=(2, 3, 8))
    mix = objective_named("mix", 0.1, 3).value(effects)
    assert np.isclose(mix, 0.9 * objective_named("additive", 0.1 / 0.9, 3).value(effects))


@pytest.mark.parametrize(
    ("name", "alpha", "weight", "told"),
    [
        ("sum", 0.1, "none", "mix, additive"),
        ("mix", 1.1, "none", "in 0..1"),
        ("mix", float("nan"), "none", "in 0..1"),
        ("additive", -0.1, "none", "from 0"),
        ("additive", float("inf"), "none", "from 0"),
        ("mix", 0.1, "size", "none, tie, noise"),
    ],
)
def test_what_is_no_objective_is_refused(name: str, alpha: float, weight: str, told: str) -> None:
    with pytest.raises(BadOption, match=told):
        objective_named(name, alpha, 3, weight)


def test_additive_takes_an_alpha_above_one() -> None:
    assert objective_named("additive", 2.0, 3).of_sum == 2.0
