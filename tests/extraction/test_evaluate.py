"""Evaluation measures what the files say now."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from proofsight_server.errors import BadDataset, BadRevision, UnknownLayer
from proofsight_server.extraction.beside import differences, repeated
from proofsight_server.extraction.evaluate import evaluate_revision
from proofsight_server.extraction.extract import Source
from proofsight_server.extraction.progress import Cancelled, Watch
from proofsight_server.knowledge.revision import Revision, open_revision
from proofsight_server.vision.dataset import open_dataset


def test_a_revision_measured_again_has_the_figures_of_its_extraction(
    source: Source, extracted: Revision
) -> None:
    report = evaluate_revision(extracted, source.dataset, source.network, batch=37)
    assert report.figures == extracted.manifest.figures
    assert report.note == "the same figures as at extraction"
    document = report.to_json()
    assert document["edited_since_measured"] is False
    assert document["revision"] == "three/1"
    assert set(document["near_ties"]) == {"train", "validation", "test"}
    for split in ("train", "validation", "test"):
        assert {"images", "accuracy", "cnn_accuracy", "fidelity", "undecided"} <= set(
            document[split]
        )
    assert {"rules", "literals", "atoms", "seed"} <= set(document)


def test_an_edited_program_is_measured_as_edited(source: Source, revision: Path) -> None:
    path = revision / "rules.pl"
    text = path.read_text()
    path.write_text(re.sub(r"(?ms)^(class\(|rule_stats\().*?\.\n", "", text))
    report = evaluate_revision(open_revision(revision), source.dataset, source.network)
    assert report.edited == ("rules.pl",)
    assert report.note == "edited since measured: rules.pl"
    assert report.figures["rules"] == 0
    assert report.figures["test"]["undecided"] == 1.0
    majority = report.figures["test"]["baselines"]["majority"]
    assert report.figures["test"]["fidelity"] == pytest.approx(majority)


def test_a_program_without_a_default_is_undecided_and_wrong(source: Source, revision: Path) -> None:
    path = revision / "rules.pl"
    without = re.sub(r"(?ms)^(class\(|rule_stats\(|default_class\().*?\.\n", "", path.read_text())
    path.write_text(without)
    report = evaluate_revision(open_revision(revision), source.dataset, source.network)
    assert report.figures["test"]["fidelity"] == 0.0
    assert report.figures["test"]["undecided"] == 1.0
    assert report.figures["test"]["covered_fidelity"] is None


def test_other_data_are_measured_and_told(
    source: Source, extracted: Revision, tmp_path: Path
) -> None:
    split = source.dataset.test
    noisy = np.asarray(split.images) // 2
    other = replace(source.dataset, test=replace(split, images=noisy))
    report = evaluate_revision(extracted, other, source.network)
    assert report.note.startswith("other data")
    assert report.figures["train"] == extracted.manifest.figures["train"]


def test_another_split_seed_is_told(source: Source, extracted: Revision) -> None:
    other = open_dataset(source.dataset.uri, seed=8)
    report = evaluate_revision(extracted, other, source.network)
    assert report.note == "other splits than at extraction: seed 8 instead of 3"
    assert report.figures["test"]["fidelity"] == extracted.manifest.figures["test"]["fidelity"]


def test_figures_that_changed_are_told(source: Source, extracted: Revision) -> None:
    figures = {**extracted.manifest.figures}
    figures["test"] = {**figures["test"], "fidelity": 0.125}
    claimed = replace(extracted, manifest=replace(extracted.manifest, figures=figures))
    note = evaluate_revision(claimed, source.dataset, source.network).note
    assert note.startswith("differs from the figures at extraction: test.fidelity: 0.125 →")


def test_data_of_other_classes_are_refused_showing_both(
    source: Source, extracted: Revision
) -> None:
    with pytest.raises(BadDataset, match=r"digit_0.*the network has 3 \(digit 0"):
        evaluate_revision(extracted, open_dataset("digits"), source.network)


def test_a_quantiser_edited_to_read_another_layer_is_refused(
    source: Source, revision: Path
) -> None:
    path = revision / "quantiser.pl"
    text = path.read_text()
    module = open_revision(revision).quantisation.layers[0].module
    path.write_text(text.replace(f"'{module}'", "'features.99'"))
    with pytest.raises(UnknownLayer, match=r"features\.99"):
        evaluate_revision(open_revision(revision), source.dataset, source.network)
    first = next(
        name
        for name, child in source.network.module.named_modules()
        if type(child).__name__ == "Conv2d"
    )
    path.write_text(text.replace(f"'{module}'", f"'{first}'"))
    with pytest.raises(BadRevision, match=r"put layer/4 and reads/2 back"):
        evaluate_revision(open_revision(revision), source.dataset, source.network)


def test_an_edit_and_its_parent_are_no_two_seeds(extracted: Revision) -> None:
    manifest = extracted.manifest
    edit = replace(manifest, revised={"parent": "three/1"})
    other = replace(manifest, method={**manifest.method, "seed": 4})
    edited, drawn = (
        replace(extracted, directory=extracted.directory.parent / number, manifest=made)
        for number, made in (("2", edit), ("3", other))
    )
    assert differences([extracted, drawn]) == ()
    assert repeated([extracted, drawn]) == ()
    assert differences([extracted, edited]) == ("three/2 made from three/1",)
    assert repeated([extracted, edited, drawn]) == ("three/2",)


def test_evaluation_can_be_cancelled(source: Source, extracted: Revision) -> None:
    with pytest.raises(Cancelled):
        evaluate_revision(
            extracted, source.dataset, source.network, watch=Watch(cancelled=lambda: True)
        )
