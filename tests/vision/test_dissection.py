"""IoU and coverage against slow twins, one pixel at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsight_server.symbols.feature import Cell
from proofsight_server.vision.dissection import (
    Cutoff,
    Overlap,
    coverage,
    region,
    sampled,
    upsampled,
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=30), min_size=1, max_size=6),
    st.sampled_from([0.005, 0.1, 0.5]),
)
def test_the_cutoff_is_the_smallest_value_that_at_most_the_share_exceeds(
    parts: list[list[int]], share: float
) -> None:
    values = [float(v) for part in parts for v in part]
    cutoff = Cutoff(len(values), share)
    for part in parts:
        cutoff.add(torch.tensor(part, dtype=torch.float32))
    slow = min(t for t in values if sum(v > t for v in values) <= share * len(values))
    assert cutoff.value == slow


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_overlap_counts_pixels_over_images(seed: int) -> None:
    generator = np.random.default_rng(seed)
    overlap = Overlap.none(3)
    both, either = [0, 0, 0], [0, 0, 0]
    for _ in range(3):
        strong = generator.random((4, 5)) < 0.3
        masks = generator.random((3, 4, 5)) < 0.4
        masks[2] = False
        overlap.add(strong, masks)
        for concept in range(3):
            for row in range(4):
                for column in range(5):
                    one, other = strong[row, column], masks[concept, row, column]
                    both[concept] += one and other
                    either[concept] += one or other
    assert overlap.iou().tolist() == [
        b / e if e else 0.0 for b, e in zip(both, either, strict=True)
    ]


def test_coverage_is_the_share_of_the_mass_above_the_median() -> None:
    map = np.array([1, 2, 3, 4, 10], dtype=np.float32)  # the median is 3, and stays
    masks = np.array([[1, 1, 1, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]], dtype=bool)
    assert coverage(map, masks).tolist() == pytest.approx([3 / 17, 10 / 17, 0])
    assert coverage(np.zeros(5, dtype=np.float32), masks).tolist() == [0, 0, 0]


def test_upsampling_keeps_what_is_flat_and_the_place_of_the_peak() -> None:
    flat = upsampled(np.full((3, 3), 2.5, dtype=np.float32), (10, 7))
    assert flat.shape == (10, 7) and np.allclose(flat, 2.5)
    peak = np.zeros((4, 4), dtype=np.float32)
    peak[1, 2] = 1
    assert divmod(int(upsampled(peak, (12, 12)).argmax()), 12) == (4, 7)


def test_the_regions_of_the_cells_of_a_grid_partition_the_image() -> None:
    counts = np.zeros((11, 9), dtype=int)
    for row in range(3):
        for column in range(2):
            counts[region(Cell((3, 2), (row, column)), (4, 4), (11, 9))] += 1
    assert (counts == 1).all()
    assert (region(None, (4, 4), (11, 9))) == (slice(0, 11), slice(0, 9))


def test_masks_are_sampled_at_the_middle_of_each_pixel_of_the_input() -> None:
    masks = np.zeros((1, 6, 8), dtype=bool)
    masks[0, :, 4] = True
    assert np.array_equal(sampled(masks, (0, 0, 8, 6), (6, 8)), masks)
    cropped = sampled(masks, (1, 0, 7, 6), (3, 3))
    assert cropped[0].tolist() == [[False, True, False]] * 3
