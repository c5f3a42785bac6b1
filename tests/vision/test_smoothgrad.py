"""SmoothGrad and ascent, against functions whose gradients are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from proofsight_server.errors import BadModel, BadOption, BadTensor, UnknownLayer
from proofsight_server.symbols.feature import REDUCTIONS, Cell, Feature, Reduction
from proofsight_server.vision.ascent import AscentOptions, ascend
from proofsight_server.vision.layers import inspect, resolve
from proofsight_server.vision.preprocessing import Preprocessing
from proofsight_server.vision.probe import Reader
from proofsight_server.vision.scalar import Scalars, gradient, reduced
from proofsight_server.vision.smoothgrad import SmoothGradOptions, smoothgrad
from proofsight_server.vision.valid_pixels import ValidPixels
from tests.vision.networks import Concatenated, DataDependent, Residual, batch, network


def drawn(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# --- SmoothGrad -----------------------------------------------------------------


@given(
    noise=st.floats(0, 3),
    samples=st.integers(1, 7),
    images=st.integers(1, 4),
    size=st.integers(1, 9),
    seed=st.integers(0, 9),
)
@settings(max_examples=25, deadline=None)
def test_a_linear_scalar_has_its_weights_for_any_noise(
    noise: float, samples: int, images: int, size: int, seed: int
) -> None:
    weights = batch(1, (2, 3, 4), seed=7)[0]
    found = smoothgrad(
        lambda x: (x * weights).flatten(1).sum(dim=1) + 3,
        batch(images, (2, 3, 4), seed),
        SmoothGradOptions(samples, noise),
        generator=drawn(seed),
        batch=size,
    )
    assert found.maps.dtype == np.float32
    np.testing.assert_allclose(found.maps, weights.expand(images, 2, 3, 4).numpy(), atol=1e-6)
    assert not found.constant.any()


def test_the_square_has_twice_the_image_in_expectation() -> None:
    images = batch(2, (1, 2, 2))
    spread = images.flatten(1).amax(1) - images.flatten(1).amin(1)
    found = smoothgrad(
        lambda x: x.square().flatten(1).sum(dim=1),
        images,
        SmoothGradOptions(samples=4000, noise=0.5),
        generator=drawn(),
        batch=500,
    )
    error = 2 * 0.5 * spread / 4000**0.5  # of the mean of 4000 samples of 2 ε
    away = np.abs(found.maps - 2 * images.numpy()).reshape(2, -1).max(axis=1)
    assert (away < 4 * error.numpy()).all()
    assert (away > 0).all()


def test_the_square_squared_has_the_noise_in_it() -> None:
    images = batch(1, (1, 2, 2))
    deviation = 0.5 * float(images.max() - images.min())
    options = SmoothGradOptions(samples=4000, noise=0.5, squared=True)
    found = smoothgrad(
        lambda x: x.square().flatten(1).sum(dim=1), images, options, generator=drawn()
    )
    expected = 4 * (images.square() + deviation**2)
    np.testing.assert_allclose(found.maps, expected.numpy(), rtol=0.2)


def test_each_image_has_noise_of_its_own_range_over_all_its_channels() -> None:
    """The range, and not the deviation, nor that of the batch or of one channel."""
    seen: list[Tensor] = []

    def scalar(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return x.flatten(1).sum(dim=1)

    images = torch.zeros(2, 2, 4, 4)
    images[0, 1, 0, 0], images[1, 0, 2, 2] = 10.0, -1.0
    options = SmoothGradOptions(samples=400, noise=0.15)
    smoothgrad(scalar, images, options, generator=drawn(), batch=37)
    noisy = torch.cat(seen).reshape(2, 400, 2, 4, 4)
    deviations = (noisy - images[:, None]).flatten(1).std(dim=1)
    np.testing.assert_allclose(deviations, [1.5, 0.15], rtol=0.03)
    assert noisy[0].max() > 10 and noisy[0].min() < 0  # nothing is clipped


def test_without_noise_it_is_the_plain_gradient() -> None:
    net = network(Residual())
    scalar = Scalars(net).logit(1)
    images = batch(3)
    found = smoothgrad(scalar, images, SmoothGradOptions(noise=0), generator=drawn())
    np.testing.assert_allclose(found.maps, gradient(scalar, images)[1].numpy(), rtol=1e-5)


def test_a_seed_repeats_whatever_the_batch_and_another_differs() -> None:
    net = network(Residual())
    scalar = Scalars(net).logit(0)
    images, options = batch(3), SmoothGradOptions(samples=9)
    first = smoothgrad(scalar, images, options, generator=drawn(1), batch=64)
    again = smoothgrad(scalar, images, options, generator=drawn(1), batch=64)
    small = smoothgrad(scalar, images, options, generator=drawn(1), batch=4)
    other = smoothgrad(scalar, images, options, generator=drawn(2), batch=64)
    np.testing.assert_array_equal(first.maps, again.maps)
    np.testing.assert_allclose(first.maps, small.maps, rtol=1e-4, atol=1e-5)
    assert np.abs(first.maps - other.maps).max() > 1e-3


def test_a_constant_image_is_flagged_and_has_the_plain_gradient() -> None:
    images = batch(3)
    images[1] = 0.25
    scalar = Scalars(network(Residual())).logit(2)
    found = smoothgrad(scalar, images, generator=drawn())
    assert found.constant.tolist() == [False, True, False]
    assert np.isfinite(found.maps).all()
    np.testing.assert_allclose(
        found.maps[1], gradient(scalar, images[1:2])[1][0].numpy(), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("options", [{"samples": 0}, {"noise": -0.1}, {"noise": float("nan")}])
def test_options_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(BadOption, match="usual"):
        SmoothGradOptions(**options)  # type: ignore[arg-type]  # wrong ones, on purpose


def test_what_is_no_image_is_refused() -> None:
    scalar = Scalars(network(Residual())).logit(0)
    for wrong in (batch(1)[0], batch(1).double(), batch(1) / 0):
        with pytest.raises(BadTensor, match="finite float32 images"):
            smoothgrad(scalar, wrong, generator=drawn())
    assert len(smoothgrad(scalar, batch(1), generator=drawn()).maps) == 1


def test_a_scalar_without_a_gradient_is_refused() -> None:
    with pytest.raises(BadModel, match="have no gradient"):
        smoothgrad(lambda x: x.detach().flatten(1).sum(1), batch(1), generator=drawn())
    with pytest.raises(BadModel, match="not finite"):
        smoothgrad(lambda x: x.sqrt().flatten(1).sum(1), batch(1), generator=drawn())


# --- scalars --------------------------------------------------------------------


@given(
    reduction=st.sampled_from(REDUCTIONS),
    grid=st.sampled_from([None, (2, 2), (3, 2), (5, 4)]),
    channel=st.integers(0, 2),
    data=st.data(),
)
@settings(max_examples=40, deadline=None)
def test_a_differentiable_reduction_is_the_reader_s(
    reduction: Reduction, grid: tuple[int, int] | None, channel: int, data: st.DataObject
) -> None:
    from proofsight_server.symbols.reduction import reduce_map

    if reduction == "value":
        grid = (5, 4)
    cell = None
    if grid is not None:
        row, column = (data.draw(st.integers(0, side - 1)) for side in grid)
        cell = Cell(grid, (row, column))
    feature = Feature("conv1", channel, reduction, cell)
    maps = batch(3, (3, 5, 4), seed=channel)
    np.testing.assert_allclose(
        reduced(maps, feature).numpy(), reduce_map(maps, [feature])[:, 0], rtol=1e-5
    )


@pytest.mark.parametrize("module", [Residual, Concatenated, DataDependent])
def test_the_scalar_of_a_feature_is_what_the_reader_reads(module: type[nn.Module]) -> None:
    net = network(module())
    images = batch(2)
    for info in inspect(net):
        if info.layer.module == "rare":
            continue
        linear = info.layer.kind == "linear"
        feature = Feature(info.layer.atom, 1, "value" if linear else "l2")
        scalar = Scalars(net).feature(feature, info.layer)
        read = Reader(net, [feature], [info]).observe(images).values[:, 0]
        values, slope = gradient(scalar, images)
        np.testing.assert_allclose(values.numpy(), read, rtol=1e-5)
        assert slope.shape == images.shape


def test_the_gradient_of_a_cell_is_the_slope_of_its_value() -> None:
    net = network(Residual())
    info = resolve(net, ["conv2"])[0]
    feature = Feature("conv2", 2, "l1", Cell((2, 2), (0, 1)))
    scalar = Scalars(net).feature(feature, info.layer)
    image = batch(1)
    _, slope = gradient(scalar, image)
    for row, column in ((0, 7), (2, 5), (7, 0)):
        step = torch.zeros_like(image)
        step[0, 0, row, column] = 1e-2
        with torch.no_grad():
            rise = float(scalar(image + step)[0] - scalar(image - step)[0]) / 2e-2
        assert rise == pytest.approx(float(slope[0, 0, row, column]), abs=2e-2)
    assert slope[0, 0, 7, 0] == 0  # beyond what the cell sees


def test_silent_maps_have_a_gradient_of_zero_under_every_reduction() -> None:
    maps = torch.zeros(1, 1, 2, 2, requires_grad=True)
    for reduction in ("l1", "l2", "mean", "max"):
        (slope,) = torch.autograd.grad(reduced(maps, Feature("c", 0, reduction)).sum(), maps)
        assert torch.equal(slope, torch.zeros_like(slope))


def test_what_the_network_does_not_have_is_refused() -> None:
    net = network(Residual())
    scalars = Scalars(net)
    layer = resolve(net, ["conv1"])[0].layer
    with pytest.raises(UnknownLayer):
        scalars.feature(Feature("conv1", 0), replace(layer, reads="nowhere"))
    with pytest.raises(BadOption, match="classes 0 to 2"):
        scalars.logit(3)
    with pytest.raises(BadTensor, match="reads number 9"):
        scalars.feature(Feature("conv1", 9), layer)(batch(1))


# --- ascent ---------------------------------------------------------------------

UNIT = ValidPixels(torch.zeros(1, 1, 1), torch.ones(1, 1, 1))


def test_ascent_finds_the_corner_where_a_linear_scalar_is_greatest() -> None:
    weights = batch(1, (1, 4, 4))[0]
    found = ascend(
        lambda x: (x * weights).flatten(1).sum(dim=1),
        torch.full((1, 4, 4), 0.5),
        UNIT,
        AscentOptions(shift=0, penalty=0, steps=120),
        generator=drawn(),
    )
    strong = weights.abs() > 0.2
    assert torch.equal((found.image > 0.99)[strong], (weights > 0)[strong])
    assert found.moved
    assert found.value > 0.95 * float(weights.clamp_min(0).sum())


def test_ascent_stays_within_pictures_and_repeats() -> None:
    net = network(Residual())
    scalar = Scalars(net).logit(0)
    valid = ValidPixels.of(Preprocessing("L", mean=(0.4,), std=(0.3,)))
    mean = torch.zeros(1, 8, 8)
    one, two = (ascend(scalar, mean, valid, generator=drawn(3)) for _ in range(2))
    assert torch.equal(one.image, two.image)
    assert one.image.min() >= valid.black.min() and one.image.max() <= valid.white.max()
    with torch.no_grad():
        assert one.value == pytest.approx(float(scalar(one.image[None])[0]), rel=1e-5)


def test_ascent_does_not_move_where_there_is_nothing_to_climb() -> None:
    found = ascend(
        lambda x: (x * 0).flatten(1).sum(dim=1), torch.zeros(1, 3, 3), UNIT, generator=drawn()
    )
    assert not found.moved and found.value == 0
    with pytest.raises(BadOption, match="steps"):
        AscentOptions(steps=0)


@given(
    mode=st.sampled_from(["L", "RGB"]),
    mean=st.floats(0, 1),
    std=st.floats(0.05, 2),
    crop=st.sampled_from([None, 4]),
)
@settings(max_examples=20, deadline=None)
def test_the_picture_of_a_prepared_picture_is_that_picture(
    mode: str, mean: float, std: float, crop: int | None
) -> None:
    channels = 1 if mode == "L" else 3
    preprocessing = Preprocessing(mode, crop=crop, mean=(mean,), std=(std,))  # type: ignore[arg-type]  # one of both
    pixels = drawn().integers(0, 256, size=(4, 4, channels), dtype=np.uint8)
    valid = ValidPixels.of(preprocessing)
    prepared = preprocessing(pixels[None])
    np.testing.assert_array_equal(valid.picture(prepared[0]), pixels)
    assert torch.allclose(valid.clip(prepared), prepared, atol=1e-5)
    assert (valid.clip(prepared * 100 - 50) <= valid.white).all()
