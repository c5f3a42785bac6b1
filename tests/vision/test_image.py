"""Decoding: what is accepted, what is refused, and what the pixels are."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from proofsight_server.errors import BadImage, BadOption
from proofsight_server.vision.image import ImageLimits, Mode, Pixels, decode, is_grey, to_mode

SEED = np.random.default_rng(5)
COLOURED: Pixels = SEED.integers(0, 256, (9, 13, 3), dtype=np.uint8)
GREY: Pixels = SEED.integers(0, 256, (9, 13), dtype=np.uint8)


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_lossless_file_gives_back_its_pixels(kind: str) -> None:
    data = encoded(Image.fromarray(COLOURED), kind, lossless=True)
    assert (decode(data, "RGB") == COLOURED).all()


def test_a_jpeg_gives_what_pillow_gives() -> None:
    data = encoded(Image.fromarray(COLOURED), "JPEG", quality=90)
    with Image.open(io.BytesIO(data)) as picture:
        assert (decode(data, "RGB") == np.asarray(picture)).all()


def test_grey_has_one_channel_and_becomes_three_equal_ones_on_demand() -> None:
    data = encoded(Image.fromarray(GREY))
    assert decode(data, "L").shape == (9, 13, 1)
    assert (decode(data, "RGB") == GREY[..., None]).all()
    assert decode(data, "RGB").shape == (9, 13, 3)


@given(st.integers(0, 2**32 - 1))
def test_an_array_becomes_grey_exactly_as_a_file_does(seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    file = encoded(Image.fromarray(pixels))
    assert (to_mode(pixels, "L") == decode(file, "L")).all()


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_mode_that_fits_is_the_same_array(mode: Mode) -> None:
    pixels = to_mode(COLOURED, mode)
    assert to_mode(pixels, mode) is pixels
    assert (to_mode(to_mode(pixels, "RGB"), mode) == pixels).all()


def test_exif_orientation_is_honoured() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise for viewing
    data = encoded(Image.fromarray(COLOURED), "PNG", exif=exif)
    assert (decode(data, "RGB") == np.rot90(COLOURED, -1)).all()


def test_transparent_pixels_are_laid_on_white() -> None:
    alpha = np.zeros((9, 13), dtype=np.uint8)
    alpha[:, :6] = 255
    data = encoded(Image.fromarray(np.dstack([COLOURED, alpha])))
    pixels = decode(data, "RGB")
    assert (pixels[:, :6] == COLOURED[:, :6]).all()
    assert (pixels[:, 6:] == 255).all()
    grey_with_alpha = encoded(Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(alpha)]))
    assert (decode(grey_with_alpha, "L")[:, :6, 0] == GREY[:, :6]).all()
    assert (decode(grey_with_alpha, "L")[:, 6:] == 255).all()


def test_a_palette_becomes_its_colours() -> None:
    palette = Image.fromarray(GREY).quantize(256)
    assert (decode(encoded(palette), "RGB") == np.asarray(palette.convert("RGB"))).all()


def test_sixteen_bit_grey_keeps_its_high_byte() -> None:
    deep = GREY.astype(np.uint16) * 256 + 77
    data = encoded(Image.fromarray(deep))
    assert (decode(data, "L")[..., 0] == GREY).all()
    assert is_grey(data)
    assert not is_grey(encoded(Image.fromarray(COLOURED)))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_every_beginning_of_a_file_is_refused_or_gives_the_whole_image(kind: str) -> None:
    data = encoded(Image.fromarray(COLOURED), kind)
    whole = decode(data, "RGB")
    refused = 0
    for length in range(len(data)):
        try:
            pixels = decode(data[:length], "RGB")
        except BadImage:
            refused += 1
        else:
            assert (pixels == whole).all(), length
    assert refused > len(data) * 0.9


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_bad_image(data: bytes) -> None:
    for head in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF\x00\x00\x00\x00WEBP"):
        try:
            decode(head + data, "RGB")
        except BadImage as error:
            assert error.reason == "BAD_IMAGE"


@given(st.integers(0, 2**32 - 1))
def test_a_damaged_png_raises_nothing_but_bad_image(seed: int) -> None:
    generator = np.random.default_rng(seed)
    data = bytearray(encoded(Image.fromarray(COLOURED), ["PNG", "JPEG", "WEBP"][seed % 3]))
    for place in generator.integers(0, len(data), 4):
        data[place] = generator.integers(0, 256)
    with suppress(BadImage):
        assert decode(bytes(data), "L").dtype == np.uint8


def test_an_empty_file_is_refused_by_name() -> None:
    with pytest.raises(BadImage, match="empty"):
        decode(b"", "RGB")


def test_a_gif_is_refused_though_pillow_reads_it() -> None:
    with pytest.raises(BadImage, match="no PNG, JPEG or WebP"):
        decode(encoded(Image.fromarray(GREY), "GIF"), "L")


def test_the_limits_count_to_the_last_byte_and_pixel() -> None:
    data = encoded(Image.fromarray(COLOURED))
    decode(data, "RGB", ImageLimits(max_bytes=len(data), max_pixels=9 * 13))
    with pytest.raises(BadImage, match=f"{len(data)} bytes, the limit is {len(data) - 1}"):
        decode(data, "RGB", ImageLimits(max_bytes=len(data) - 1))
    with pytest.raises(BadImage, match="13 x 9 pixels, the limit is 116"):
        decode(data, "RGB", ImageLimits(max_pixels=9 * 13 - 1))
    with pytest.raises(BadOption):
        ImageLimits(max_pixels=0)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [9_000, 12_000, 60_000])
def test_a_bomb_is_refused_by_its_header_without_being_unpacked(side: int) -> None:
    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99))
    with pytest.raises(BadImage, match=r"50000000.*; send a smaller image"):
        decode(bomb + chunk(b"IEND", b""), "RGB")
