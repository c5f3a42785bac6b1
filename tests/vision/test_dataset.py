"""Data sets: what lies in files comes out as three splits, or is refused by name."""

from __future__ import annotations

import gzip
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from proofsight_server.errors import BadDataset
from proofsight_server.vision.dataset import Dataset, open_dataset
from proofsight_server.vision.source import divide

Array = npt.NDArray[Any]


def images(count: int, *shape: int) -> Array:
    return np.random.default_rng(count).integers(0, 256, (count, *shape), dtype=np.uint8)


def labels(count: int, classes: int = 2) -> Array:
    return np.arange(count) % classes


def same(one: Dataset, other: Dataset) -> bool:
    return all(
        tuple(one.split(name).ids) == tuple(other.split(name).ids)
        for name in ("train", "validation", "test")
    )


# --- splits -----------------------------------------------------------------


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


# --- idx ----------------------------------------------------------------------


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


# --- CIFAR --------------------------------------------------------------------


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


# --- archives -----------------------------------------------------------------


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


# --- folders ------------------------------------------------------------------


def write_images(folder: Path, count: int, *, grey: bool = False, kind: str = "png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, pixels in enumerate(images(count, 8, 9, 3)):
        picture = Image.fromarray(pixels[..., 0] if grey else pixels)
        picture.save(folder / f"{number:03}.{kind}")


def write_folders(root: Path, parts: tuple[str, ...] = ("train", "test")) -> None:
    for part in parts:
        for name in ("dog", "Cat"):
            write_images(root / part / name, 10)


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
