"""Pictures for people: sizes, frames and warmth where they belong."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from proofsight_server.vision.overlay import Marks, cropped, encoded, is_tiny, overlaid

SMALL = np.arange(8 * 10, dtype=np.uint8).reshape(8, 10, 1) * 3
LARGE = np.random.default_rng(0).integers(0, 256, size=(300, 400, 3)).astype(np.uint8)


def marks(**changed: object) -> Marks:
    given = {
        "window": (0.0, 0.0, 10.0, 8.0),
        "heat": np.zeros((2, 2), dtype=np.float32),
        "field": (0, 0, 4, 4),
        "cell": None,
    }
    return Marks(**{**given, **changed})  # type: ignore[arg-type]


def test_a_small_crop_is_enlarged_pixel_by_pixel() -> None:
    crop = np.asarray(cropped(SMALL, (2, 1, 6, 4)))
    assert crop.shape == (3 * 40, 4 * 40)
    assert np.array_equal(crop, SMALL[1:4, 2:6, 0].repeat(40, 0).repeat(40, 1))


def test_a_large_picture_is_reduced_to_what_is_shown() -> None:
    assert overlaid(LARGE, marks(window=(50.0, 0.0, 350.0, 300.0))).size == (160, 120)
    assert cropped(LARGE, (0, 0, 40, 30)).size == (40, 30)


def test_heat_stays_within_the_window_and_the_rest_is_grey() -> None:
    heat = np.ones((3, 3), dtype=np.float32)
    shown = marks(window=(2.0, 0.0, 10.0, 8.0), heat=heat, field=(9, 7, 10, 8))
    picture = np.asarray(overlaid(SMALL, shown)).astype(int)
    warm = picture[..., 0] - picture[..., 2]
    assert (warm[:, : 2 * 16] == 0).all()
    assert (warm[: 6 * 16, 2 * 16 :] > 40).all()


def test_field_and_cell_are_framed_where_they_lie() -> None:
    shown = marks(field=(1, 2, 5, 6), cell=(5.0, 0.0, 10.0, 4.0))
    picture = np.asarray(overlaid(SMALL, shown)).astype(int)
    green = (picture[..., 1] == 200) & (picture[..., 0] == 0)
    blue = (picture[..., 2] == 255) & (picture[..., 0] == 30)
    for found, box in ((green, (1, 2, 5, 6)), (blue, (5, 0, 10, 4))):
        rows, columns = np.nonzero(found)
        edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert edges == tuple(16 * bound for bound in box)


def test_a_map_that_is_all_zero_warms_nothing() -> None:
    picture = np.asarray(overlaid(SMALL, marks(field=(0, 0, 1, 1)))).astype(int)
    assert np.array_equal(picture[32:, 32:, 0], picture[32:, 32:, 2])


@pytest.mark.parametrize("pixels", [SMALL, LARGE])
def test_what_is_written_is_a_picture_again_and_small_ones_lose_nothing(
    pixels: np.ndarray,
) -> None:
    image = overlaid(pixels, marks(window=(0.0, 0.0, *pixels.shape[1::-1])))
    data, suffix = encoded(image, lossless=is_tiny(pixels))
    with Image.open(io.BytesIO(data)) as read:
        assert read.size == image.size
        assert suffix == (".png" if is_tiny(pixels) else ".webp")
        if is_tiny(pixels):
            assert np.array_equal(np.asarray(read), np.asarray(image))
