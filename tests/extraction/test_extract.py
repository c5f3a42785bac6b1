"""Extraction publishes a program that was measured as it stands, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from proofsight_server.errors import (
    BadDataset,
    BadOption,
    BadProgram,
    BadTensor,
    ProofsightError,
    UnknownLayer,
)
from proofsight_server.extraction.extract import Source, extract
from proofsight_server.extraction.loading import load_revision_network
from proofsight_server.extraction.options import ExtractOptions
from proofsight_server.extraction.progress import Cancelled, Watch
from proofsight_server.knowledge.reading import read_program
from proofsight_server.knowledge.repository import Repository
from proofsight_server.knowledge.revision import PROGRAM_FILES, Revision
from proofsight_server.knowledge.source import write_quantiser, write_rules
from proofsight_server.rules.evaluation import evaluate
from proofsight_server.rules.program import ClassHead, Literal, Program
from proofsight_server.vision.dataset import Dataset, Split, open_dataset
from proofsight_server.vision.layers import resolve
from proofsight_server.vision.probe import Probe

SPLITS = ("train", "validation", "test")
KEYS = {"images", "accuracy", "cnn_accuracy", "fidelity", "undecided"}


def everything_under(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def decided_slowly(program: Program, active: dict[str, bool]) -> str | None:
    """The class of one image, from the definition of an exclusive program."""
    for name in program.order():
        for rule in program.rules:
            literals = [e for e in rule.body if isinstance(e, Literal)]
            if rule.head == ClassHead(name) and all(
                active[literal.proposition] == literal.positive for literal in literals
            ):
                return name
    return program.default


def test_figures_are_those_of_counting_image_by_image(source: Source, extracted: Revision) -> None:
    network, program = source.network, extracted.program
    (info,) = resolve(network, [layer.module for layer in extracted.quantisation.layers])
    for name in SPLITS:
        split = source.dataset.split(name)
        assert split.labels is not None
        with Probe(network, [info]) as probe:
            logits, maps = probe.maps(network.prepare(split.images))
        right = same = cnn_right = 0
        for image, label in enumerate(split.labels):
            active = {}
            for p in extracted.quantisation.observable:
                assert p.feature is not None and p.threshold is not None
                norm = maps[info.layer.atom][image, p.feature.index].double().abs().sum()
                active[p.name] = float(np.float32(norm)) > p.threshold
            said = decided_slowly(program, active)
            cnn = network.classes[int(np.argmax(logits[image].numpy()))]
            right += said == network.classes[label]
            cnn_right += cnn == network.classes[label]
            same += said == cnn
        figures = extracted.manifest.figures[name]
        assert figures["images"] == len(split)
        assert figures["accuracy"] == pytest.approx(right / len(split))
        assert figures["cnn_accuracy"] == pytest.approx(cnn_right / len(split))
        assert figures["fidelity"] == pytest.approx(same / len(split))
        assert figures["undecided"] == 0


def test_figures_have_the_documented_keys(extracted: Revision) -> None:
    figures = extracted.manifest.figures
    for name in SPLITS:
        assert set(figures[name]) >= {*KEYS, "covered_fidelity", "error_fidelity", "baselines"}
        assert set(figures[name]["baselines"]) == {"majority", "value_tree"}
    program = extracted.program
    assert figures["rules"] == len(program.rules) <= 8
    assert figures["literals"] == sum(len(rule.body) for rule in program.rules)
    assert figures["atoms"] == len(program.propositions())
    assert figures["seed"] == 3


def test_the_manifest_says_where_everything_comes_from(source: Source, extracted: Revision) -> None:
    manifest = extracted.manifest
    assert manifest.classes == source.network.classes
    assert manifest.model == "small-cnn"
    assert manifest.input_shape == source.network.input_shape
    assert manifest.preprocessing == source.network.preprocessing.to_json()
    assert manifest.data == {
        "uri": source.dataset.uri,
        "fingerprint": source.dataset.fingerprint(),
        "seed": 3,
    }
    assert manifest.method["learner"] == "tree"
    assert manifest.method["learner_options"] == {"max_rules": 8, "seed": 3}
    assert manifest.training["seed"] == 3
    assert {"torch", "numpy", "python"} <= set(manifest.versions)
    assert manifest.created.endswith("Z")
    names = set(extracted.quantisation.names)
    assert set(manifest.scales) == set(manifest.rates) == names
    assert all(0 < rate < 1 for rate in manifest.rates.values())
    assert all(scale > 0 for scale in manifest.scales.values())
    assert [layer["atom"] for layer in manifest.layers] == [
        layer.atom for layer in extracted.quantisation.layers
    ]


def test_the_program_on_disk_reads_back_byte_for_byte(extracted: Revision) -> None:
    source = read_program(extracted.directory).checked()
    assert write_rules(source.program) == (extracted.directory / "rules.pl").read_text()
    assert (
        write_quantiser(source.layers, source.propositions)
        == (extracted.directory / "quantiser.pl").read_text()
    )


def test_the_network_of_a_revision_decides_as_the_one_it_came_from(
    source: Source, extracted: Revision
) -> None:
    again = load_revision_network(extracted)
    batch = source.network.prepare(source.dataset.test.images)
    with torch.inference_mode():
        assert torch.equal(again.module(batch), source.network.module(batch))
    assert again.preprocessing == source.network.preprocessing
    assert again.classes == source.network.classes


def test_the_same_seed_gives_the_same_bytes(
    source: Source, extracted: Revision, tmp_path: Path
) -> None:
    again = extract(ExtractOptions(max_rules=8, seed=3), source, Repository(tmp_path), "three")
    for name in PROGRAM_FILES:
        assert (again.directory / name).read_bytes() == (extracted.directory / name).read_bytes()


def test_validation_and_test_images_change_neither_thresholds_nor_rules(
    source: Source, extracted: Revision, tmp_path: Path
) -> None:
    def inverted(split: Split) -> Split:
        return replace(split, images=255 - np.asarray(split.images))

    dataset = source.dataset
    other = replace(dataset, validation=inverted(dataset.validation), test=inverted(dataset.test))
    again = extract(
        ExtractOptions(max_rules=8, seed=3),
        replace(source, dataset=other),
        Repository(tmp_path),
        "three",
    )
    for name in ("quantiser.pl", "rules.pl"):
        assert (again.directory / name).read_bytes() == (extracted.directory / name).read_bytes()
    assert again.manifest.figures["test"] != extracted.manifest.figures["test"]


@pytest.mark.parametrize(
    "options",
    [
        ExtractOptions(layers=("conv1", "fc1"), grids=(1, 2), reduction="max"),
        ExtractOptions(threshold="info_gain", reduction="l2", max_rules="auto"),
        ExtractOptions(threshold="quantile", threshold_options={"q": 0.7}, reduction="mean"),
        ExtractOptions(threshold="mean_std", learner_options={"simplify": "lossy"}),
    ],
    ids=["two layers with cells", "info gain", "quantile", "lossy"],
)
def test_every_option_gives_a_revision_that_passes_its_own_check(
    source: Source, tmp_path: Path, options: ExtractOptions
) -> None:
    revision = extract(options, source, Repository(tmp_path), "three")
    assert not [i for i in revision.warnings if i.severity == "error"]
    assert revision.manifest.figures["test"]["fidelity"] > 0.5
    assert revision.manifest.method["threshold"] == (options.threshold or "mean")
    if options.layers:
        assert {layer.atom for layer in revision.quantisation.layers} == set(options.layers)
        assert any("_g2_r" in name for name in revision.quantisation.names)
        assert any(name.startswith("fc1_u") for name in revision.quantisation.names)


def test_images_without_labels_are_enough(source: Source, tmp_path: Path) -> None:
    def without(split: Split) -> Split:
        return replace(split, labels=None)

    dataset = source.dataset
    bare = Dataset(
        "images:x",
        (),
        without(dataset.train),
        without(dataset.validation),
        without(dataset.test),
        dataset.mode,
        dataset.seed,
    )
    revision = extract(ExtractOptions(), replace(source, dataset=bare), Repository(tmp_path), "x")
    test = revision.manifest.figures["test"]
    assert test["accuracy"] is None and test["cnn_accuracy"] is None
    assert test["fidelity"] > 0.5


# --- refusals, before any work ------------------------------------------------


def told_nothing(phase: str, done: int, total: int) -> None:
    raise AssertionError(f"work began: {phase}")


REFUSED: list[tuple[str, ExtractOptions, type[ProofsightError], str]] = [
    ("three", ExtractOptions(layers=("conv33",)), UnknownLayer, "conv33.*nearest: conv3"),
    ("three", ExtractOptions(learner="forest"), BadOption, "forest"),
    ("three", ExtractOptions(grids=(99,)), BadOption, "grid"),
    ("Three!", ExtractOptions(), BadOption, "no name for a knowledge base"),
]


@pytest.mark.parametrize(("kb", "options", "error", "message"), REFUSED)
def test_what_cannot_be_extracted_is_refused_before_any_work(
    source: Source,
    tmp_path: Path,
    kb: str,
    options: ExtractOptions,
    error: type[ProofsightError],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        extract(options, source, Repository(tmp_path), kb, watch=Watch(told_nothing))
    assert everything_under(tmp_path) == []


def test_data_of_other_classes_are_refused_showing_both(source: Source, tmp_path: Path) -> None:
    other = replace(source, dataset=open_dataset("digits"))
    with pytest.raises(BadDataset, match=r"10 \(digit_0, .*\); the network has 3 \(digit 0, Digit"):
        extract(ExtractOptions(), other, Repository(tmp_path), "x", watch=Watch(told_nothing))


@pytest.mark.parametrize(
    "options",
    [{"reduction": "l7"}, {"threshold": "median"}, {"grids": (0,)}, {"grids": ()}, {"batch": 0}],
)
def test_options_out_of_range_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(BadOption):
        ExtractOptions(**options)  # type: ignore[arg-type]
    ExtractOptions(reduction="max", threshold="quantile", grids=(1, 3), batch=1)


def test_a_value_that_is_not_finite_names_layer_and_channel(source: Source, tmp_path: Path) -> None:
    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 1)
            self.head = nn.Linear(2, 3)
            nn.init.constant_(self.conv.weight, 3e38)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            maps = self.conv(images * 100)
            return torch.as_tensor(self.head(torch.nan_to_num(maps.mean((2, 3)), 0, 1, -1)))

    network = replace(source.network, module=Broken().eval().requires_grad_(False))
    with pytest.raises(BadTensor, match="conv1"):
        extract(ExtractOptions(), replace(source, network=network), Repository(tmp_path), "x")
    assert everything_under(tmp_path) == []


# --- stopping -----------------------------------------------------------------

PHASES = [
    "probing train",
    "probing test",
    "quantising",
    "learning rules",
    "measuring",
    "publishing",
]


def at(phase: str, act: Callable[[], None]) -> Callable[[str, int, int], None]:
    def progress(now: str, done: int, total: int) -> None:
        if now == phase and done < total:
            act()

    return progress


@pytest.mark.parametrize("phase", PHASES)
def test_ctrl_c_in_any_phase_leaves_no_partial_revision(
    source: Source, tmp_path: Path, phase: str
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    options = ExtractOptions(batch=100)
    with pytest.raises(KeyboardInterrupt):
        extract(options, source, Repository(tmp_path / "r"), "x", watch=Watch(at(phase, interrupt)))
    assert everything_under(tmp_path) == []


@pytest.mark.parametrize("phase", PHASES)
def test_cancelling_takes_effect_between_two_steps(
    source: Source, tmp_path: Path, phase: str
) -> None:
    asked, told = [], []

    def progress(now: str, done: int, total: int) -> None:
        told.append(now)
        if now == phase and done < total:
            asked.append(now)

    watch = Watch(progress, lambda: bool(asked))
    with pytest.raises(Cancelled, match="nothing was published"):
        extract(ExtractOptions(batch=100), source, Repository(tmp_path / "r"), "x", watch=watch)
    assert told[-1] == phase and told.count(phase) == 1
    assert everything_under(tmp_path) == []


def test_a_written_program_that_decides_otherwise_is_not_published(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(program: Program, *table: Any, **options: Any) -> object:
        evaluation = evaluate(program, *table, **options)
        if program.class_order:  # which only what was read back has
            return replace(evaluation, decisions=(evaluation.decisions + 1) % 3)
        return evaluation

    monkeypatch.setattr("proofsight_server.extraction.extract.evaluate", changed)
    with pytest.raises(BadProgram, match="does not decide"):
        extract(ExtractOptions(), source, Repository(tmp_path / "r"), "x")
    assert everything_under(tmp_path) == []


def test_progress_counts_every_image(source: Source, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    watch = Watch(lambda phase, done, total: told.append((phase, done, total)))
    extract(ExtractOptions(batch=100), source, Repository(tmp_path), "x", watch=watch)
    sizes = {f"probing {name}": len(source.dataset.split(name)) for name in SPLITS}
    ends = {phase: (done, total) for phase, done, total in told}
    for phase, size in sizes.items():
        assert ends[phase] == (size, size)
    assert list(ends) == [*sizes, "quantising", "learning rules", "measuring", "publishing"]
