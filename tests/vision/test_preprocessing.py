"""From pixels to the network's input, against a slow twin written from the definition."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from proofsight_server.errors import BadImage, BadOption, BadTensor
from proofsight_server.vision.image import Mode, decode
from proofsight_server.vision.preprocessing import Preprocessing
from proofsight_server.vision.preprocessing_options import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    PreprocessingOptions,
    parse_normalize,
    parse_scale,
)


def slow_resize(plane: npt.NDArray[np.float64], height: int, width: int) -> npt.NDArray[np.float64]:
    """Antialiased bilinear: each output is a mean of inputs, weighted by a triangle."""

    def along(line: list[float], size: int) -> list[float]:
        scale = len(line) / size
        reach = max(scale, 1.0)
        result = []
        for place in range(size):
            centre = scale * (place + 0.5)
            weighted = total = 0.0
            for index, value in enumerate(line):
                weight = max(0.0, 1 - abs(index + 0.5 - centre) / reach)
                weighted, total = weighted + weight * value, total + weight
            result.append(weighted / total)
        return result

    rows = [along(list(row), width) for row in plane]
    columns = [along([row[place] for row in rows], height) for place in range(width)]
    return np.array(columns).T


def slow(options: Preprocessing, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """One image, channel by channel, in float64."""
    if image.shape[2] == 3 and options.mode == "L":
        image = np.asarray(Image.fromarray(image).convert("L"))[..., None]
    planes = []
    for channel in range(options.channels):
        plane = image[..., min(channel, image.shape[2] - 1)].astype(np.float64)
        height, width = plane.shape
        if options.size is not None:
            short = min(height, width)
            height, width = (
                options.size if side == short else math.floor(options.size * side / short)
                for side in (height, width)
            )
            plane = slow_resize(plane, height, width)
        side = options.crop if options.crop is not None else options.size
        if side is not None:
            top, left = round((height - side) / 2), round((width - side) / 2)
            plane = plane[top : top + side, left : left + side]
        plane = plane * options.scale
        if options.mean:
            plane = plane - options.mean[min(channel, len(options.mean) - 1)]
        if options.std:
            plane = plane / options.std[min(channel, len(options.std) - 1)]
        planes.append(plane)
    return np.stack(planes)


@st.composite
def preprocessings(draw: st.DrawFn) -> Preprocessing:
    mode: Mode = draw(st.sampled_from(["L", "RGB"]))
    size = draw(st.none() | st.integers(2, 12))
    crop = None if size is None else draw(st.none() | st.integers(1, size))
    count = draw(st.sampled_from([0, 1, 1 if mode == "L" else 3]))
    return Preprocessing(
        mode=mode,
        size=size,
        crop=crop,
        scale=draw(st.sampled_from([1 / 255, 1 / 256, 1.0])),
        mean=tuple(draw(st.lists(st.floats(0, 1), min_size=count, max_size=count))),
        std=tuple(draw(st.lists(st.floats(0.1, 2), min_size=count, max_size=count))),
    )


@settings(deadline=None)
@given(preprocessings(), st.integers(1, 14), st.integers(1, 14), st.sampled_from([1, 3]))
def test_it_is_its_slow_twin(
    options: Preprocessing, height: int, width: int, channels: int
) -> None:
    generator = np.random.default_rng(height * 100 + width)
    image = generator.integers(0, 256, (height, width, channels), dtype=np.uint8)
    found = options(image[None])[0].numpy()
    expected = slow(options, image)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-4 * max(1, np.abs(expected).max())


@settings(deadline=None)
@given(preprocessings(), st.integers(2, 40), st.integers(2, 40))
def test_a_tensor_is_bit_for_bit_the_same_alone_and_in_any_batch(
    options: Preprocessing, height: int, width: int
) -> None:
    generator = np.random.default_rng(height * 100 + width)
    images = generator.integers(0, 256, (5, height, width, 3), dtype=np.uint8)
    together = options(images)
    listed = options(list(images))
    assert torch.equal(together, listed)
    for place in range(5):
        assert torch.equal(options(images[place : place + 1]), together[place : place + 1])


@settings(deadline=None)
@given(preprocessings(), st.sampled_from([1, 3]))
def test_a_png_gives_bit_for_bit_the_tensor_of_its_array(
    options: Preprocessing, channels: int
) -> None:
    generator = np.random.default_rng(channels)
    images = generator.integers(0, 256, (3, 15, 11, channels), dtype=np.uint8)
    files = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image[..., 0] if channels == 1 else image).save(file, "PNG")
        files.append(decode(file.getvalue(), options.mode))
    assert torch.equal(options(files), options(images))


def test_images_that_have_the_size_already_are_not_touched() -> None:
    images = np.arange(2 * 8 * 8, dtype=np.uint8).reshape(2, 8, 8, 1)
    found = Preprocessing(mode="L", size=8, scale=1.0)(images)
    assert torch.equal(found[:, 0], torch.arange(128.0).reshape(2, 8, 8))


def test_a_read_only_array_is_fine_and_stays_as_it_is(recwarn: pytest.WarningsRecorder) -> None:
    images = np.full((1, 4, 4, 1), 255, dtype=np.uint8)
    images.flags.writeable = False
    assert float(Preprocessing(mode="L")(images).sum()) == pytest.approx(16)
    assert (images == 255).all()
    assert not recwarn.list


def test_images_of_different_sizes_become_alike_with_a_size_and_are_refused_without() -> None:
    images = [np.zeros((8, 12, 3), np.uint8), np.zeros((20, 10, 3), np.uint8)]
    assert Preprocessing(size=6)(images).shape == (2, 3, 6, 6)
    with pytest.raises(BadImage, match="give --size"):
        Preprocessing()(images)


def test_an_image_smaller_than_the_crop_is_refused_and_one_as_large_is_not() -> None:
    assert Preprocessing(crop=8)(np.zeros((1, 8, 9, 3), np.uint8)).shape == (1, 3, 8, 8)
    with pytest.raises(BadImage, match="9 x 7 pixels is smaller than the crop of 8"):
        Preprocessing(crop=8)(np.zeros((1, 7, 9, 3), np.uint8))


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 8, 8, 3), np.float32),
        np.zeros((8, 8, 3), np.uint8),
        np.zeros((1, 8, 8, 2), np.uint8),
        np.zeros((1, 0, 8, 3), np.uint8),
        [],
    ],
)
def test_tensors_of_another_type_or_shape_are_refused(images: Any) -> None:
    assert Preprocessing()(np.zeros((1, 8, 8, 3), np.uint8)).shape == (1, 3, 8, 8)
    with pytest.raises(BadTensor):
        Preprocessing()(images)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ({"mode": "CMYK"}, {"mode": "L"}),
        ({"size": 1}, {"size": 2}),
        ({"size": 8, "crop": 9}, {"size": 8, "crop": 8}),
        ({"scale": 0.0}, {"scale": 1e-9}),
        ({"scale": math.nan}, {"scale": 1.0}),
        ({"mean": (0.5, 0.5)}, {"mean": (0.5, 0.5, 0.5)}),
        ({"mode": "L", "mean": (0.5, 0.5, 0.5)}, {"mode": "L", "mean": (0.5,)}),
        ({"std": (0.5, 0.0, 0.5)}, {"std": (0.5, 0.1, 0.5)}),
        ({"mean": (math.inf,)}, {"mean": (1.0,)}),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any], right: dict[str, Any]) -> None:
    Preprocessing(**right)
    with pytest.raises(BadOption):
        Preprocessing(**wrong)


@given(preprocessings())
def test_json_brings_back_what_was_written(options: Preprocessing) -> None:
    assert Preprocessing.from_json(options.to_json()) == options


@pytest.mark.parametrize(
    "data", [None, [], {}, {"mode": "L"}, Preprocessing().to_json() | {"x": 1}]
)
def test_json_of_another_shape_is_refused(data: object) -> None:
    with pytest.raises(BadOption, match="preprocessing is an object with the keys"):
        Preprocessing.from_json(data)


def test_normalize_is_a_name_or_two_lists() -> None:
    assert parse_normalize("imagenet") == (IMAGENET_MEAN, IMAGENET_STD)
    assert parse_normalize("0.5/0.25") == ((0.5,), (0.25,))
    assert parse_normalize("0.1,0.2,0.3/1,2,3") == ((0.1, 0.2, 0.3), (1.0, 2.0, 3.0))
    for text in ("", "cifar", "0.5", "0.5/", "1/2/3", "0.5/0", "0.5/-1", "nan/1", "0,0,0/1,inf,1"):
        with pytest.raises(BadOption, match="--normalize"):
            parse_normalize(text)


def test_scale_is_a_decimal_or_a_fraction() -> None:
    assert parse_scale("1/255") == Preprocessing().scale
    assert parse_scale("0.00390625") == 1 / 256
    for text in ("", "0", "-1", "1/0", "nan", "inf", "much"):
        with pytest.raises(BadOption, match="--scale"):
            parse_scale(text)


@settings(max_examples=80, deadline=None)
@given(
    height=st.integers(4, 40),
    width=st.integers(4, 40),
    size=st.one_of(st.none(), st.integers(4, 30)),
    crop=st.one_of(st.none(), st.integers(2, 4)),
)
def test_the_window_is_the_part_of_the_picture_that_reaches_the_network(
    height: int, width: int, size: int | None, crop: int | None
) -> None:
    options = Preprocessing(mode="L", size=size, crop=crop, scale=1.0)
    left, top, right, bottom = options.window(height, width)
    assert 0 <= left < right <= width + 1e-9 and 0 <= top < bottom <= height + 1e-9
    # Pictures whose pixels say where they lie: the middle of the input shows the window's.
    rows = np.broadcast_to(np.arange(height, dtype=np.uint8)[:, None], (height, width))
    columns = np.broadcast_to(np.arange(width, dtype=np.uint8), (height, width))
    seen = options(np.stack([rows, columns])[..., None])
    assert float(seen[0].mean()) + 0.5 == pytest.approx((top + bottom) / 2, abs=0.2)
    assert float(seen[1].mean()) + 0.5 == pytest.approx((left + right) / 2, abs=0.2)


def test_flags_that_agree_with_the_record_or_say_nothing_are_fine() -> None:
    recorded = Preprocessing(mode="L", size=28, scale=1 / 256)
    assert PreprocessingOptions().agree(recorded) is recorded
    assert PreprocessingOptions(size=28, scale=1 / 256).agree(recorded) is recorded
    # What the record leaves open is said by the size, which crops to itself.
    assert PreprocessingOptions(crop=28).agree(recorded) is recorded


@pytest.mark.parametrize(
    ("asked", "both"),
    [
        (PreprocessingOptions(size=32), ("--size says 32", "with 28;")),
        (PreprocessingOptions(crop=20), ("--crop says 20", "with 28;")),
        (PreprocessingOptions(scale=1.0), ("--scale says 1.0", "with 0.00390625;")),
        (
            PreprocessingOptions(normalize=parse_normalize("0.1,0.2,0.3/1,2,3")),
            ("--normalize says 0.1,0.2,0.3/1.0,2.0,3.0,", "with none;"),
        ),
    ],
)
def test_a_flag_against_the_record_is_refused_showing_both(
    asked: PreprocessingOptions, both: tuple[str, str]
) -> None:
    recorded = Preprocessing(mode="L", size=28, scale=1 / 256)
    with pytest.raises(BadOption, match="but the weights were trained with") as refused:
        asked.agree(recorded)
    assert all(part in str(refused.value) for part in both)
