from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from proofsight_server.errors import BadOption
from proofsight_server.interactions.region_spec import find_regions
from proofsight_server.interactions.regions import BACKGROUND, Regions, boxes, grid, label_image
from proofsight_server.interactions.superpixels import superpixels
from tests.interactions.networks import picture


@settings(deadline=None)
@given(st.integers(2, 6), st.integers(1, 6), st.integers(6, 20), st.integers(6, 20))
def test_a_grid_covers_every_pixel_once_with_tiles_that_differ_by_a_pixel_at_most(
    rows: int, columns: int, height: int, width: int
) -> None:
    regions = grid((height, width), rows, columns)
    assert len(regions) == rows * columns
    assert regions.labels.min() == 0
    sizes = {(r - left, b - top) for left, top, r, b in map(regions.box, range(len(regions)))}
    assert max(w for w, _ in sizes) - min(w for w, _ in sizes) <= 1
    assert max(h for _, h in sizes) - min(h for _, h in sizes) <= 1


def test_a_grid_finer_than_the_pixels_is_refused_and_one_as_fine_is_not() -> None:
    assert len(grid((4, 4), 4, 4)) == 16
    with pytest.raises(BadOption, match="5 rows and 4 columns has empty tiles"):
        grid((4, 4), 5, 4)
    with pytest.raises(BadOption, match="at least 2"):
        grid((4, 4), 1, 1)


@pytest.mark.parametrize("count", [2, 5, 9])
@pytest.mark.parametrize("channels", [1, 3])
def test_superpixels_are_exactly_as_many_as_asked_and_cover_every_pixel(
    count: int, channels: int
) -> None:
    pixels = picture(3, side=24, channels=channels)
    regions = superpixels(pixels, count)
    assert np.unique(regions.labels).tolist() == list(range(count))
    assert np.array_equal(regions.labels, superpixels(pixels, count).labels)


def test_more_superpixels_than_an_image_has_are_refused() -> None:
    with pytest.raises(BadOption, match="finds 4 superpixels"):
        superpixels(picture(0, side=2), 9)


def test_pixels_outside_of_all_boxes_are_kept_by_every_mask() -> None:
    regions = boxes((4, 6), [(0, 0, 2, 2), (3, 1, 6, 4)])
    assert regions.background == 11 / 24
    kept = regions.kept(np.arange(4))
    assert kept[0].sum() == 24 - 13
    assert kept[3].all()
    assert (kept[1] & ~kept[0]).sum() == 4


def test_boxes_that_touch_are_taken_and_boxes_that_overlap_are_refused_unless_the_first_wins() -> (
    None
):
    boxes((4, 4), [(0, 0, 2, 4), (2, 0, 4, 4)])
    with pytest.raises(BadOption, match=r"box 1 .* overlaps box 0"):
        boxes((4, 4), [(0, 0, 3, 4), (2, 0, 4, 4)])
    first = boxes((4, 4), [(0, 0, 3, 4), (2, 0, 4, 4)], overlap="first")
    assert first.pixels(0).sum() == 12
    with pytest.raises(BadOption, match=r"region 1 .* has no pixels"):
        boxes((4, 4), [(0, 0, 3, 4), (1, 1, 2, 2)], overlap="first")


@pytest.mark.parametrize("box", [(0, 0, 0, 2), (2, 0, 1, 4), (0, 0, 5, 2), (-1, 0, 2, 2)])
def test_an_empty_box_or_one_that_leaves_the_image_is_refused(box: tuple[int, ...]) -> None:
    with pytest.raises(BadOption, match="is empty or leaves the image of 4 x 4 pixels"):
        boxes((4, 4), [(0, 0, 1, 1), box])  # type: ignore[list-item]


def test_a_label_images_values_become_regions_in_order_and_zero_the_background() -> None:
    regions = label_image(np.array([[0, 7], [3, 3]]))
    assert regions.labels.tolist() == [[BACKGROUND, 1], [0, 0]]
    assert regions.names == ("label 3", "label 7")


def test_dropped_regions_become_background_and_the_others_keep_their_order() -> None:
    regions = grid((2, 3), 2, 3).without([1, 4])
    assert regions.labels.tolist() == [[0, -1, 1], [2, -1, 3]]
    assert regions.names[1] == "row 1, column 3"


def test_regions_without_pixels_or_with_strange_labels_are_refused() -> None:
    with pytest.raises(BadOption, match=r"region 1 .* has no pixels"):
        Regions(np.zeros((2, 2), dtype=np.int64), ("a", "b"), "labels")
    with pytest.raises(BadOption, match="label 2 is no region"):
        Regions(np.array([[0, 1, 2]]), ("a", "b"), "labels")


def test_regions_are_read_from_what_a_person_writes(tmp_path: Path) -> None:
    pixels = picture(1, side=12)
    assert len(find_regions("grid:3x4", pixels)) == 12
    assert len(find_regions("slic:6", pixels)) == 6
    file = tmp_path / "b.json"
    file.write_text(json.dumps([[0, 0, 4, 4], {"box": [6, 6, 9, 9], "name": "left ear"}]))
    assert find_regions(f"boxes:{file}", pixels).names == ("box 0", "left ear")
    file.write_text(json.dumps([[0, 0, 4, 4], [3, 3, 9, 9]]))
    assert find_regions(f"boxes:{file}:first", pixels).pixels(1).sum() == 35
    labels = tmp_path / "l.png"
    Image.fromarray(np.repeat(np.array([[0], [1], [2]], np.uint8), 4, 0).repeat(12, 1)).save(labels)
    assert len(find_regions(f"labels:{labels}", pixels)) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("grid:3", "regions are grid"),
        ("slic:x", "regions are grid"),
        ("circle:3", "regions are grid"),
        ("boxes:none.json", "No such file or directory; name a file of boxes"),
        ("labels:none.png", "No such file or directory; name a PNG"),
        ("slic:1", "at least 2"),
    ],
)
def test_other_texts_and_files_that_are_not_there_are_refused(text: str, message: str) -> None:
    with pytest.raises(BadOption, match=message):
        find_regions(text, picture())


@pytest.mark.parametrize("content", ["{", '{"a": 1}', "[[1, 2, 3]]", "[[0, 0, 1, 1.5]]", "[7]"])
def test_box_files_that_say_something_else_are_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "b.json"
    file.write_text(content)
    with pytest.raises(BadOption, match=r"b\.json"):
        find_regions(f"boxes:{file}", picture())
