"""Inverse quantisation: maps as their bits tell them, from the definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.symbols.feature import Layer, Proposition, Reduction, features_of
from proofsight_server.symbols.inverse import Templates, Variant
from proofsight_server.symbols.quantisation import Quantisation
from proofsight_server.symbols.quantiser import Quantiser
from proofsight_server.symbols.reduction import reduce_map
from tests.strategies import random_generators

LAYER = Layer("conv1", "first", "conv", 3, "first")


def maps_of(rng: np.random.Generator, images: int = 30) -> Tensor:
    """Maps of three channels after a ReLU, larger for some images than for others."""
    scale = rng.random((images, 3, 1, 1)) * 2
    return torch.from_numpy((rng.random((images, 3, 4, 4)) * scale).astype(np.float32))


def quantised(
    maps: Tensor, *, grids: tuple[int, ...] = (1,), reduction: Reduction = "l1"
) -> Quantisation:
    features = features_of(LAYER, (4, 4), reduction=reduction, grids=grids)
    quantiser = Quantiser("mean", default_reduction=reduction)
    return quantiser.fit(reduce_map(maps, features), None, features, [LAYER]).quantisation_


def slow_map(maps: Tensor, quantisation: Quantisation, image: int) -> np.ndarray:
    """One image, one position at a time: the mean over images that share the finest bit there."""
    all_bits = quantisation.bits(reduce_map(maps, quantisation.features))
    result = np.zeros((3, 4, 4))
    for channel in range(3):
        for row in range(4):
            for column in range(4):
                finest, best = None, 0
                for place, feature in enumerate(quantisation.features):
                    span = feature.cell.span(4, 4) if feature.cell else (slice(0, 4), slice(0, 4))
                    grid = feature.cell.grid[0] if feature.cell else 1
                    covers = row in range(4)[span[0]] and column in range(4)[span[1]]
                    if feature.index == channel and covers and grid > best:
                        finest, best = place, grid
                total, count = 0.0, 0
                for other in range(len(maps)):
                    same = finest is None or all_bits[other, finest] == all_bits[image, finest]
                    if same:
                        total += float(maps[other, channel, row, column])
                        count += 1
                result[channel, row, column] = total / count
    return result


@settings(max_examples=10, deadline=None)
@given(rng=random_generators())
@pytest.mark.parametrize("grids", [(1,), (2,), (3,), (1, 2)])
def test_each_position_is_its_mean_among_images_with_the_same_bit(
    grids: tuple[int, ...], rng: np.random.Generator
) -> None:
    maps = maps_of(rng)
    quantisation = quantised(maps, grids=grids)
    if quantisation.aliases:
        return
    told = Templates(quantisation, LAYER).fit(maps)(maps)
    for image in range(0, 30, 7):
        assert np.allclose(told[image].numpy(), slow_map(maps, quantisation, image), atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(rng=random_generators())
def test_any_shift_of_a_template_raises_the_squared_error(rng: np.random.Generator) -> None:
    maps = maps_of(rng)
    quantisation = quantised(maps)
    told = Templates(quantisation, LAYER).fit(maps)(maps).double()
    error = float(((maps.double() - told) ** 2).sum())
    bits = quantisation.bits(reduce_map(maps, quantisation.features))
    for place, feature in enumerate(quantisation.features):
        for bit in (False, True):
            shifted = told.clone()
            shift = torch.from_numpy(rng.normal(size=(4, 4)))
            shifted[torch.from_numpy(bits[:, place] == bit), feature.index] += shift
            assert float(((maps.double() - shifted) ** 2).sum()) > error


@pytest.mark.parametrize("variant", ["map", "uniform"])
def test_maps_that_are_constant_within_each_group_come_back(variant: Variant) -> None:
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 2, (40, 3))
    flat = np.array([[0.1, 0.9], [0.0, 0.5], [0.3, 2.0]], dtype=np.float32)
    maps = torch.from_numpy(flat[np.arange(3), levels][..., None, None]).expand(-1, -1, 4, 4)
    quantisation = quantised(maps)
    told = Templates(quantisation, LAYER, variant).fit(maps)(maps)
    assert torch.allclose(told, maps, atol=1e-6)
    if variant == "map":
        tilted = maps * torch.linspace(0.5, 1.5, 16).reshape(4, 4)
        quantisation = quantised(tilted)
        told = Templates(quantisation, LAYER).fit(tilted)(tilted)
        assert torch.allclose(told, tilted, atol=1e-6)


@pytest.mark.parametrize("grids", [(1,), (2,), (4,)])
def test_behind_a_global_average_both_variants_give_equal_logits(grids: tuple[int, ...]) -> None:
    maps = maps_of(np.random.default_rng(1))
    head = torch.nn.Linear(3, 5)
    quantisation = quantised(maps, grids=grids)
    variants: tuple[Variant, ...] = ("map", "uniform")
    with torch.inference_mode():
        by_map, uniform = (
            head(Templates(quantisation, LAYER, variant).fit(maps)(maps).mean((2, 3)))
            for variant in variants
        )
    assert torch.allclose(by_map, uniform, atol=1e-5)


@pytest.mark.parametrize("reduction", ["l1", "l2", "mean", "max"])
def test_the_reduction_of_a_uniform_template_is_the_mean_value(reduction: Reduction) -> None:
    maps = maps_of(np.random.default_rng(2))
    quantisation = quantised(maps, reduction=reduction)
    told = Templates(quantisation, LAYER, "uniform").fit(maps)(maps)
    values = reduce_map(maps, quantisation.features)
    bits = quantisation.bits(values)
    again = reduce_map(told, quantisation.features)
    for place in range(len(quantisation.features)):
        for bit in (False, True):
            group = bits[:, place] == bit
            assert np.allclose(again[group, place], values[group, place].mean(), rtol=1e-4)


def test_learning_batch_by_batch_is_learning_at_once() -> None:
    maps = maps_of(np.random.default_rng(3), 50)
    quantisation = quantised(maps, grids=(1, 2))
    whole = Templates(quantisation, LAYER).fit(maps)
    parts = Templates(quantisation, LAYER)
    for start in range(0, 50, 7):
        parts.partial_fit(maps[start : start + 7])
    assert parts.images_ == whole.images_ == 50
    assert torch.allclose(parts(maps), whole(maps), atol=1e-6)
    whole.fit(maps[:20])
    assert whole.images_ == 20


def test_several_thresholds_on_one_feature_have_a_template_for_each_level() -> None:
    maps = torch.zeros(9, 3, 4, 4)
    sizes = torch.tensor([0.0, 0.1, 0.2, 1.0, 1.2, 1.4, 3.0, 3.5, 4.0])
    maps[:, 0] = sizes[:, None, None]
    (feature, *_) = features_of(LAYER, (4, 4))
    low = Proposition("conv1_c0", "conv1", feature, 16 * 0.5)
    high = Proposition("conv1_c0_t2", "conv1", feature, 16 * 2.0)
    quantisation = Quantisation((LAYER,), (low, high))
    templates = Templates(quantisation, LAYER).fit(maps)
    expected = torch.tensor([0.1, 0.1, 0.1, 1.2, 1.2, 1.2, 3.5, 3.5, 3.5])
    assert torch.allclose(templates(maps)[:, 0, 2, 3], expected, atol=1e-6)
    assert templates.empty_ == ()


def test_a_feature_that_another_stands_for_follows_its_bit() -> None:
    rng = np.random.default_rng(4)
    bright = torch.from_numpy(rng.integers(0, 2, 40).astype(np.float32))
    maps = torch.rand(40, 3, 4, 4) * 0.1
    maps[:, 0] += bright[:, None, None]
    maps[:, 1] += 3 * bright[:, None, None]
    maps[:, 2] += 2 * (1 - bright)[:, None, None]
    quantisation = quantised(maps)
    assert len(quantisation.observable) == 1 and len(quantisation.aliases) == 2
    told = Templates(quantisation, LAYER).fit(maps)(maps)
    assert float((told - maps).abs().max()) < 0.11


def test_a_group_without_training_images_has_the_mean_of_all_and_is_told() -> None:
    maps = maps_of(np.random.default_rng(5))
    (feature, *_) = features_of(LAYER, (4, 4))
    never = Proposition("conv1_c0", "conv1", feature, 1e6)
    templates = Templates(Quantisation((LAYER,), (never,)), LAYER).fit(maps)
    assert templates.empty_ == (("conv1_c0", 1),)
    huge = maps[:1] + 1e6
    assert torch.allclose(templates(huge)[0], maps.mean(0), atol=1e-5)


def test_negative_maps_keep_their_sign() -> None:
    maps = -maps_of(np.random.default_rng(6)) - 0.1
    quantisation = quantised(maps)
    for variant in ("map", "uniform"):
        told = Templates(quantisation, LAYER, variant).fit(maps)(maps)
        assert (told < 0).all()


def test_units_are_told_from_their_own_bits() -> None:
    layer = Layer("fc1", "fc", "linear", 4, "fc")
    units = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    features = features_of(layer, None)
    quantiser = Quantiser("mean").fit(reduce_map(units, features), None, features, [layer])
    for variant in ("map", "uniform"):
        told = Templates(quantiser.quantisation_, layer, variant).fit(units)(units)
        above = units > units.mean(0)
        for unit in range(4):
            expected = torch.where(
                above[:, unit],
                units[above[:, unit], unit].mean(),
                units[~above[:, unit], unit].mean(),
            )
            assert torch.allclose(told[:, unit], expected, atol=1e-5)


def test_what_does_not_belong_together_is_refused() -> None:
    maps = maps_of(np.random.default_rng(7))
    quantisation = quantised(maps)
    with pytest.raises(BadOption, match="a template is one of map, uniform, not 'flat'"):
        Templates(quantisation, LAYER, "flat").fit(maps)  # type: ignore[arg-type]
    other = Layer("conv2", "second", "conv", 3, "second")
    with pytest.raises(BadOption, match="layer conv2 has no propositions"):
        Templates(quantisation, other).fit(maps)
    templates = Templates(quantisation, LAYER).fit(maps)
    with pytest.raises(BadTensor, match="not fitted on maps of shape"):
        templates(torch.rand(2, 3, 5, 5))
    with pytest.raises(BadTensor, match="3 channels or units"):
        templates(torch.rand(2, 4, 4, 4))
    with pytest.raises(BadTensor, match="were not fitted"):
        Templates(quantisation, LAYER)(maps)
