"""Images as callers hold them."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image as Pillow

from proofsight.errors import BadImage, BadTensor
from proofsight.image import image_message
from proofsight.v1 import image_pb2 as pb


def test_a_path_is_read_and_bytes_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(b"data")
    for image in (file, str(file), b"data", bytearray(b"data"), memoryview(b"data")):
        assert image_message(image) == pb.Image(encoded=b"data")
    with pytest.raises(FileNotFoundError):
        image_message(tmp_path / "y.png")


@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=3, max_side=5)))
def test_pixels_travel_in_row_major_order(pixels: Any) -> None:
    for view in (pixels, np.asfortranarray(pixels), pixels[::-1][::-1]):
        tensor = image_message(view).tensor
        assert tensor.data_type == pb.DATA_TYPE_UINT8
        assert tuple(tensor.shape) == (pixels.shape if pixels.ndim == 3 else (*pixels.shape, 1))
        assert tensor.data == pixels.tobytes()


@given(
    arrays.arrays(
        st.sampled_from([np.dtype("<f4"), np.dtype(">f4")]),
        arrays.array_shapes(min_dims=3, max_dims=3, max_side=4),
        elements=st.floats(width=32),
    )
)
def test_network_input_travels_little_endian(values: Any) -> None:
    tensor = image_message(values).tensor
    assert tensor.data_type == pb.DATA_TYPE_FLOAT32
    assert tensor.data == values.astype("<f4").tobytes()


def test_a_strided_view_is_sent_as_it_reads() -> None:
    pixels = np.arange(60, dtype=np.uint8).reshape(5, 4, 3)
    assert image_message(pixels[::2, ::-1]).tensor.data == pixels[::2, ::-1].tobytes()


def test_anything_with_a_buffer_will_do() -> None:
    view = memoryview(bytes(range(6))).cast("B", (2, 3))
    assert tuple(image_message(view).tensor.shape) == (2, 3, 1)
    floats: Any = memoryview(array("f", range(8)).tobytes()).cast("f", (2, 2, 2))
    assert tuple(image_message(floats).tensor.shape) == (2, 2, 2)


def test_a_tensor_that_only_converts_to_an_array_will_do() -> None:
    class Tensor:
        def __array__(self) -> Any:
            return np.ones((1, 2, 2), np.float32)

    image: Any = Tensor()
    assert tuple(image_message(image).tensor.shape) == (1, 2, 2)


def test_a_pillow_image_is_an_array_in_the_modes_that_mean_pixels() -> None:
    image = Pillow.new("RGB", (3, 2), (1, 2, 3))
    tensor = image_message(image).tensor
    assert tuple(tensor.shape) == (2, 3, 3)
    assert tensor.data == bytes((1, 2, 3)) * 6
    with pytest.raises(BadImage, match=r"mode 'P' .* image\.convert\('RGB'\)"):
        image_message(image.convert("P"))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((2, 2, 3)), r"type <f8 .* \.astype\('float32'\)"),
        (np.zeros((2, 2, 3), np.int64), "type <i8"),
        (np.zeros((2, 2, 3), np.float16), "type <f2"),
        (np.zeros((2, 2), np.float32), r"float32 array of shape \(2, 2\) .*channels, height"),
        (np.zeros(4, np.uint8), r"uint8 array of shape \(4,\) is no single image"),
        (np.zeros((2, 3, 4, 3), np.uint8), "facts_stream takes batches"),
        (array("d", [1.0]), "type d"),
    ],
)
def test_other_arrays_are_refused_with_what_would_do(image: Any, message: str) -> None:
    with pytest.raises(BadTensor, match=message):
        image_message(image)


def test_batches_are_taken_where_they_are_wanted() -> None:
    batch = np.zeros((2, 3, 4, 3), np.uint8)
    assert tuple(image_message(batch, batch=True).tensor.shape) == (2, 3, 4, 3)


@pytest.mark.parametrize("image", [None, 3, object(), [1, 2]])
def test_what_is_no_image_at_all_is_named(image: Any) -> None:
    with pytest.raises(BadImage, match=f"{type(image).__name__} is no image; pass a path"):
        image_message(image)
