"""Labels that are found: candidates, their scores, and what becomes of labels by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from proofsight_server.errors import BadDataset, BadOption
from proofsight_server.extraction.candidates import Candidate
from proofsight_server.extraction.extract import Source, extract
from proofsight_server.extraction.labelling import find_candidates, is_convincing, labelled
from proofsight_server.extraction.options import ExtractOptions
from proofsight_server.extraction.revise import revise
from proofsight_server.knowledge.label import Label, automatic, by_hand
from proofsight_server.knowledge.repository import Repository
from proofsight_server.knowledge.revision import Revision
from proofsight_server.knowledge.source import write_labels
from proofsight_server.rules.evaluation import evaluate
from proofsight_server.vision.dataset import Dataset, open_dataset
from proofsight_server.vision.masks import open_masks
from proofsight_server.vision.network import Network
from proofsight_server.vision.preprocessing import Preprocessing

SIDE = 20
Pixels = npt.NDArray[np.uint8]


class Same(nn.Module):
    """The one channel is the image itself; bright images are of class 1."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        self.conv.weight = nn.Parameter(torch.ones(1, 1, 1, 1))
        self.fc = nn.Linear(1, 2)
        self.fc.weight = nn.Parameter(torch.tensor([[0.0], [1.0]]))
        self.fc.bias = nn.Parameter(torch.tensor([2.2, 0.0]))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc(torch.relu(self.conv(x)).sum((2, 3)))
        return out


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Source, dict[str, Pixels]]:
    """Images with two bright pixels each, one in 200; in class 1 they are brighter."""
    generator = np.random.default_rng(5)
    images = generator.integers(0, 2, size=(60, SIDE, SIDE, 1)).astype(np.uint8)
    labels = np.arange(60) % 2
    bright = np.zeros((60, SIDE, SIDE), dtype=np.uint8)
    for image, label in enumerate(labels):
        at = generator.choice(SIDE * SIDE, size=2, replace=False)
        images[image].reshape(-1)[at] = 120 + 120 * label
        bright[image].reshape(-1)[at] = 1
    path = tmp_path_factory.mktemp("planted") / "planted.npz"
    np.savez(
        path, x_train=images[:40], y_train=labels[:40], x_test=images[40:], y_test=labels[40:],
        classes=np.array(["dim", "glaring"]),
    )  # fmt: skip
    dataset = open_dataset(f"npz:{path}")
    network = Network(
        module=Same().eval().requires_grad_(False),
        model="tests:module",
        model_options={},
        classes=dataset.classes,
        preprocessing=Preprocessing(mode="L"),
        input_shape=(1, SIDE, SIDE),
    )
    return Source(dataset, network), {f"train/{i}": bright[i] for i in range(40)}


@pytest.fixture(scope="module")
def published(
    planted: tuple[Source, dict[str, Pixels]], tmp_path_factory: pytest.TempPathFactory
) -> Revision:
    repository = Repository(tmp_path_factory.mktemp("repository"))
    return extract(ExtractOptions(threshold="info_gain"), planted[0], repository, "planted")


def write(root: Path, masks: Mapping[str, Mapping[str, npt.NDArray[np.generic]]]) -> Path:
    for concept, of in masks.items():
        for name, pixels in of.items():
            path = root / concept / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    return root


def concepts(bright: Mapping[str, Pixels]) -> dict[str, dict[str, Pixels]]:
    return {
        "lamp": dict(bright),
        "wall": {name: np.ones_like(pixels) for name, pixels in bright.items()},
        "elsewhere": {name: np.roll(pixels, 3, axis=0) for name, pixels in bright.items()},
    }


def test_the_concept_that_a_channel_copies_has_an_iou_of_one(
    planted: tuple[Source, dict[str, Pixels]], published: Revision, tmp_path: Path
) -> None:
    source, bright = planted
    masks = open_masks(write(tmp_path, concepts(bright)), source.dataset.train.ids)
    assert len(masks.annotated) == len(source.dataset.train)
    found = find_candidates(published, source.dataset, source.network, "iou", masks=masks)
    assert [(c.proposition, c.text, c.method, c.score) for c in found] == [
        ("conv1_c0", "lamp", "iou", 1.0)
    ]


def test_coverage_goes_by_lift_so_that_the_wall_does_not_win(
    planted: tuple[Source, dict[str, Pixels]], published: Revision, tmp_path: Path
) -> None:
    source, bright = planted
    masks = open_masks(write(tmp_path, concepts(bright)), source.dataset.train.ids)
    (found,) = find_candidates(published, source.dataset, source.network, "coverage", masks=masks)
    assert found.text == "lamp"
    assert 0.4 < found.score < 1  # the wall's is 1, and its lift as well
    assert found.details["lift"] == pytest.approx(found.score / (2 / SIDE**2))


def test_only_images_with_masks_count(
    planted: tuple[Source, dict[str, Pixels]], published: Revision, tmp_path: Path
) -> None:
    source, bright = planted
    some = {name: bright[name] for name in list(source.dataset.train.ids)[5:15]}
    masks = open_masks(write(tmp_path, concepts(some)), source.dataset.train.ids)
    assert masks.annotated == tuple(range(5, 15))
    (found,) = find_candidates(published, source.dataset, source.network, "iou", masks=masks)
    assert (found.text, found.score) == ("lamp", 1.0)


def test_a_feature_with_a_cell_is_compared_within_its_cell(
    planted: tuple[Source, dict[str, Pixels]], tmp_path: Path
) -> None:
    source, bright = planted
    revision = extract(
        ExtractOptions(threshold="info_gain", grids=(2,)), source, Repository(tmp_path / "r"), "kb"
    )
    half = SIDE // 2
    quarter = {name: pixels.copy() for name, pixels in bright.items()}
    for pixels in quarter.values():
        pixels[half:] = pixels[:, half:] = 0  # nothing beyond the cell (0, 0) is annotated
    masks = open_masks(write(tmp_path / "m", {"lamp": quarter}), source.dataset.train.ids)
    found = find_candidates(
        revision, source.dataset, source.network, "iou", masks=masks, everything=True
    )
    train = source.dataset.train
    inside = np.stack([train.images[i][:half, :half, 0] for i in range(len(train))])
    lamp = np.stack([quarter[name][:half, :half] for name in train.ids]) > 0
    threshold = sorted(inside.ravel().tolist(), reverse=True)[int(inside.size * 0.005)]
    strong = inside > threshold
    iou = np.count_nonzero(strong & lamp) / np.count_nonzero(strong | lamp)
    assert iou > 0.3
    # Nothing else is annotated, so the other cells share nothing with it.
    assert {c.proposition: c.score for c in found} == {"conv1_c0_g2_r0c0": pytest.approx(iou)}


def test_masks_of_another_size_are_refused_and_nothing_is_published(
    planted: tuple[Source, dict[str, Pixels]], published: Revision, tmp_path: Path
) -> None:
    source, bright = planted
    wrong = {name: np.ones((7, 9), dtype=np.uint8) for name in bright}
    masks = open_masks(write(tmp_path, {"lamp": wrong}), source.dataset.train.ids)
    with pytest.raises(BadDataset, match=r"the mask is 9 x 7 pixels and the image train/\d+ 20 x"):
        find_candidates(published, source.dataset, source.network, "iou", masks=masks)


def test_methods_of_masks_need_masks_and_purity_takes_none(
    planted: tuple[Source, dict[str, Pixels]], published: Revision, tmp_path: Path
) -> None:
    source, bright = planted
    masks = open_masks(write(tmp_path, concepts(bright)), source.dataset.train.ids)
    with pytest.raises(BadOption, match="--masks"):
        find_candidates(published, source.dataset, source.network, "iou")
    with pytest.raises(BadOption, match="looks at classes"):
        find_candidates(published, source.dataset, source.network, "purity", masks=masks)


def test_purity_names_the_class_of_the_strongest_images(
    planted: tuple[Source, dict[str, Pixels]], published: Revision
) -> None:
    source, _ = planted
    (found,) = find_candidates(published, source.dataset, source.network, "purity")
    assert (found.text, found.score) == ("glaring", 1.0)
    assert found.details == {"active": 1.0, "rate": pytest.approx(0.5)}


# --- labels.pl ------------------------------------------------------------------


def candidate(proposition: str, text: str, score: float = 0.9) -> Candidate:
    return Candidate(proposition, text, "purity", score, {})


def test_a_hand_beats_a_machine_and_a_machine_replaces_what_a_machine_said() -> None:
    marks = (
        Label("a", "left wall", by_hand("ada")),
        Label("b", "old", automatic("iou", 0.1)),
        Label("c", "kept", automatic("iou", 0.2)),
    )
    found = [candidate("a", "wall"), candidate("b", "new"), candidate("d", "weak", 0.4)]
    assert labelled(marks, found) == (
        marks[0],
        Label("b", "new", "auto(purity,0.9)"),
        marks[2],
    )
    assert labelled(marks, found, least=0.4)[-1] == Label("d", "weak", "auto(purity,0.4)")


def test_the_same_candidates_twice_change_nothing() -> None:
    marks = (
        Label("b", "from iou", automatic("iou", 0.3)),
        Label("a", "left wall", by_hand("ada")),
        Label("a", "wall", automatic("purity", 0.9)),
        Label("b", "again", automatic("coverage", 0.3)),
    )
    found = [candidate("a", "wall"), candidate("b", "new"), candidate("c", "more")]
    once = labelled(marks, found)
    assert [(label.proposition, label.text) for label in once] == [
        ("a", "left wall"), ("b", "new"), ("a", "wall"), ("c", "more"),
    ]  # fmt: skip
    assert labelled(once, found) == once


def test_a_label_by_hand_that_comes_later_stands_before_the_machines() -> None:
    marks = (Label("a", "wall", automatic("iou", 0.1)),)
    fresh = (Label("a", "left wall", by_hand("bob")),)
    assert labelled(marks, [candidate("a", "ceiling")], fresh) == (*fresh, *marks)


def test_a_score_at_the_limit_convinces_and_one_below_does_not() -> None:
    assert is_convincing(candidate("a", "t", 0.5))
    assert not is_convincing(candidate("a", "t", np.nextafter(0.5, 0)))


def test_relabelling_everything_leaves_program_and_decisions_as_they_are(
    extracted: Revision, source: Source, tmp_path: Path
) -> None:
    names = extracted.quantisation.names
    labels = [Label(name, "it's “one” text\nfor all", by_hand("ada")) for name in names]
    repository = Repository(tmp_path)
    made = revise(extracted, labels=write_labels(labels), repository=repository).revision
    assert made is not None
    for name in ("quantiser.pl", "rules.pl", "user.pl", "model.safetensors"):
        assert (made.directory / name).read_bytes() == (extracted.directory / name).read_bytes()
    assert made.labels == dict.fromkeys(names, "it's “one” text\nfor all")
    assert made.program == extracted.program
    assert made.manifest.figures == extracted.manifest.figures
    bits = np.random.default_rng(0).random((50, len(names))) < 0.5
    before, after = (evaluate(r.program, bits, names) for r in (extracted, made))
    assert np.array_equal(before.decisions, after.decisions)
    assert np.array_equal(before.rules, after.rules)


def test_data_of_other_classes_is_refused(extracted: Revision, source: Source) -> None:
    other: Dataset = open_dataset("digits")
    with pytest.raises(BadDataset, match="are not those of the network"):
        find_candidates(extracted, other, source.network, "purity")
