"""Under a budget of literals, bits and size are chosen on validation images alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from proofsight_server.errors import BadOption
from proofsight_server.extraction.extract import Source, extract
from proofsight_server.extraction.options import ExtractOptions
from proofsight_server.knowledge.repository import Repository
from proofsight_server.vision.dataset import Split


@pytest.mark.parametrize("learner", ["tree", "fold", "scorecard"])
def test_a_program_keeps_its_budget_and_the_curve_is_beside_it(
    source: Source, tmp_path: Path, learner: str
) -> None:
    options = ExtractOptions(learner=learner, budget=12, grids=(1, 2))
    revision = extract(options, source, Repository(tmp_path), "three")
    figures = revision.manifest.figures
    assert figures["literals"] <= 12
    assert figures["test"]["fidelity"] > 0.5
    assert revision.manifest.method["budget"] == 12
    curves = revision.directory / "curves"
    trials = json.loads((curves / "literals.json").read_text())["trials"]
    within = [trial for trial in trials if trial["literals"] <= 12]
    best = max(trial["validation"] for trial in within)
    assert figures["validation"]["fidelity"] == best
    assert len({trial["bits"] for trial in trials}) == 8
    assert len(trials) > 8 or learner == "fold"
    assert ElementTree.parse(curves / "literals.svg").getroot().tag.endswith("svg")


def test_a_threshold_that_was_asked_for_is_kept(source: Source, tmp_path: Path) -> None:
    options = ExtractOptions(learner="scorecard", budget=12, threshold="quantile", cuts=2)
    revision = extract(options, source, Repository(tmp_path), "three")
    assert revision.manifest.method["threshold"] == "quantile"
    assert revision.manifest.method["cuts"] == 2
    assert any(name.endswith("_t2") for name in revision.quantisation.names)


def test_test_images_choose_nothing(source: Source, tmp_path: Path) -> None:
    def turned(split: Split) -> Split:
        return replace(split, images=np.ascontiguousarray(np.asarray(split.images)[:, ::-1]))

    options = ExtractOptions(learner="tree", budget=20)
    other = replace(source, dataset=replace(source.dataset, test=turned(source.dataset.test)))
    ours = extract(options, source, Repository(tmp_path / "a"), "three")
    theirs = extract(options, other, Repository(tmp_path / "b"), "three")
    assert ours.program == theirs.program
    assert ours.quantisation == theirs.quantisation


@pytest.mark.parametrize("learner", ["tree", "fold"])
def test_a_budget_that_no_program_fits_is_refused_and_nothing_is_written(
    source: Source, tmp_path: Path, learner: str
) -> None:
    options = ExtractOptions(learner=learner, budget=1)
    with pytest.raises(BadOption, match=f"no {learner} program fits a budget of 1 literals; the"):
        extract(options, source, Repository(tmp_path), "three")
    assert not list(tmp_path.rglob("rules.pl"))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"cuts": 2}, "2 cuts per feature need the threshold quantile or info-gain, not mean"),
        ({"budget": 0}, "budget must be at least 1, not 0"),
        ({"budget": 9, "chain": "refit"}, "leave out --budget or --chain"),
    ],
)
def test_options_that_do_not_go_together_are_refused(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(BadOption, match=said):
        ExtractOptions(**asked)
