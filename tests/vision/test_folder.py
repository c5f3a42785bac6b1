"""Data sets of image files in folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofsight_server.errors import BadDataset
from proofsight_server.vision.dataset import open_dataset
from tests.vision.arrays import images
from tests.vision.image_files import write_folders, write_images


def test_class_folders_give_their_names_in_order_and_decode_late(tmp_path: Path) -> None:
    write_folders(tmp_path)
    (tmp_path / "train" / "dog" / "notes.txt").write_text("no image")
    (tmp_path / "train" / "dog" / ".hidden.png").write_text("no image")
    data = open_dataset(f"folder:{tmp_path}")
    assert data.classes == ("Cat", "dog")
    assert (len(data.train), len(data.validation), len(data.test)) == (18, 2, 20)
    assert data.test.ids[0] == "test/Cat/000.png"
    assert (data.test.images[0] == images(10, 8, 9, 3)[0]).all()
    assert len(data.test.images[3:7]) == 4
    # A broken file is an error when it is read, and not before.
    (tmp_path / "test" / "Cat" / "000.png").write_bytes(b"broken")
    again = open_dataset(f"folder:{tmp_path}")
    with pytest.raises(BadDataset, match=r"test/Cat/000.png: these 6 bytes"):
        again.test.images[0]


def test_folders_without_train_and_test_are_split_the_same_way_every_time(tmp_path: Path) -> None:
    write_folders(tmp_path, ("",))
    one, other = (open_dataset(f"folder:{tmp_path}", seed=seed) for seed in (0, 1))
    assert (len(one.train), len(one.validation), len(one.test)) == (14, 2, 4)
    assert tuple(one.test.ids) == tuple(other.test.ids)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("bus", "train"):
        write_images(tmp_path / name, 6)
    assert open_dataset(f"folder:{tmp_path}").classes == ("bus", "train")


@pytest.mark.parametrize(("grey", "mode"), [(True, "L"), (False, "RGB")])
def test_grey_files_make_a_grey_data_set(tmp_path: Path, grey: bool, mode: str) -> None:
    write_images(tmp_path / "a", 5, grey=grey)
    write_images(tmp_path / "b", 5, grey=True)
    data = open_dataset(f"folder:{tmp_path}")
    assert data.mode == mode
    assert data.train.images[0].shape == (8, 9, 1 if grey else 3)


def test_faulty_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match="no such folder"):
        open_dataset(f"folder:{tmp_path / 'none'}")
    with pytest.raises(BadDataset, match="no folders, so no classes"):
        open_dataset(f"folder:{tmp_path}")
    write_images(tmp_path / "one", 5)
    with pytest.raises(BadDataset, match="only one class, one"):
        open_dataset(f"folder:{tmp_path}")
    (tmp_path / "two").mkdir()
    with pytest.raises(BadDataset, match="two: the class has no PNG, JPEG or WebP file"):
        open_dataset(f"folder:{tmp_path}")


def test_train_and_test_folders_must_both_be_there_and_agree(tmp_path: Path) -> None:
    write_folders(tmp_path, ("train",))
    with pytest.raises(BadDataset, match="has train/ with class folders but no test/"):
        open_dataset(f"folder:{tmp_path}")
    write_folders(tmp_path, ("test",))
    open_dataset(f"folder:{tmp_path}")
    write_images(tmp_path / "test" / "fish", 3)
    with pytest.raises(BadDataset, match="'fish' is not among the training classes Cat, dog"):
        open_dataset(f"folder:{tmp_path}")
