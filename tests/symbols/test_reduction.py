from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.symbols.feature import Cell, Feature, Layer, Reduction, features_of
from proofsight_server.symbols.reduction import MapReducer, reduce_map
from tests.strategies import random_generators

MAGNITUDES: tuple[Reduction, ...] = ("l1", "l2", "mean", "max")
CONV = Layer("conv1", "features.0", "conv", 3, "features.2")
FC = Layer("fc1", "head", "linear", 4, "head")


def slow_value(image: npt.NDArray[np.float32], feature: Feature) -> float:
    """The definition, one position at a time."""
    _, height, width = image.shape
    (rows, columns), (u, v) = (
        (feature.cell.grid, feature.cell.at) if feature.cell else ((1, 1), (0, 0))
    )
    positions = []
    for y in range(math.floor(u * height / rows), math.floor((u + 1) * height / rows)):
        for x in range(math.floor(v * width / columns), math.floor((v + 1) * width / columns)):
            positions.append(float(image[feature.index, y, x]))
    if feature.reduction == "value":
        assert len(positions) == 1
        return positions[0]
    if feature.reduction == "max":
        return max(abs(a) for a in positions)
    if feature.reduction == "l2":
        return math.sqrt(math.fsum(a * a for a in positions))
    total = math.fsum(abs(a) for a in positions)
    return total / len(positions) if feature.reduction == "mean" else total


def whole_numbers(rng: np.random.Generator, *shape: int) -> npt.NDArray[np.float32]:
    """Signed values whose sums are exact, so that results can be compared bit for bit."""
    return rng.integers(-9, 10, shape).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    rng=random_generators(),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    reduction=st.sampled_from(MAGNITUDES),
    data=st.data(),
)
def test_values_are_those_of_the_definition(
    rng: np.random.Generator, height: int, width: int, reduction: Reduction, data: st.DataObject
) -> None:
    rows, columns = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
    features = features_of(CONV, (height, width), reduction=reduction, grids=(1, (rows, columns)))
    kept = [f for f in features if rng.random() < 0.8]
    rng.shuffle(kept)
    image = whole_numbers(rng, 2, 3, height, width)
    values = reduce_map(torch.from_numpy(image), kept)
    assert values.shape == (2, len(kept)) and values.dtype == np.float32
    for n in range(2):
        expected = [np.float32(slow_value(image[n], feature)) for feature in kept]
        assert values[n].tolist() == [float(v) for v in expected]


@settings(max_examples=30, deadline=None)
@given(rng=random_generators(), reduction=st.sampled_from(MAGNITUDES))
def test_real_numbers_are_rounded_once(rng: np.random.Generator, reduction: Reduction) -> None:
    image = rng.normal(size=(1, 3, 13, 13)).astype(np.float32) * np.float32(1e3)
    features = features_of(CONV, (13, 13), reduction=reduction, grids=(1, 3))
    values = reduce_map(torch.from_numpy(image), features)[0]
    expected = np.array([slow_value(image[0], feature) for feature in features])
    # half a unit of float32 for the one rounding, and next to nothing for float64 sums
    assert (np.abs(values - expected) <= np.spacing(values) * (0.5 + 1e-6)).all()


@settings(max_examples=40, deadline=None)
@given(rng=random_generators(), height=st.integers(1, 9), width=st.integers(1, 9), data=st.data())
def test_cells_partition_the_map(
    rng: np.random.Generator, height: int, width: int, data: st.DataObject
) -> None:
    rows = data.draw(st.integers(1, min(height, width)))
    image = torch.from_numpy(whole_numbers(rng, 1, 3, height, width))

    def values(reduction: Reduction, grid: int) -> npt.NDArray[np.float64]:
        features = features_of(CONV, (height, width), reduction=reduction, grids=(grid,))
        return reduce_map(image, features).astype(np.float64).reshape(3, -1)

    assert values("l1", rows).sum(axis=1).tolist() == values("l1", 1)[:, 0].tolist()
    squares = np.rint(np.square(values("l2", rows))).sum(axis=1)
    assert squares.tolist() == np.rint(np.square(values("l2", 1)))[:, 0].tolist()
    assert values("max", rows).max(axis=1).tolist() == values("max", 1)[:, 0].tolist()


@pytest.mark.parametrize("reduction", MAGNITUDES)
def test_a_grid_of_one_cell_is_the_whole_map(reduction: Reduction) -> None:
    image = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    whole = [Feature("conv1", 1, reduction)]
    cell = [Feature("conv1", 1, reduction, Cell((1, 1), (0, 0)))]
    assert reduce_map(image, whole).tolist() == reduce_map(image, cell).tolist()


@given(rng=random_generators(), reduction=st.sampled_from(MAGNITUDES))
@settings(max_examples=20, deadline=None)
def test_moving_pixels_within_a_cell_changes_nothing(
    rng: np.random.Generator, reduction: Reduction
) -> None:
    image = whole_numbers(rng, 1, 3, 6, 6)
    moved = image.copy()
    for top in (0, 3):
        for left in (0, 3):
            flat = moved[:, :, top : top + 3, left : left + 3].reshape(1, 3, 9)
            tile = flat[:, :, rng.permutation(9)].reshape(1, 3, 3, 3)
            moved[:, :, top : top + 3, left : left + 3] = tile
    features = features_of(CONV, (6, 6), reduction=reduction, grids=(1, 2))
    before = reduce_map(torch.from_numpy(image), features)
    assert before.tolist() == reduce_map(torch.from_numpy(moved), features).tolist()


@pytest.mark.parametrize("reduction", MAGNITUDES)
def test_values_do_not_depend_on_the_batch(reduction: Reduction) -> None:
    layer = Layer("conv1", "c", "conv", 16, "c")
    maps = torch.randn(40, 16, 13, 13, generator=torch.Generator().manual_seed(1))
    read = MapReducer(features_of(layer, (13, 13), reduction=reduction, grids=(1, 3)))
    together = read(maps)
    for size in (1, 7):
        apart = [read(maps[start : start + size]) for start in range(0, 40, size)]
        assert np.array_equal(np.concatenate(apart), together)


def test_a_map_may_be_strided_half_precise_or_part_of_a_graph() -> None:
    image = torch.from_numpy(whole_numbers(np.random.default_rng(0), 2, 3, 4, 4))
    features = features_of(CONV, (4, 4), grids=(1, 2))
    expected = reduce_map(image, features).tolist()
    variants = (
        image.to(memory_format=torch.channels_last),
        image.half(),
        image.bfloat16(),
        image.double(),
        image.clone().requires_grad_(),
        image.repeat(1, 1, 1, 2)[..., :4],
    )
    for variant in variants:
        assert reduce_map(variant, features).tolist() == expected


def test_doubles_are_not_rounded_before_they_are_summed() -> None:
    image = torch.full((1, 3, 1, 2), 1 + 2.0**-24, dtype=torch.float64)
    value = reduce_map(image, [Feature("conv1", 0)])[0, 0]
    assert value == np.float32(2 + 2.0**-23)


def test_no_images_and_no_features_give_empty_tables() -> None:
    features = features_of(CONV, (4, 4))
    assert reduce_map(torch.zeros(0, 3, 4, 4), features).shape == (0, 3)
    assert reduce_map(torch.zeros(5, 3, 4, 4), []).shape == (5, 0)


def test_units_give_their_signed_values() -> None:
    values = torch.tensor([[-1.5, 2.0, 0.0, 4.0]])
    features = features_of(FC, None)
    assert [feature.reduction for feature in features] == ["value"] * 4
    assert reduce_map(values, features).tolist() == values.tolist()
    assert reduce_map(values, features[::-1]).tolist() == values.flip(1).tolist()


def test_single_positions_give_their_signed_values() -> None:
    image = torch.from_numpy(whole_numbers(np.random.default_rng(2), 1, 3, 2, 3))
    features = features_of(CONV, (2, 3), reduction="value", grids=((2, 3),))
    assert reduce_map(image, features)[0].tolist() == image.flatten().tolist()


def test_features_stand_in_canonical_order() -> None:
    layer = Layer("conv2", "c", "conv", 2, "c")
    names = [f.name("conv") for f in features_of(layer, (4, 4), grids=(2, 1, 1))]
    cells = ["_g2_r0c0", "_g2_r0c1", "_g2_r1c0", "_g2_r1c1"]
    assert names == [f"conv2_c{k}{cell}" for k in (0, 1) for cell in ("", *cells)]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("reduction", MAGNITUDES)
@pytest.mark.parametrize("grid", [1, 3])
def test_a_value_that_is_not_finite_is_refused_by_layer_and_channel(
    bad: float, reduction: Reduction, grid: int
) -> None:
    image = torch.ones(3, 3, 5, 5)
    features = features_of(CONV, (5, 5), reduction=reduction, grids=(grid,))
    assert np.isfinite(reduce_map(image, features)).all()
    image[2, 1, 4, 4] = bad
    with pytest.raises(BadTensor, match=r"layer conv1, channel 1, image 2 .* not finite") as error:
        reduce_map(image, features)
    assert error.value.metadata["channel"] == "1"


def test_a_unit_that_is_not_finite_is_refused_by_number() -> None:
    values = torch.tensor([[0.0, 1.0, 2.0, float("nan")]])
    assert reduce_map(values, features_of(FC, None)[:3]).tolist() == [[0, 1, 2]]
    with pytest.raises(BadTensor, match="layer fc1, unit 3"):
        reduce_map(values, features_of(FC, None))


def test_a_channel_that_no_feature_reads_may_hold_anything() -> None:
    image = torch.ones(1, 3, 2, 2)
    image[0, 2] = float("nan")
    assert reduce_map(image, [Feature("conv1", 0), Feature("conv1", 1)]).tolist() == [[4, 4]]


def test_a_sum_beyond_float32_is_refused() -> None:
    image = torch.full((1, 3, 1, 2), 1.5e38)
    assert np.isfinite(reduce_map(image, features_of(CONV, (1, 2)))).all()
    with pytest.raises(BadTensor, match="l1 is beyond the range of float32"):
        reduce_map(image * 2, features_of(CONV, (1, 2)))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 2, 4, 4), "reads number 2"),
        ((1, 3, 1, 4), "2 x 2 grid does not fit the 1 x 4"),
        ((3, 4, 4), "shape"),
        ((1, 3, 0, 4), "shape"),
        ((1, 3), "one number per unit"),
    ],
)
def test_a_map_that_lacks_what_is_read_is_refused(shape: tuple[int, ...], message: str) -> None:
    features = features_of(CONV, (4, 4), grids=(2,))
    assert reduce_map(torch.zeros(1, 3, 4, 4), features).shape == (1, 12)
    with pytest.raises(BadTensor, match=message):
        reduce_map(torch.zeros(shape), features)


def test_whole_numbers_are_no_map() -> None:
    features = features_of(CONV, (2, 2))
    assert reduce_map(torch.ones(1, 3, 2, 2), features).tolist() == [[4, 4, 4]]
    with pytest.raises(BadTensor, match="floating"):
        reduce_map(torch.ones(1, 3, 2, 2, dtype=torch.int64), features)


def test_a_value_of_several_positions_is_refused() -> None:
    feature = [Feature("conv1", 0, "value")]
    assert reduce_map(torch.full((1, 3, 1, 1), -2.0), feature).tolist() == [[-2]]
    with pytest.raises(BadTensor, match="one position"):
        reduce_map(torch.zeros(1, 3, 1, 2), feature)


def test_features_of_two_layers_are_refused() -> None:
    MapReducer([Feature("conv1", 0), Feature("conv1", 1)])
    with pytest.raises(BadOption, match="conv1, conv2"):
        MapReducer([Feature("conv1", 0), Feature("conv2", 0)])


def test_a_grid_finer_than_the_map_is_refused() -> None:
    assert len(features_of(CONV, (3, 5), grids=(3,))) == 27
    with pytest.raises(BadOption, match="4 x 4"):
        features_of(CONV, (3, 5), grids=(4,))
    with pytest.raises(BadOption, match="0 x 0"):
        features_of(CONV, (3, 5), grids=(0,))


def test_value_needs_cells_of_one_position() -> None:
    assert len(features_of(CONV, (2, 2), reduction="value", grids=(2,))) == 12
    with pytest.raises(BadOption, match="2 x 2 grid"):
        features_of(CONV, (2, 2), reduction="value")


def test_an_unknown_reduction_is_refused() -> None:
    features_of(CONV, (2, 2), reduction="max")
    with pytest.raises(BadOption, match="'median'"):
        features_of(CONV, (2, 2), reduction="median")  # type: ignore[arg-type]  # the point
