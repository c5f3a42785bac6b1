"""CIFAR's batches, which are pickles and are not trusted."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from proofsight_server.errors import BadDataset
from proofsight_server.vision.dataset import open_dataset
from tests.vision.arrays import images, labels


def python_2(file: IO[bytes]) -> Any:
    """A pickler that writes byte strings as Python 2 did; the published batches are of its time."""

    def save_bytes(pickler: Any, text: bytes) -> None:
        pickler.write(pickle.BINSTRING + struct.pack("<i", len(text)) + text)
        pickler.memoize(text)

    written_in_python: Any = pickle
    pickler = written_in_python._Pickler(file, 2)
    pickler.dispatch = {**pickler.dispatch, bytes: save_bytes}
    return pickler


def write_cifar(folder: Path, *, old: bool) -> None:
    folder.mkdir(parents=True)
    for number, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        batch: dict[Any, Any] = {
            "batch_label": f"part {number}",
            "labels": [int(label) for label in labels(20, 10)],
            "data": images(20 + number, 3072)[:20],
            "filenames": ["x.png"] * 20,
        }
        if old:
            batch = {key.encode(): value for key, value in batch.items()}
            batch[b"batch_label"], batch[b"filenames"] = b"part", [b"x.png"] * 20
        with (folder / name).open("wb") as file:
            (python_2(file) if old else pickle.Pickler(file, 2)).dump(batch)


@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize("below", ["", "cifar-10-batches-py"])
def test_cifar_batches_of_python_2_and_3_are_read(tmp_path: Path, old: bool, below: str) -> None:
    root = tmp_path / "root"
    write_cifar(root / below, old=old)
    data = open_dataset(f"cifar10:{root}")
    assert data.classes[0] == "airplane" and data.classes[9] == "truck"
    assert (len(data.train), len(data.validation), len(data.test)) == (90, 10, 20)
    expected = images(25, 3072)[3].reshape(3, 32, 32).transpose(1, 2, 0)
    assert (data.test.images[3] == expected).all()
    assert data.mode == "RGB"


class _Evil:
    def __init__(self, call: Any, *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> Any:
        return self.call, self.arguments


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (_Evil(print, "run"), "print, which no CIFAR batch needs"),
        (_Evil(np.zeros, 3), "which no CIFAR batch needs"),
        ({"data": np.array([object()]), "labels": [1]}, "type 'O8'"),
        ({"data": np.zeros((2, 3072), np.float64), "labels": [0, 1]}, "type 'f8'"),
        ({"data": np.zeros((2, 99), np.uint8), "labels": [0, 1]}, "has not"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": "no"}, "has not"),
        ({"data": np.zeros((2, 3072), np.uint8)}, "has not"),
        ([1, 2], "has not"),
    ],
)
def test_a_pickle_with_anything_else_in_it_is_refused_and_not_run(
    tmp_path: Path, content: Any, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "root"
    write_cifar(root, old=False)
    open_dataset(f"cifar10:{root}")
    with (root / "data_batch_3").open("wb") as file:
        pickle.dump(content, file, 2)
    with pytest.raises(BadDataset, match=says):
        open_dataset(f"cifar10:{root}")
    assert capsys.readouterr().out == ""


def test_a_truncated_or_missing_batch_is_named(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write_cifar(root, old=True)
    batch = root / "data_batch_2"
    batch.write_bytes(batch.read_bytes()[:-100])
    with pytest.raises(BadDataset, match="data_batch_2: cannot be read"):
        open_dataset(f"cifar10:{root}")
    (root / "data_batch_1").unlink()
    with pytest.raises(BadDataset, match="no data_batch_1 in"):
        open_dataset(f"cifar10:{root}")
