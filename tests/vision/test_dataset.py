"""Data sets: what lies in files comes out as three splits, or is refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsight_server.errors import BadDataset
from proofsight_server.vision.dataset import Dataset, open_dataset
from proofsight_server.vision.source import divide
from tests.vision.image_files import write_folders, write_images


def same(one: Dataset, other: Dataset) -> bool:
    return all(
        tuple(one.split(name).ids) == tuple(other.split(name).ids)
        for name in ("train", "validation", "test")
    )


def test_digits_are_split_alike_by_class_and_never_overlap() -> None:
    data = open_dataset("digits")
    assert (len(data.train), len(data.validation), len(data.test)) == (1211, 136, 450)
    ids = [*data.train.ids, *data.validation.ids, *data.test.ids]
    assert len(set(ids)) == 1797
    assert data.classes == tuple(f"digit_{index}" for index in range(10))
    assert data.mode == "L"
    for split, share in ((data.test, 0.25), (data.validation, 0.075)):
        assert split.labels is not None
        assert np.abs(np.bincount(split.labels) / 180 - share).max() < 0.01


def test_digits_are_the_original_stretched_to_bytes() -> None:
    from sklearn.datasets import load_digits

    data, original = open_dataset("digits"), load_digits()
    place = int(data.train.ids[7].removeprefix("digits/"))
    assert np.array_equal(
        np.round(original.images[place] * 255 / 16 + 1e-9), data.train.images[7][..., 0]
    )
    assert data.train.labels is not None
    assert data.train.labels[7] == original.target[place]


def test_a_seed_moves_validation_images_and_never_test_images() -> None:
    first, again, other = (open_dataset("digits", seed=seed) for seed in (1, 1, 2))
    assert same(first, again)
    assert tuple(first.test.ids) == tuple(other.test.ids)
    assert set(first.validation.ids) != set(other.validation.ids)
    assert first.fingerprint() == other.fingerprint()


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=60),
    st.floats(0.05, 0.95),
    st.integers(0, 9),
)
def test_a_division_keeps_every_image_once_and_every_class(
    given_labels: list[int], share: float, seed: int
) -> None:
    array = np.array(given_labels)
    kept, aside = divide(len(array), array, share, seed)
    assert sorted([*kept, *aside]) == list(range(len(array)))
    for label in set(given_labels):
        mine = int((array[aside] == label).sum())
        whole = int((array == label).sum())
        assert mine == min(max(round(whole * share), 1), whole - 1)
    assert set(array[kept]) == set(given_labels)


def test_taking_images_takes_their_labels_and_names() -> None:
    train = open_dataset("digits").train
    part = train.take([5, 2])
    assert len(part) == 2
    assert part.ids == (train.ids[5], train.ids[2])
    assert part.labels is not None and train.labels is not None
    assert part.labels.tolist() == [train.labels[5], train.labels[2]]
    assert (part.images[1] == train.images[2]).all()


def test_the_fingerprint_follows_content_labels_and_names_only(tmp_path: Path) -> None:
    write_folders(tmp_path / "one")
    write_folders(tmp_path / "two")
    first = open_dataset(f"folder:{tmp_path / 'one'}").fingerprint()
    assert first == open_dataset(f"folder:{tmp_path / 'two'}", seed=5).fingerprint()
    moved = tmp_path / "two" / "test" / "dog" / "000.png"
    moved.rename(moved.with_name("0000.png"))
    assert first != open_dataset(f"folder:{tmp_path / 'two'}").fingerprint()


def test_unlabelled_images_are_split_and_refused_where_labels_are_needed(tmp_path: Path) -> None:
    write_images(tmp_path / "deep" / "down", 8, kind="jpg")
    write_images(tmp_path, 12)
    data = open_dataset(f"images:{tmp_path}", labelled=False)
    assert (len(data.train), len(data.validation), len(data.test)) == (13, 2, 5)
    assert data.classes == ()
    assert data.train.labels is None
    with pytest.raises(BadDataset, match="has no labels, and this work needs them"):
        open_dataset(f"images:{tmp_path}")
    with pytest.raises(BadDataset, match="no PNG, JPEG or WebP files"):
        (tmp_path / "empty").mkdir()
        open_dataset(f"images:{tmp_path / 'empty'}", labelled=False)


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("digit", "did you mean 'digits'"),
        ("mnist", "write the data set as mnist:PATH"),
        ("digits:here", "write the data set as digits, not"),
        ("/data/mnist", "known: digits, mnist:PATH"),
        ("", "no kind of data set"),
    ],
)
def test_an_unknown_kind_of_data_set_is_refused_with_the_known_ones(uri: str, says: str) -> None:
    with pytest.raises(BadDataset, match=says):
        open_dataset(uri)


def test_an_unknown_split_is_refused() -> None:
    data = open_dataset("digits")
    assert data.split("test") is data.test
    with pytest.raises(BadDataset, match="train, validation, test"):
        data.split("holdout")
