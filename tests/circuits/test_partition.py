"""Dividing images by their content."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from proofsight_server.circuits.partition import THIRDS, content_hashes, partition
from proofsight_server.errors import BadDataset, BadOption


def pictures(count: int, seed: int = 0) -> Tensor:
    return torch.randn((count, 1, 2, 2), generator=torch.Generator().manual_seed(seed))


@settings(max_examples=25)
@given(st.integers(0, 100), st.integers(12, 40), st.sampled_from([(0.5, 0.5), THIRDS, (0.2, 0.8)]))
def test_parts_are_disjoint_and_make_up_the_whole(
    seed: int, count: int, shares: tuple[float, ...]
) -> None:
    parts = partition(pictures(count), shares=shares, seed=seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(count))
    for part, share in zip(parts, shares, strict=True):
        assert abs(len(part) - share * count) <= 1


def test_copies_of_an_image_are_in_one_part_whatever_their_label() -> None:
    images = pictures(20).repeat(2, 1, 1, 1)
    labels = np.arange(40) % 3
    for part in partition(images, labels):
        assert {int(p) for p in part} == {int(p + 20) % 40 for p in part}


def test_every_part_has_its_share_of_every_class() -> None:
    labels = np.repeat([0, 1, 2], [30, 12, 6])
    for part in partition(pictures(48), labels, shares=THIRDS):
        assert np.abs(np.bincount(labels[part], minlength=3) - [10, 4, 2]).max() <= 1


def test_the_order_of_the_images_changes_nothing() -> None:
    images = pictures(30)
    order = np.random.default_rng(0).permutation(30)
    plain = [set(content_hashes(images[part])) for part in partition(images)]
    shuffled = [set(content_hashes(images[order][part])) for part in partition(images[order])]
    assert plain == shuffled


def test_another_seed_divides_differently() -> None:
    images = pictures(30)
    assert not np.array_equal(partition(images, seed=0)[0], partition(images, seed=1)[0])


@pytest.mark.parametrize("shares", [(), (0.5, 0.4), (1.0, 0.0)])
def test_shares_that_are_no_division_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(BadOption, match="add up to 1"):
        partition(pictures(4), shares=shares)


def test_too_few_different_images_are_refused() -> None:
    with pytest.raises(BadDataset, match="1 different images cannot be divided"):
        partition(pictures(1).repeat(6, 1, 1, 1))
    with pytest.raises(BadDataset, match="3 labels for 4 images"):
        partition(pictures(4), np.zeros(3, dtype=np.int64))
