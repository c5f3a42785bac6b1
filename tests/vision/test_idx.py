"""Files in the idx format, as MNIST comes."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from proofsight_server.errors import BadDataset
from proofsight_server.vision.dataset import open_dataset
from tests.vision.arrays import Array, images, labels


def idx(array: Array) -> bytes:
    return (
        bytes([0, 0, 8, array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.astype(np.uint8).tobytes()
    )


def write_mnist(folder: Path, *, zipped: bool = False, classes: int = 10) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", 40), ("t10k", 20)):
        for stem, array in (
            (f"{part}-images-idx3-ubyte", images(count, 6, 5)),
            (f"{part}-labels-idx1-ubyte", labels(count, classes)),
        ):
            data = idx(array)
            if zipped:
                (folder / f"{stem}.gz").write_bytes(gzip.compress(data))
            else:
                (folder / stem).write_bytes(data)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("below", ["", "raw", "MNIST/raw"])
def test_idx_files_are_found_plain_and_zipped_in_every_usual_place(
    tmp_path: Path, below: str, zipped: bool
) -> None:
    write_mnist(tmp_path / below, zipped=zipped)
    data = open_dataset(f"mnist:{tmp_path}")
    assert data.classes[7] == "digit_7"
    assert np.asarray(data.test.images).shape == (20, 6, 5, 1)
    assert (data.test.images[3][..., 0] == images(20, 6, 5)[3]).all()
    assert data.test.ids[3] == "test/3"


def test_fashion_has_the_names_of_its_clothes(tmp_path: Path) -> None:
    write_mnist(tmp_path / "FashionMNIST" / "raw")
    assert open_dataset(f"fashion-mnist:{tmp_path}").classes[0] == "T-shirt/top"


Damage = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data: data[:-1], "follow"),
        (lambda data: data + b"\0", "follow"),
        (lambda data: data[:7], "header is cut off"),
        (lambda data: b"", "begins with 00000803, this one with nothing"),
        (lambda data: b"\0\0\x0d\x03" + data[4:], "begins with 00000803, this one with 00000d03"),
        (lambda data: gzip.compress(data)[:-9], "cannot be read"),
        (lambda data: gzip.compress(data[:-1]), "follow"),
        (lambda data: gzip.compress(data)[:20] + b"\xff" * 40, "cannot be read"),
    ],
)
def test_a_damaged_idx_file_is_refused_by_name(tmp_path: Path, damage: Damage, says: str) -> None:
    write_mnist(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte"
    whole = path.read_bytes()
    path.write_bytes(gzip.compress(whole))
    open_dataset(f"mnist:{tmp_path}")
    path.write_bytes(damage(whole))
    with pytest.raises(BadDataset, match=f"train-images-idx3-ubyte: .*{says}"):
        open_dataset(f"mnist:{tmp_path}")


def test_a_missing_idx_file_is_named_with_the_places_looked_at(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(BadDataset, match=r"no t10k-labels-idx1-ubyte or .*raw"):
        open_dataset(f"mnist:{tmp_path}")


def test_a_class_without_training_images_is_named(tmp_path: Path) -> None:
    write_mnist(tmp_path, classes=9)
    with pytest.raises(BadDataset, match=r"'digit_9' .* has no training images"):
        open_dataset(f"mnist:{tmp_path}")


def test_labels_of_another_number_than_images_are_refused(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(labels(39, 10)))
    with pytest.raises(BadDataset, match="40 train images but 39 labels"):
        open_dataset(f"mnist:{tmp_path}")
