"""The learner `approximation` on a small network, against the network with its values rounded."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from proofsight.prolog_home import prolog_home
from proofsight_server.errors import BadOption, BadWeights
from proofsight_server.extraction import formula_choice, program_size
from proofsight_server.extraction.approximation import Approximation
from proofsight_server.extraction.composed_program import Composed
from proofsight_server.extraction.evaluate import evaluate_revision
from proofsight_server.extraction.extract import Source, extract
from proofsight_server.extraction.formula_choice import Found, most_faithful
from proofsight_server.extraction.layerwise import Reading, Subject, explained
from proofsight_server.extraction.options import ExtractOptions
from proofsight_server.extraction.progress import Watch
from proofsight_server.knowledge.repository import Repository
from proofsight_server.knowledge.revision import check_revision
from proofsight_server.knowledge.source import write_quantiser, write_rules
from proofsight_server.reasoning.call import Question
from proofsight_server.reasoning.facts import FactsFrame
from proofsight_server.reasoning.pool import Pool
from proofsight_server.rules.entry import entry_layers, observed_at
from proofsight_server.rules.evaluation import evaluate, firing
from proofsight_server.rules.program import AtLeast, ClassHead, DerivedHead, Literal, Program, Rule
from proofsight_server.symbols.feature import Ints
from proofsight_server.vision.dataset import Dataset, open_dataset
from proofsight_server.vision.layers import LayerInfo
from proofsight_server.vision.network import Network
from proofsight_server.vision.preprocessing import Preprocessing

CLASSES = ("digit 0", "Digit_1", "it's two")
WHOLE: dict[str, Any] = {"order": None, "max_terms": None, "min_support": 0}


class Small(nn.Module):
    """Means of five channels, four hidden units, three classes."""

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 5, 3, padding=1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.hidden = nn.Linear(5, 4)
        self.activation = activation
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        means = self.pool(torch.relu(self.conv(x))).flatten(1)
        out: Tensor = self.head(self.activation(self.hidden(means)))
        return out


@pytest.fixture(scope="module")
def dataset(archive: Path) -> Dataset:
    return open_dataset(f"npz:{archive}", seed=3)


Make = Callable[..., Subject]


@pytest.fixture(scope="module")
def subject(dataset: Dataset) -> Make:
    """Makes the small network, its units and classes even over the images, and what to explain."""
    images = dataset.split("train").images

    def make(activation: nn.Module, layers: tuple[str, ...] = ("hidden",)) -> Subject:
        torch.manual_seed(5)
        module = Small(activation).eval()
        preprocessing = Preprocessing(mode="L")
        network = Network(module, "tests:small", {}, CLASSES, preprocessing, (1, 8, 8))
        with torch.no_grad():
            batch = network.prepare(images)
            for linear in (module.hidden, module.head):
                linear.weight.mul_(30)
                taken: list[Tensor] = []
                hook = linear.register_forward_hook(lambda _, __, out: taken.append(out))  # noqa: B023
                module(batch)
                hook.remove()
                linear.bias.sub_(taken[0].mean(0))
        return Subject(network, dataset, explained(network, layers), 3, 256, Watch())

    return make


def decided(
    reading: Reading, subject: Subject, split: str, entry: str | None = None
) -> tuple[Ints, Ints]:
    """What the program and the network decide; the program is entered at its lowest layer."""
    quantisation, program = reading.quantisation, reading.program
    infos = [layer.below for layer in subject.layers]
    seen = subject.see(quantisation.features, infos)[split]
    bits = quantisation.bits(seen.values)
    observed = observed_at(entry or infos[0].layer.atom, program, quantisation.by_layer)
    decisions = evaluate(program, bits, quantisation.names, observed=observed).decisions
    return decisions, seen.decisions


def rounded(subject: Subject, split: str, ends: tuple[float, float] = (0.0, 1.0)) -> Ints:
    """The network's forward pass with inputs and hidden values rounded to their ends."""
    layers = subject.layers
    seen = subject.see(layers[0].inputs, [layers[0].below])  # type: ignore[union-attr]
    train, values = seen["train"].values.astype(float), seen[split].values.astype(float)
    low, high = train.min(0), train.max(0)
    threshold = (low + 0.5 * (high - low)).astype(np.float32)
    x = np.where(seen[split].values > threshold, high, low)
    assert values.shape == x.shape
    for layer in layers[:-1]:
        x = np.where(x @ layer.weight.T + layer.bias >= 0, ends[1], ends[0])
    return np.asarray((x @ layers[-1].weight.T + layers[-1].bias).argmax(1))


def read(subject: Subject, **options: Any) -> Reading:
    return Approximation(**{"fallback": None, **options}).read(subject)


@pytest.mark.parametrize(
    ("activation", "ends"), [(nn.Sigmoid(), (0.0, 1.0)), (nn.Tanh(), (-1.0, 1.0))]
)
def test_whole_formulas_decide_as_the_network_with_rounded_values(
    subject: Make, activation: nn.Module, ends: tuple[float, float]
) -> None:
    made = subject(activation)
    ours, _ = decided(read(made, **WHOLE), made, "test")
    assert (ours == rounded(made, "test", ends)).all()


@pytest.mark.parametrize("options", [{"sides": "on"}, {"negation": "closed"}])
def test_whole_formulas_need_no_off_side(subject: Make, options: dict[str, str]) -> None:
    made = subject(nn.Sigmoid())
    reading = read(made, **WHOLE, **options)
    hidden = {r.head.proposition for r in reading.program.rules if isinstance(r.head, DerivedHead)}
    assert not any(name.endswith("_off") for name in hidden)
    assert (decided(reading, made, "test")[0] == rounded(made, "test")).all()


@pytest.mark.parametrize("order", [2, 3])
def test_cut_formulas_leave_images_undecided_and_decide_none_otherwise(
    subject: Make, order: int
) -> None:
    made = subject(nn.Sigmoid())
    ours, _ = decided(read(made, order=order, max_terms=None, min_support=0), made, "test")
    assert set(np.flatnonzero(ours >= 0)) <= set(np.flatnonzero(ours == rounded(made, "test")))


def test_a_class_is_the_and_of_its_rivals_and_hidden_units_are_derived_on_both_sides(
    subject: Make,
) -> None:
    reading = read(subject(nn.Sigmoid()), **WHOLE)
    classes = [rule for rule in reading.program.rules if isinstance(rule.head, ClassHead)]
    bodies = {rule.head.name: {l.proposition for l in rule.literals()} for rule in classes}  # type: ignore[union-attr] # noqa: E741
    assert bodies["Digit_1"] == {"Digit_1_beats_digit 0", "Digit_1_beats_it's two"}
    heads = {r.head.proposition for r in reading.program.rules if isinstance(r.head, DerivedHead)}
    layers = {p.name: p.layer for p in reading.quantisation.propositions if p.feature is None}
    hidden = set(reading.quantisation.by_layer["fc1"])
    assert heads == layers.keys() | hidden
    assert any(name.endswith("_possible") for name in hidden)
    assert {f"{name.removesuffix('_possible')}_off" for name in hidden} & layers.keys()
    assert {layer for name, layer in layers.items() if name.endswith("_off")} == {"conv1"}
    assert not any(
        isinstance(part, AtLeast) for rule in reading.program.rules for part in rule.body
    )
    stats = dict(reading.program.rules[-1].stats)
    assert stats["method"] == "approximation"
    assert {"side", "option", "literals", "support", "heldout_precision"} <= set(stats)


@pytest.mark.parametrize(
    ("activation", "options"),
    [
        (nn.Sigmoid(), {}),
        (nn.Tanh(), {}),
        (nn.ReLU(), {"relu_cut": "gain"}),
        (nn.Sigmoid(), {"negation": "closed"}),
    ],
)
def test_entered_at_the_hidden_layer_formulas_decide_as_the_network_above_its_rounded_values(
    subject: Make, activation: nn.Module, options: dict[str, Any]
) -> None:
    made = subject(activation)
    reading = read(made, **WHOLE, **options)
    program, quantisation = reading.program, reading.quantisation
    assert entry_layers(program, quantisation.by_layer) == ("fc1", "conv1")
    above: Any = made.layers[-1]
    hidden = made.see(above.inputs, [above.below])
    cut = {p.feature.index: p.threshold for p in quantisation.observable if p.layer == "fc1"}  # type: ignore[union-attr]
    train, values = hidden["train"].values, hidden["test"].values
    low, high = {"sigmoid": (0, 1), "tanh": (-1, 1), "relu": (train.min(0), train.max(0))}[
        made.layers[0].activation
    ]
    assert set(cut) == set(range(4))
    x = np.where(values > np.array([cut[unit] for unit in range(4)]), high, low)
    ours, _ = decided(reading, made, "test", "fc1")
    assert (ours == (x @ above.weight.T + above.bias).argmax(1)).all()


def test_what_is_possible_of_a_hidden_unit_is_what_is_not_off(subject: Make) -> None:
    made = subject(nn.Sigmoid())
    reading = read(made, order=2, max_terms=2, min_support=0)
    program, quantisation = reading.program, reading.quantisation
    bits = quantisation.bits(made.see(quantisation.features, _read(made))["test"].values)
    at = {name: place for place, name in enumerate(quantisation.names)}
    twins = [name for name in at if name.endswith("_possible")]
    assert twins
    for name in twins:  # observed, both speak of one value
        on = at.get(name.removesuffix("_possible"))
        assert on is None or (bits[:, at[name]] == bits[:, on]).all()
    low = observed_at("conv1", program, quantisation.by_layer)
    fires = firing(program, bits, quantisation.names, observed=low)
    heads = [getattr(rule.head, "proposition", "") for rule in program.rules]
    for name in twins:
        unit = name.removesuffix("_possible")
        derived, off, on_side = (
            fires[:, [k for k, head in enumerate(heads) if head == own]].any(axis=1)
            for own in (name, f"{unit}_off", unit)
        )
        assert (derived == ~off).all()
        assert not (on_side & ~derived).any()


def _read(made: Subject) -> list[LayerInfo]:
    return [layer.below for layer in made.layers]


def test_without_hidden_layers_the_values_below_the_logits_are_the_inputs(subject: Make) -> None:
    made = subject(nn.ReLU(), ())
    reading = read(made, **WHOLE)
    assert [layer.atom for layer in reading.quantisation.layers] == ["fc1", "fc2"]
    assert (decided(reading, made, "test")[0] == rounded(made, "test")).all()


def test_terms_limited_to_images_are_right_on_the_images_they_were_found_on(subject: Make) -> None:
    made = subject(nn.ReLU(), ())
    ours, network = decided(read(made, order=None, max_terms=None, limit_data="on"), made, "train")
    assert (ours >= 0).any()
    assert (ours == network)[ours >= 0].all()


def test_box_terms_are_right_on_every_image_within_the_range(subject: Make) -> None:
    made = subject(nn.Tanh(), ())
    reading = read(made, **WHOLE, literal="box", cut=0.8)
    ours, network = decided(reading, made, "train")
    assert (ours == network)[ours >= 0].all()


def test_logits_give_a_formula_per_class_and_their_own_agreement(subject: Make) -> None:
    made = subject(nn.Sigmoid(), ())
    reading = read(made, **WHOLE, softmax="logit")
    assert reading.program.policy == "confidence"
    assert {type(rule.head) for rule in reading.program.rules} == {ClassHead}
    assert 0 <= reading.report["logit"]["all_classes"] <= reading.report["logit"]["agreement"] <= 1


def test_saturation_ranges_and_agreement_are_those_of_the_activations(subject: Make) -> None:
    made = subject(nn.Tanh())
    reading = read(made, **WHOLE)
    layer, above = made.layers
    below = made.see(layer.inputs, [layer.below])  # type: ignore[union-attr]
    hidden = made.see(above.inputs, [above.below])["train"].values.astype(float)  # type: ignore[union-attr]
    document = json.loads(reading.annexes["approximation.json"])
    distance = np.minimum(hidden + 1, 1 - hidden) / 2
    told = document["saturation"][0]["units"]
    assert [unit["mean"] for unit in told] == pytest.approx(distance.mean(0).tolist(), abs=1e-6)
    assert [unit["near"] for unit in told] == pytest.approx((distance <= 0.1).mean(0).tolist())
    assert list(reading.report["inputs"]["low"].values()) == below["train"].values.min(0).tolist()
    low, high = below["train"].values.min(0), below["train"].values.max(0)
    beyond = (below["test"].values < low) | (below["test"].values > high)
    assert reading.report["inputs"]["outside"]["values"] == int(beyond.sum())
    ours, network = decided(reading, made, "test")
    figures = reading.report["figures"]["composed"]["test"]
    assert figures["fidelity"] == float((ours == network).mean())
    assert figures["undecided"] == float((ours < 0).mean())
    assert any("extremely inaccurate" in warning for warning in reading.warnings)


def test_a_tree_takes_the_place_of_what_leans_on_relu_and_both_figures_are_told(
    subject: Make,
) -> None:
    made = subject(nn.ReLU())
    reading = Approximation(relu_cut="gain").read(made)
    assert reading.report["taken"] == "pedagogical"
    assert set(reading.report["figures"]) == {"composed", "limited", "pedagogical"}
    assert all(dict(rule.stats)["method"] == "pedagogical" for rule in reading.program.rules)
    told = " ".join(reading.warnings)
    assert "is relu, which has no upper end" in told
    assert "published: pedagogical" in told


@pytest.mark.parametrize("relu_cut", [0, "gain", "half"])
def test_relu_is_composed_with_a_named_cut(subject: Make, relu_cut: Any) -> None:
    reading = read(subject(nn.ReLU()), **WHOLE, relu_cut=relu_cut)
    assert reading.report["taken"] == "composed"
    assert reading.report["layers"][0]["activation"] == "relu"


def test_small_weights_are_dropped_and_listed(subject: Make) -> None:
    made = subject(nn.ReLU(), ())
    reading = read(made, **WHOLE, drop_quantile=0.5)
    units = json.loads(reading.annexes["approximation.json"])["units"][0]
    assert all(len(unit["dropped"]) == 2 for unit in units)
    assert all(unit["rounded_agreement"] <= 1 for unit in units)


def test_a_side_that_needs_a_dropped_input_is_told_with_what_mends_it(subject: Make) -> None:
    made = subject(nn.Sigmoid(), ())
    high = read(made, **WHOLE).report["inputs"]["high"]
    weight, bias = np.zeros((3, 4)), np.zeros(3)
    weight[1] = np.arange(1.0, 5.0)
    # Only where all four inputs are at their ends does the class beat the first.
    bias[1] = 1e-3 - weight[1] @ list(high.values())
    (layer,) = made.layers
    made = replace(made, layers=(replace(layer, weight=weight, bias=bias),))
    sentence = "they need inputs that drop_quantile left out; lower it"
    options = {**WHOLE, "limit_data": False}
    assert sentence not in " ".join(read(made, **options).warnings)
    with pytest.raises(BadOption, match=sentence):
        read(made, **options, drop_quantile=0.5)


def test_a_diagram_of_each_unit_is_counted_on_request(subject: Make) -> None:
    reading = read(subject(nn.ReLU(), ()), **WHOLE, diagram=True)
    diagrams = json.loads(reading.annexes["approximation.json"])["diagrams"][0]
    assert len(diagrams) == 3
    assert all(found["exact"] and found["agreement"] == 1 for found in diagrams)


def test_caps_that_were_reached_and_inputs_outside_the_range_are_told(subject: Make) -> None:
    reading = read(subject(nn.Sigmoid(), ()), order=None, max_terms=2, min_support=0)
    assert "max_terms ended the search for" in " ".join(reading.warnings)
    assert reading.report["layers"][0]["status"]["terms"] > 0


def test_more_rules_than_a_server_loads_are_refused_with_a_cap_that_fits(
    subject: Make, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = subject(nn.Sigmoid())
    whole = len(read(made, **WHOLE).program.rules)
    most = whole - 4
    monkeypatch.setattr(program_size, "MOST_RULES", most)
    options = ExtractOptions(
        layers=("hidden",), learner="approximation", learner_options={"fallback": None, **WHOLE}
    )
    with pytest.raises(BadOption, match=f"has {whole} rules, and a server loads {most} at") as told:
        extract(options, Source(dataset, made.network), Repository(tmp_path), "small")
    assert not (tmp_path / "small").exists()
    cap = int(re.findall(r"max_terms=(\d+)", str(told.value))[0])
    fits = read(made, **{**WHOLE, "max_terms": cap})
    assert len(fits.program.rules) <= most


@given(st.lists(st.integers(0, 30), min_size=1, max_size=8), st.integers(0, 200))
def test_the_cap_named_is_the_greatest_that_fits(counts: list[int], most: int) -> None:
    counts = sorted(counts)
    caps = range(max(counts) + 1)
    best = max(cap for cap in caps if sum(min(cap, count) for count in counts) <= most)
    assert program_size.largest_cap(counts, most) == best


def test_an_order_below_every_term_is_refused_and_the_least_is_named(subject: Make) -> None:
    with pytest.raises(BadOption, match="the least order that gives one of them a term is 2"):
        read(subject(nn.Sigmoid()), order=1)


def test_a_unit_without_weights_is_told_and_a_constant_input_is_listed(subject: Make) -> None:
    made = subject(nn.Sigmoid())
    module: Any = made.network.module
    with torch.no_grad():
        module.hidden.weight[1] = 0
        module.conv.weight[2] = 0
        module.conv.bias[2] = -1
    made = replace(made, layers=explained(made.network, ("hidden",)))
    reading = read(made, **WHOLE)
    told = " ".join(reading.warnings)
    assert "all weights of fc1_u1 are 0" in told
    assert "1 inputs are the same on all training images" in told
    assert reading.report["inputs"]["constant"] == ["conv1_c2"]


@pytest.mark.parametrize("layers", [(), ("hidden",)])
def test_a_network_that_decides_all_images_alike_has_no_program(
    subject: Make, layers: tuple[str, ...]
) -> None:
    made = subject(nn.Sigmoid(), layers)
    module: Any = made.network.module
    with torch.no_grad():
        module.head.weight.zero_()
    made = replace(made, layers=explained(made.network, layers))
    with pytest.raises(BadOption, match=r"no rule reads an input.* train it"):
        read(made, **WHOLE)


def test_weights_that_are_not_finite_are_refused(subject: Make) -> None:
    made = subject(nn.Sigmoid())
    module: Any = made.network.module
    with torch.no_grad():
        module.head.weight[1, 2] = float("nan")
    made = replace(made, layers=explained(made.network, ("hidden",)))
    with pytest.raises(BadWeights, match="unit 1 of fc2"):
        read(made)


@pytest.mark.parametrize(
    ("activation", "layers", "options", "said"),
    [
        (nn.ReLU(), ("hidden",), {}, "has no middle to cut at; name one"),
        (nn.GELU(), ("hidden",), {}, "has the activation gelu"),
        (nn.Sigmoid(), ("hidden",), {"sides": "on"}, "add negation=closed"),
    ],
)
def test_layers_that_cannot_be_composed_are_refused(
    subject: Make,
    activation: nn.Module,
    layers: tuple[str, ...],
    options: dict[str, Any],
    said: str,
) -> None:
    with pytest.raises(BadOption, match=said):
        read(subject(activation, layers), **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"order": 0}, "order is a whole number from 1, auto, none, not 0"),
        ({"order": "deep"}, "order is a whole number from 1, auto, none"),
        ({"max_terms": 2.5}, "max_terms is a whole number from 1, auto, none"),
        ({"min_support": -1}, "min_support is a whole number from 0, not -1"),
        ({"time_limit": 0}, "time_limit is a number of seconds above 0, or none, not 0"),
        ({"time_limit": math.inf}, "time_limit is a number of seconds above 0, or none, not inf"),
        ({"time_limit": "long"}, "time_limit is a number"),
        ({"drop_quantile": "few"}, "drop_quantile is a number"),
        ({"literal": "corner"}, "literal is one of vertex, box"),
        ({"cut": 1.0}, "cut is a share"),
        ({"relu_cut": "mean"}, "relu_cut is one of 0, gain, half, none"),
        ({"drop_quantile": 1.0}, "below 1"),
        ({"limit_data": True, "min_support": 0}, "min_support is 0"),
        ({"limit_data": True, "literal": "box"}, "leave one of them out"),
    ],
)
def test_options_out_of_their_range_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadOption, match=said):
        Approximation(**options)


def test_what_is_published_checks_and_decides_as_what_was_read(
    subject: Make, dataset: Dataset, tmp_path: Path
) -> None:
    made = subject(nn.Sigmoid())
    options = ExtractOptions(
        layers=("hidden",), learner="approximation", learner_options={"fallback": None, **WHOLE}
    )
    revision = extract(options, Source(dataset, made.network), Repository(tmp_path), "small")
    source, edited = check_revision(revision.directory)
    assert (source.issues, edited) == ((), ())
    stored = revision.manifest.figures
    own = stored["approximation"]["figures"]["composed"]["test"]
    assert (revision.directory / "curves" / "approximation.json").is_file()
    again = evaluate_revision(revision, dataset, made.network, batch=100)
    for figures in (stored, again.figures):
        top, low = figures["entries"]
        assert (top["layer"], low["layer"]) == ("fc1", "conv1")
        assert top["program"]["test"]["fidelity"] == figures["test"]["fidelity"]
        assert low["program"]["test"]["fidelity"] == own["fidelity"]
        assert low["program"]["test"]["undecided"] == own["undecided"]
        assert {link["proposition"] for link in top["links"]["test"]} == set(
            revision.quantisation.by_layer["fc1"]
        )


async def test_prolog_decides_every_input_as_the_vectorised_program(
    subject: Make, tmp_path: Path
) -> None:
    reading = read(subject(nn.Sigmoid()), order=2, max_terms=None, min_support=0)
    quantisation, program = reading.quantisation, reading.program
    layers = quantisation.by_layer
    (tmp_path / "quantiser.pl").write_text(
        write_quantiser(quantisation.layers, quantisation.propositions), encoding="utf-8"
    )
    (tmp_path / "rules.pl").write_text(write_rules(program), encoding="utf-8")
    # all inputs below the hidden layer and, with that observed, all of its units
    units = [f.index for p in quantisation.observable if (f := p.feature) and p.layer == "fc1"]
    below = np.array(list(product((False, True), repeat=len(layers["conv1"]))))
    above = np.array(list(product((False, True), repeat=4)))[:, units]
    bits = np.concatenate(
        [
            np.hstack([below, np.ones((len(below), len(units)), dtype=bool)]),
            np.hstack([np.repeat(below[:1], len(above), axis=0), above]),
        ]
    )
    on = np.nextafter(quantisation.thresholds, np.float32(np.inf), dtype=np.float32)
    values = np.where(bits, on, quantisation.thresholds)
    values[: len(below), len(layers["conv1"]) :] = np.nan
    decisions = np.concatenate(
        [
            evaluate(
                program,
                part,
                quantisation.names,
                observed=observed_at(entry, program, layers),
            ).decisions
            for part, entry in ((bits[: len(below)], "conv1"), (bits[len(below) :], "fc1"))
        ]
    )
    async with Pool(tmp_path, prolog_home(), workers=1, queue=1000) as pool:
        frames = [FactsFrame("img", np.ascontiguousarray(row), ()) for row in values]
        proofs = await asyncio.gather(*(pool.explain(f, Question("decision")) for f in frames))
    said = [proof["decision"] for proof in proofs]
    assert said == [None if index < 0 else program.classes[index] for index in decisions]
    assert None in said and len(set(said)) > 1


@pytest.mark.parametrize(("most", "limited"), [(60_000, False), (20, True)])
def test_auto_takes_the_more_faithful_formulas_of_those_that_a_server_loads(
    subject: Make, monkeypatch: pytest.MonkeyPatch, most: int, limited: bool
) -> None:
    monkeypatch.setattr(formula_choice, "MOST_RULES", most)
    made = subject(nn.Sigmoid(), ())
    auto = read(made)
    taken, other = read(made, limit_data=limited), read(made, limit_data=not limited)
    figures = auto.report["figures"]
    assert auto.report["options"]["limit_data"] is limited
    assert auto.program == taken.program
    assert figures["composed"] == taken.report["figures"]["composed"]
    kind = "every_input" if limited else "limited"
    assert figures[kind] == other.report["figures"]["composed"]
    told = [said for said in auto.warnings if said.startswith("limit_data=auto took")]
    assert len(told) == 1
    for reading in (taken, other):
        assert f"{reading.report['figures']['composed']['validation']['fidelity']:.4f}" in told[0]
    assert ("more than the 20 that a server loads" in told[0]) is limited


@pytest.mark.parametrize(
    ("every", "limited", "taken"),
    [(0.5, 0.6, True), (0.6, 0.5, False), (0.5, 0.5, False)],
)
@pytest.mark.parametrize("split", ["validation", "train"])
def test_the_choice_is_by_validation_images_or_training_images_where_there_are_none(
    every: float, limited: float, taken: bool, split: str
) -> None:
    rule = Rule("", ClassHead("a"), (Literal("p"),))
    whole = Composed(Program((rule,), ("a", "b")), ())
    tries = [
        Found(
            limit, (), whole, {"rules": 1, split: {"fidelity": own}, "test": {"fidelity": 1 - own}}
        )
        for limit, own in ((False, every), (True, limited))
    ]
    assert most_faithful(tries).limited is taken


def test_formulas_asked_for_are_not_compared_with_others(subject: Make) -> None:
    figures = read(subject(nn.Sigmoid()), limit_data=False).report["figures"]
    assert figures.keys() == {"composed"}
