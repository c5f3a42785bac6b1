"""Segmentation masks from files: which are found, what they show, and which are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from proofsight_server.errors import BadDataset
from proofsight_server.vision.masks import open_masks

IDS = ("train/0", "train/1", "train/street/a.jpg")
PIXELS = np.array([[0, 1, 1], [2, 0, 1]], dtype=np.uint8)


def put(path: Path, pixels: npt.NDArray[np.generic], mode: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(path)


def test_label_images_show_what_the_names_file_says(tmp_path: Path) -> None:
    put(tmp_path / "train/0.png", PIXELS)
    put(tmp_path / "train/street/a.png", PIXELS.astype(np.uint16) * 300)
    (tmp_path / "concepts.csv").write_text("label,text\n2,road\n1,sky\n600,wide\n300,deep\n")
    masks = open_masks(tmp_path, IDS)
    assert masks.concepts == ("road", "sky", "wide", "deep")
    assert masks.annotated == (0, 2)
    shown = masks.of(0, 2, 3)
    assert shown.dtype == np.bool_ and shown.shape == (4, 2, 3)
    assert np.array_equal(shown[0], PIXELS == 2)
    assert np.array_equal(shown[1], PIXELS == 1)
    assert np.array_equal(masks.of(2, 2, 3)[2], PIXELS == 2)


def test_labels_without_a_names_file_are_named_by_number(tmp_path: Path) -> None:
    put(tmp_path / "train/1.png", PIXELS * 7)
    masks = open_masks(tmp_path, IDS)
    assert (masks.concepts, masks.annotated) == (("label_7", "label_14"), (1,))
    assert np.array_equal(masks.of(1, 2, 3)[0], PIXELS == 1)


def test_a_palette_image_is_read_by_its_indices(tmp_path: Path) -> None:
    image = Image.fromarray(PIXELS, mode="P")
    image.putpalette([255, 255, 255, 9, 9, 9, 200, 0, 0])
    (tmp_path / "train").mkdir()
    image.save(tmp_path / "train/0.png")
    assert np.array_equal(open_masks(tmp_path, IDS).of(0, 2, 3)[1], PIXELS == 2)


def test_a_folder_per_concept_shows_it_where_the_mask_is_not_zero(tmp_path: Path) -> None:
    put(tmp_path / "sky/train/0.png", PIXELS * 90)
    put(tmp_path / "road/train/0.png", PIXELS == 2)
    put(tmp_path / "road/train/1.png", PIXELS == 1)
    masks = open_masks(tmp_path, IDS)
    assert masks.concepts == ("road", "sky")
    assert masks.annotated == (0, 1)
    assert np.array_equal(masks.of(0, 2, 3), [PIXELS == 2, PIXELS > 0])
    assert np.array_equal(masks.of(1, 2, 3), [PIXELS == 1, PIXELS < 0])


def test_a_mask_of_another_size_is_refused_naming_file_and_sizes(tmp_path: Path) -> None:
    put(tmp_path / "train/0.png", PIXELS)
    masks = open_masks(tmp_path, IDS)
    assert masks.of(0, 2, 3).any()
    with pytest.raises(BadDataset, match=r"0\.png: the mask is 3 x 2 pixels and the image train/0"):
        masks.of(0, 3, 2)
    with pytest.raises(BadDataset, match="28 x 20; a mask has the size of its image"):
        masks.of(0, 20, 28)


def test_a_mask_with_colours_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "sky/train/0.png", PIXELS, "RGB")
    with pytest.raises(BadDataset, match=r"colours \(RGB\)"):
        open_masks(tmp_path, IDS).of(0, 2, 3)


def test_a_damaged_mask_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "sky/train/0.png", PIXELS)
    whole = (tmp_path / "sky/train/0.png").read_bytes()
    (tmp_path / "sky/train/0.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadDataset, match=r"sky/train/0\.png: the mask cannot be read"):
        open_masks(tmp_path, IDS).of(0, 2, 3)


def test_a_label_without_a_name_is_refused_where_names_are_given(tmp_path: Path) -> None:
    put(tmp_path / "train/0.png", PIXELS)
    (tmp_path / "concepts.csv").write_text("label,text\n1,sky\n")
    with pytest.raises(BadDataset, match=r"has the label 2, which concepts\.csv does not name"):
        open_masks(tmp_path, IDS).of(0, 2, 3)
    (tmp_path / "concepts.csv").write_text("label,text\n1,sky\n2,road\n")
    assert open_masks(tmp_path, IDS).of(0, 2, 3).any()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("text,label\n1,sky\n", ":1: the columns are label,text"),
        ("label,text\n1,sky\none,road\n", ":3: not a label"),
        ("label,text\n1,\n", ":2: not a label"),
        ("label,text\n0,sky\n", ":2: 0 is no concept"),
        ("label,text\n1,sky\n1,road\n", ":3: named twice"),
        ("label,text\n1,sky\n2,sky\n", ":3: named twice"),
    ],
)
def test_a_wrong_names_file_is_refused_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    put(tmp_path / "train/0.png", PIXELS)
    (tmp_path / "concepts.csv").write_text(text)
    with pytest.raises(BadDataset, match=f"concepts.csv{told}"):
        open_masks(tmp_path, IDS)


def test_a_folder_without_a_mask_of_these_images_says_where_they_are_looked_for(
    tmp_path: Path,
) -> None:
    put(tmp_path / "sky/test/0.png", PIXELS)
    with pytest.raises(BadDataset, match=r"CONCEPT/train/0\.png"):
        open_masks(tmp_path, IDS)
    with pytest.raises(BadDataset, match="no such folder of masks"):
        open_masks(tmp_path / "elsewhere", IDS)
