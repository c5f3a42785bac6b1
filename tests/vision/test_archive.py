"""Data sets of arrays in one npz file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proofsight_server.errors import BadDataset
from proofsight_server.vision.dataset import open_dataset
from tests.vision.arrays import images, labels


def write_npz(path: Path, **changes: Any) -> str:
    arrays: dict[str, Any] = {
        "x_train": images(20, 4, 5, 3),
        "y_train": labels(20),
        "x_test": images(10, 4, 5, 3),
        "y_test": labels(10),
    }
    arrays |= changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return f"npz:{path}"


def test_an_archive_gives_its_arrays_and_names_its_classes(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    data = open_dataset(write_npz(path))
    assert data.classes == ("class_0", "class_1")
    assert data.mode == "RGB"
    named = open_dataset(write_npz(path, classes=np.array(["cat", "größer"])))
    assert named.classes == ("cat", "größer")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"x_test": None}, "has no array 'x_test'"),
        ({"x_train": images(20, 4, 5, 3).astype(np.float32)}, "train images are float32"),
        ({"x_train": images(20, 4, 5)}, r"train images are uint8 \(20, 4, 5\)"),
        ({"x_test": images(10, 4, 6, 3)}, "they must be alike"),
        ({"y_train": labels(19)}, "20 train images but 19 labels"),
        ({"y_train": labels(20) * 0, "y_test": labels(10) * 0}, "there is only one class, class_0"),
        ({"y_train": labels(20) * 1.0}, "labels are float64"),
        ({"y_train": labels(20)[:, None]}, "labels are int64"),
        ({"y_train": labels(20) - 1}, "label is -1, but there are"),
        ({"y_test": labels(10) + 1}, "test label is 2, but there are 2 classes"),
        ({"y_train": labels(20) * 2}, "'class_1' .* has no training images"),
        ({"classes": np.array(["a", "b", "c"])}, "'c' .* has no training images"),
        ({"classes": np.array(["a", "a"])}, "two classes are named 'a'"),
        ({"classes": np.array([1, 2])}, "classes are int64"),
        ({"classes": np.array(["a", None], dtype=object)}, "classes holds Python objects"),
        ({"x_train": np.array([object()] * 20, dtype=object)}, "x_train holds Python objects"),
        ({"x_test": images(0, 4, 5, 3), "y_test": labels(0)}, "there are no test images"),
    ],
)
def test_an_archive_that_does_not_fit_is_refused(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(BadDataset, match=says):
        open_dataset(write_npz(tmp_path / "x.npz", **changes))


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    write_npz(path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(BadDataset, match="cannot be read"):
        open_dataset(f"npz:{path}")
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(BadDataset, match="a single array"):
        open_dataset(f"npz:{tmp_path / 'one.npy'}")
    with pytest.raises(BadDataset, match="cannot be read"):
        open_dataset(f"npz:{tmp_path / 'none.npz'}")
    (tmp_path / "text.npz").write_text("no archive at all")
    with pytest.raises(BadDataset, match=r"no \.npz archive; numpy\.savez writes one"):
        open_dataset(f"npz:{tmp_path / 'text.npz'}")
