"""From weights to a published revision: rules of M-of-N literals, and their figures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.extraction.evaluate import evaluate_revision
from proofsight_server.extraction.extract import Source, extract
from proofsight_server.extraction.landscape import landscape_svg
from proofsight_server.extraction.layerwise import Reading, Subject, explained
from proofsight_server.extraction.mofn_learner import MofNRules
from proofsight_server.extraction.options import ExtractOptions
from proofsight_server.extraction.progress import Watch
from proofsight_server.extraction.survey import surveyed
from proofsight_server.knowledge.reading import read_program
from proofsight_server.knowledge.repository import Repository
from proofsight_server.knowledge.revision import Revision
from proofsight_server.knowledge.source import write_quantiser, write_rules
from proofsight_server.rules.entry import entry_layers
from proofsight_server.rules.evaluation import firing
from proofsight_server.rules.program import AtLeast, ClassHead, DerivedHead
from proofsight_server.vision.dataset import Dataset
from proofsight_server.vision.unit_layer import logits_layer


@pytest.fixture(scope="module")
def hidden(source: Source) -> Source:
    """A network with a hidden layer of units, trained for a moment."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(24, 6), nn.Tanh(), nn.Linear(6, 3),
    )  # fmt: skip
    split = source.dataset.train
    images = source.network.prepare(split.images)
    labels = torch.from_numpy(split.labels)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(images), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    network = replace(
        source.network,
        module=module.eval().requires_grad_(False),
        model="tests.extraction.test_mofn:hidden",
    )
    return Source(source.dataset, network)


def extracted(source: Source, path: Path, *layers: str, **options: Any) -> Revision:
    chosen = ExtractOptions(layers=layers, learner="mofn", learner_options=options, seed=3)
    return extract(chosen, source, Repository(path), "three")


@pytest.fixture(scope="module")
def revision(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Revision:
    return extracted(source, tmp_path_factory.mktemp("mofn"))


def test_each_class_has_one_rule_of_literals_about_the_last_hidden_layer(
    revision: Revision,
) -> None:
    rules = revision.program.rules
    assert [rule.id for rule in rules] == ["m0", "m1", "m2"]
    assert {rule.head for rule in rules} == {ClassHead(name) for name in revision.manifest.classes}
    for number, rule in enumerate(rules):
        names = [literal.proposition for literal in rule.literals()]
        assert names
        assert all(f"_mean_for_fc1_u{number}" in name for name in names)
        stats = dict(rule.stats)
        assert stats["method"] == "mofn"
        assert stats["literals"] == len(names)
    assert revision.manifest.figures["test"]["fidelity"] > 0.8


def test_figures_are_those_of_counting_image_by_image(revision: Revision, source: Source) -> None:
    whole = json.loads((revision.directory / "curves" / "mofn.json").read_text())
    assert whole["images"]["fit"] + whole["images"]["heldout"] == len(source.dataset.train)
    (layer,) = whole["layers"]
    report = evaluate_revision(revision, source.dataset, source.network)
    assert report.note == "the same figures as at extraction"
    assert whole["firing"]["test"]["fidelity"] == report.figures["test"]["fidelity"]
    subject = Subject(
        source.network, source.dataset, (logits_layer(source.network),), 3, 64, Watch()
    )
    values = subject.see(revision.quantisation.features, [logits_layer(source.network).below])
    bits = revision.quantisation.bits(values["test"].values)
    fires = firing(revision.program, bits, revision.quantisation.names)
    for number, unit in enumerate(layer["each"]):
        on = values["test"].decisions == number
        assert unit["rule"]["error"]["test"] == (fires[:, number] != on).mean()
        assert unit["rule"]["recall"]["test"] == fires[on, number].mean()
        assert unit["baseline"]["test"] == min(on.mean(), 1 - on.mean())
        assert set(unit["orders"]) == {"weight", "weight*std", "gain", "greedy"}
    shares = whole["firing"]["test"]
    count = fires.sum(axis=1)
    assert shares["none"] == (count == 0).mean()
    assert shares["several"] == (count > 1).mean()
    assert sum(shares[key] for key in ("one_right", "one_wrong", "none", "several")) == 1


def test_what_is_held_out_changes_no_rule(hidden: Source) -> None:
    dataset = hidden.dataset
    layers = explained(hidden.network, [])

    def read(data: Dataset) -> Reading:
        return MofNRules(beta=0.01).read(Subject(hidden.network, data, layers, 3, 64, Watch()))

    first = read(dataset)
    assert read(dataset) == first
    assert read(replace(dataset, test=dataset.test.take([]))).program == first.program


def rows(figures: Mapping[str, Any], layer: str) -> Mapping[str, Any]:
    return next(one for one in figures["mofn"]["layers"] if one["layer"] == layer)


def test_rules_with_cuts_of_their_own_do_not_chain_and_those_with_common_cuts_do(
    hidden: Source, tmp_path: Path
) -> None:
    own = extracted(hidden, tmp_path / "own", "fc1", beta=0.0)
    common = extracted(hidden, tmp_path / "common", "fc1", beta=0.0, splits="common")
    assert any(isinstance(rule.head, DerivedHead) for rule in own.program.rules)
    assert entry_layers(own.program, own.quantisation.by_layer) == ("fc1",)
    below = common.quantisation.layers[0].atom
    assert entry_layers(common.program, common.quantisation.by_layer) == ("fc1", below)
    entries = {one["layer"]: one for one in common.manifest.figures["entries"]}
    assert entries[below]["program"]["test"]["fidelity"] > 0.5
    used = set(common.program.propositions())
    for rule in common.program.rules:
        assert isinstance(rule.head, ClassHead) or rule.head.proposition in used  # type: ignore[union-attr]
    layer = rows(common.manifest.figures, "fc1")
    assert layer["per_target_error"]["fit"] <= layer["rules"]["error"]["fit"] + 0.05


def test_a_layer_of_which_common_cuts_keep_no_rule_is_told(hidden: Source) -> None:
    def told(layer: str) -> bool:
        layers = explained(hidden.network, [layer])
        subject = Subject(hidden.network, hidden.dataset, layers, 3, 64, Watch())
        warnings = MofNRules(beta=0.0, images=60, splits="common").read(subject).warnings
        return any(one.startswith(f"{layer}: none of its rules is in the pro") for one in warnings)

    assert told("conv2")
    assert not told("fc1")


def test_channels_are_explained_at_one_position_and_tried_at_all_others(
    hidden: Source, tmp_path: Path
) -> None:
    revision = extracted(hidden, tmp_path, "conv2", position="1,2", images=120)
    layer = rows(revision.manifest.figures, "conv2")
    assert layer["inputs"] == 9 * 4
    assert layer["moved"]["worst"] >= layer["moved"]["mean"]
    whole = json.loads((revision.directory / "curves" / "mofn.json").read_text())
    assert all(unit["position"] == [1, 2] for unit in whole["layers"][0]["each"])
    with pytest.raises(BadOption, match="rows and columns from 0, not at"):
        extracted(hidden, tmp_path, "conv2", position="1,99", images=60)


def test_a_body_of_at_least_m_is_written_as_simply_as_it_means(
    hidden: Source, tmp_path: Path
) -> None:
    revision = extracted(hidden, tmp_path, beta=0.0, order="greedy")
    for rule in revision.program.rules:
        for element in rule.body:
            if isinstance(element, AtLeast):
                assert 1 <= element.m < len(element.literals)


def test_the_landscape_has_a_curve_and_a_constant_for_each_layer(
    hidden: Source, revision: Revision
) -> None:
    options = MofNRules(order="greedy", images=100).options
    reports = surveyed(hidden.network, hidden.dataset, options, units=2)
    assert [one["layer"] for one in reports] == ["conv2", "fc1", "fc2"]
    assert [one["units"] for one in reports] == [2, 2, 2]
    sizes = [one["size"] for one in reports]
    assert "fc1 (2 of 6 units)" in landscape_svg(reports, "greedy")
    every = surveyed(hidden.network, hidden.dataset, options, layers=["fc1", "fc2"])
    assert [one["units"] for one in every] == [one["size"] for one in every] == sizes[1:]
    picture = (revision.directory / "curves" / "landscape.svg").read_text()
    assert picture.startswith("<svg")
    assert "fc1 (3 of 3 units), compared with" in picture
    header, *lines = (revision.directory / "curves" / "landscape.csv").read_text().splitlines()
    assert header.startswith("layer,below,size,units")
    assert len(lines) == 4 * 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": "size"}, "an order is one of"),
        ({"beta": 2}, "beta .* lies in 0..1, not 2"),
        ({"betas": "0,x"}, "betas are numbers in 0..1"),
        ({"max_body": 0}, "max_body is a number of literals from 1"),
        ({"splits": "each"}, "splits is one of per_target, common"),
        ({"output_weights": "big"}, "output_weights is one of raw, centred"),
        ({"position": "here"}, "position is max_gain or ROW,COLUMN"),
        ({"holdout": 1}, "holdout is a share"),
        ({"images": 1}, "images is a number from 2"),
        ({"tail": 1}, "the mofn learner has no option 'tail'; it has order, beta"),
        ({"order": "exhaustive"}, "at most 20 of them"),
    ],
)
def test_options_out_of_range_are_refused(
    source: Source, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadOption, match=message):
        extracted(source, tmp_path, **options)
    assert not (tmp_path / "three").exists()


def test_units_of_a_landscape_are_drawn_by_the_seed(hidden: Source) -> None:
    options = MofNRules(order="greedy", images=60).options
    drawn = [
        surveyed(hidden.network, hidden.dataset, options, layers=["fc1"], units=2, seed=seed)
        for seed in (0, 0, 1, 2, 3)
    ]
    assert drawn[0] == drawn[1]
    assert len({repr(one) for one in drawn}) > 1


def test_too_many_inputs_for_exhaustive_are_refused_before_an_image_is_read_with_the_time(
    source: Source,
) -> None:
    no_images: Any = None
    subject = Subject(source.network, no_images, (logits_layer(source.network),), 0, 64, Watch())
    with pytest.raises(
        BadOption, match=r"a unit of fc1 has \d+: (some|10\^)\S* .* a unit; use the"
    ):
        MofNRules(order="exhaustive").read(subject)


def test_options_of_bits_are_refused(source: Source, tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="--threshold is for learners that get a table"):
        extract(
            ExtractOptions(learner="mofn", threshold="quantile"), source, Repository(tmp_path), "a"
        )


def test_weights_that_are_not_finite_are_refused_by_unit(hidden: Source) -> None:
    module = list(hidden.network.module.children())
    broken = nn.Linear(6, 3).requires_grad_(False)
    broken.weight.copy_(hidden.network.module[9].weight)  # type: ignore[index]
    network = replace(hidden.network, module=nn.Sequential(*module[:9], broken).eval())
    layers = explained(network, [])
    broken.weight[1, 2] = math.nan
    layer = replace(layers[0], weight=broken.weight.double().numpy())
    broken.weight[1, 2] = 0.0
    subject = Subject(network, hidden.dataset, (layer,), 0, 64, Watch())
    with pytest.raises(BadTensor, match="weight 2 of fc2_u1 is nan"):
        MofNRules().read(subject)


def test_a_unit_without_weights_has_no_literal_and_says_so(hidden: Source) -> None:
    layer = logits_layer(hidden.network)
    weight = layer.weight.copy()
    weight[0] = 0
    subject = Subject(
        hidden.network, hidden.dataset, (replace(layer, weight=weight),), 0, 64, Watch()
    )
    reading = MofNRules(beta=0.0).read(subject)
    assert any("it is never concluded: no input" in one for one in reading.warnings)
    assert [rule.id for rule in reading.program.rules] == ["m1", "m2"]
    (never,) = reading.program.never
    assert never.id == "m0"
    assert never.stats[:3] == (("constant", False), ("method", "mofn"), ("literals", 0))
    source = read_program(
        {
            "quantiser.pl": write_quantiser(
                reading.quantisation.layers, reading.quantisation.propositions
            ),
            "rules.pl": write_rules(reading.program),
        }
    )
    assert source.issues == ()
    assert source.program.never == reading.program.never
    assert np.isfinite(reading.report["layers"][0]["rules"]["complexity"])
    none = replace(layer, weight=np.zeros_like(weight))
    subject = Subject(hidden.network, hidden.dataset, (none,), 0, 64, Watch())
    with pytest.raises(BadOption, match=r"no class has a rule with a literal.*its weights are 0"):
        MofNRules().read(subject)
