"""A small data set and a network that was trained on it for a moment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from proofsight_server.extraction.extract import Source, extract
from proofsight_server.extraction.options import ExtractOptions
from proofsight_server.knowledge.repository import Repository
from proofsight_server.knowledge.revision import Revision
from proofsight_server.vision.dataset import open_dataset
from proofsight_server.vision.training import TrainOptions, train

CLASSES = ("digit 0", "Digit_1", "it's two")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits 0, 1 and 2, under names that need quotes."""
    bunch = load_digits(n_class=len(CLASSES))
    images = (bunch.images * 15).astype(np.uint8)[..., None]
    labels = bunch.target.astype(np.int64)
    path = tmp_path_factory.mktemp("data") / "three.npz"
    np.savez(
        path,
        x_train=images[:400],
        y_train=labels[:400],
        x_test=images[400:],
        y_test=labels[400:],
        classes=np.array(CLASSES),
    )
    return path


@pytest.fixture(scope="session")
def source(archive: Path) -> Source:
    dataset = open_dataset(f"npz:{archive}", seed=3)
    network, report = train(dataset, "small-cnn", TrainOptions(epochs=2, seed=3))
    return Source(dataset, network, report.to_json())


@pytest.fixture(scope="session")
def extracted(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Revision:
    """A published revision; not to be spoilt."""
    here = Repository(tmp_path_factory.mktemp("published"))
    return extract(ExtractOptions(max_rules=8, seed=3), source, here, "three")


@pytest.fixture(scope="session")
def chained(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Revision:
    """A published revision whose program can be entered at conv3 and at conv2; not to be spoilt."""
    options = ExtractOptions(
        layers=("conv3", "conv2"),
        layer_grids={"conv2": (1, 2)},
        chain="faithful",
        chain_leaves=8,
        max_rules=8,
        seed=3,
    )
    return extract(options, source, Repository(tmp_path_factory.mktemp("chained")), "three")


@pytest.fixture
def revision(extracted: Revision, tmp_path: Path) -> Path:
    """A copy of it that a test may spoil."""
    target = tmp_path / "repository" / "three" / "1"
    target.mkdir(parents=True)
    for path in extracted.directory.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target
