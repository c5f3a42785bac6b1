"""Chained extraction, and what is measured wherever its program is entered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch

from proofsight_server.errors import BadOption, UnknownLayer
from proofsight_server.extraction.entries import curve_of, require_entries
from proofsight_server.extraction.evaluate import evaluate_revision
from proofsight_server.extraction.extract import Source, extract
from proofsight_server.extraction.options import ExtractOptions
from proofsight_server.extraction.progress import Watch
from proofsight_server.knowledge.repository import Repository
from proofsight_server.knowledge.revision import Revision
from proofsight_server.rules.entry import entry_layers, observed_at
from proofsight_server.rules.evaluation import evaluate
from proofsight_server.rules.program import DerivedHead, Program
from proofsight_server.symbols.feature import Ints
from proofsight_server.vision.layers import resolve
from proofsight_server.vision.probe import Probe, Reader, probe_split

SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def report(chained: Revision, source: Source) -> dict[str, Any]:
    return evaluate_revision(chained, source.dataset, source.network, batch=100).to_json()


def decided(chained: Revision, source: Source, split: str, entry: str) -> tuple[Ints, Ints]:
    """What program and network decide, read off the network anew."""
    quantisation, program = chained.quantisation, chained.program
    reader = Reader(source.network, quantisation.features, quantisation.layers)
    seen = probe_split(reader, source.dataset.split(split))
    observed = observed_at(entry, program, quantisation.by_layer)
    bits = quantisation.bits(seen.values)
    found = evaluate(program, bits, quantisation.names, observed=observed)
    return found.decisions, seen.decisions


def propositions_of(program: Program, rules: Sequence[object]) -> set[str]:
    return {li.proposition for rule in program.rules if rule in rules for li in rule.literals()}


def test_layers_are_chained_in_their_order_whatever_the_order_of_their_names(
    chained: Revision, source: Source, tmp_path: Path
) -> None:
    assert [layer.atom for layer in chained.quantisation.layers] == ["conv2", "conv3"]
    other = ExtractOptions(
        layers=("conv2", chained.quantisation.layers[1].module),
        layer_grids={"conv2": (1, 2)},
        chain="faithful",
        chain_leaves=8,
        max_rules=8,
        seed=3,
    )
    again = extract(other, source, Repository(tmp_path), "three")
    for name in ("rules.pl", "quantiser.pl"):
        assert (again.directory / name).read_bytes() == (chained.directory / name).read_bytes()


def test_the_top_layer_is_read_whole_and_the_lower_one_in_cells(chained: Revision) -> None:
    grids = {
        (p.layer, p.feature.cell.grid if p.feature.cell else (1, 1))
        for p in chained.quantisation.observable
        if p.feature is not None
    }
    assert grids == {("conv2", (1, 1)), ("conv2", (2, 2)), ("conv3", (1, 1))}


def test_the_class_comes_from_the_top_and_the_top_from_below(chained: Revision) -> None:
    program = chained.program
    derived = [rule for rule in program.rules if isinstance(rule.head, DerivedHead)]
    top = [rule for rule in program.rules if rule not in derived]
    assert all(name.startswith("conv3") for name in propositions_of(program, top))
    assert all(name.startswith("conv2") for name in propositions_of(program, derived))
    assert entry_layers(program, chained.quantisation.by_layer) == ("conv3", "conv2")


def test_the_manifest_records_the_chain(chained: Revision) -> None:
    method = chained.manifest.method
    assert (method["chain"], method["chain_leaves"]) == ("faithful", 8)
    assert method["layers"] == ["conv3", "conv2"]
    assert method["layer_grids"] == {"conv2": [1, 2]}
    assert [entry["layer"] for entry in chained.manifest.figures["entries"]] == ["conv3", "conv2"]


def test_figures_of_each_entry_are_those_of_counting(
    chained: Revision, source: Source, report: dict[str, Any]
) -> None:
    assert report["note"] == "the same figures as at extraction"
    for entry in report["entries"]:
        for split in SPLITS:
            program, network = decided(chained, source, split, entry["layer"])
            labels = source.dataset.split(split).labels
            assert labels is not None
            figures = entry["program"][split]
            assert figures["fidelity"] == pytest.approx((program == network).mean())
            assert figures["accuracy"] == pytest.approx((program == labels).mean())
    top, low = report["entries"]
    assert top["program"]["test"]["fidelity"] == report["test"]["fidelity"]
    assert low["links"]["test"] == []
    used = {link["proposition"] for link in top["links"]["test"]}
    assert used == {n for n in chained.program.propositions() if n.startswith("conv3")}


def test_the_network_on_a_quantised_layer_is_run_from_its_templates(
    chained: Revision, source: Source, report: dict[str, Any]
) -> None:
    # conv3 is read behind the last ReLU: a global average and the linear head follow.
    network = source.network
    module: Any = network.module
    quantisation = chained.quantisation
    layers = resolve(network, ["conv3"])
    own = [p for p in quantisation.observable if p.layer == "conv3"]
    parts = {}
    with Probe(network, layers) as probe:
        for split in ("train", "test"):
            _, maps = probe.maps(network.prepare(source.dataset.split(split).images))
            parts[split] = maps["conv3"].mean((2, 3)).double()
            sums = maps["conv3"].double().abs().sum((2, 3))
            parts[f"{split} bits"] = torch.stack(
                [
                    sums[:, p.feature.index].float() > torch.tensor(p.threshold).float()
                    for p in own
                    if p.feature is not None and p.threshold is not None
                ],
                dim=1,
            )
    told = parts["train"].mean(0).expand(len(parts["test"]), -1).clone()
    for place, proposition in enumerate(own):
        assert proposition.feature is not None
        for bit in (False, True):
            group = parts["train"][parts["train bits"][:, place] == bit]
            here = parts["test bits"][:, place] == bit
            told[here, proposition.feature.index] = group[:, proposition.feature.index].mean()
    linear = [child for child in module.modules() if isinstance(child, torch.nn.Linear)][-1]
    with torch.inference_mode():
        decisions = linear(told.float()).numpy().argmax(1)
    labels = source.dataset.test.labels
    assert labels is not None
    top = report["entries"][0]
    assert top["layer"] == "conv3" and not quantisation.aliases
    assert top["network"]["test"]["accuracy"] == pytest.approx((decisions == labels).mean())


def test_the_curve_shows_every_entry_and_hybrid(report: dict[str, Any]) -> None:
    root = ElementTree.fromstring(curve_of(report["entries"], "test"))
    shown = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"conv2", "conv3", "program on the network below, fidelity"} <= set(shown)
    assert len(list(root.iter("{http://www.w3.org/2000/svg}circle"))) == 2 * 5


def test_a_program_of_one_layer_has_no_entries_to_compare(
    source: Source, extracted: Revision
) -> None:
    phases: list[str] = []
    watch = Watch(lambda phase, done, total: phases.append(phase))
    report = evaluate_revision(extracted, source.dataset, source.network, watch=watch)
    assert report.figures["entries"] == []
    assert not any("bits" in phase for phase in phases), "the network is run once"
    with pytest.raises(BadOption, match="entered at conv3 only, so that there is no curve"):
        require_entries(extracted.program, extracted.quantisation)


@pytest.mark.parametrize(
    ("layers", "error", "words"),
    [
        (("conv3",), BadOption, "at least two layers, and only conv3"),
        ((), BadOption, "at least two layers"),
        (("conv3", "conv3"), BadOption, "is named twice"),
        (("conv3", "features.9"), BadOption, "read at the same point"),
        (("conv3", "conv4"), UnknownLayer, "conv3"),
    ],
)
def test_layers_that_make_no_chain_are_refused_and_nothing_is_written(
    layers: tuple[str, ...],
    error: type[Exception],
    words: str,
    source: Source,
    tmp_path: Path,
) -> None:
    options = ExtractOptions(layers=layers, chain="faithful")
    with pytest.raises(error, match=words):
        extract(options, source, Repository(tmp_path / "r"), "x")
    assert list(tmp_path.rglob("*")) == []


def test_a_lower_layer_without_features_is_refused_and_nothing_is_written(
    source: Source, tmp_path: Path
) -> None:
    options = ExtractOptions(
        layers=("conv2", "conv3"),
        chain="faithful",
        threshold="mean_std",
        threshold_options={"gamma": 1000.0},
    )
    with pytest.raises(BadOption, match=r"none of the .* features of conv2 divides"):
        extract(options, source, Repository(tmp_path / "r"), "x")
    assert list(tmp_path.rglob("*")) == []


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(BadOption, match="chain mode 'loyal' is not known; use one of faithful"):
        ExtractOptions(chain="loyal")  # type: ignore[arg-type]  # the point
    with pytest.raises(BadOption, match="grid must be at least 1"):
        ExtractOptions(layer_grids={"conv2": (0,)})
