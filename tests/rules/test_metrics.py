from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings

from proofsight_server.errors import BadTensor
from proofsight_server.rules.baselines import baselines
from proofsight_server.rules.confidence import wilson
from proofsight_server.rules.metrics import Metrics, Size, Summary, measure, size_of, summarise
from proofsight_server.rules.program import (
    AtLeast,
    ClassHead,
    DerivedHead,
    ExceptionHead,
    Literal,
    Program,
    Rule,
    Unless,
)
from proofsight_server.rules.statistics import with_counts, with_layers
from proofsight_server.symbols.feature import Cell, Feature, Proposition
from tests.rules import slow_evaluation
from tests.strategies import LAYERS, random_bits, random_generators, random_program

THREE = Program(
    (
        Rule("r1", ClassHead("a"), (Literal("p"), Unless("r1"))),
        Rule("r1_1", ExceptionHead("r1"), (Literal("q"),)),
        Rule(
            "r2",
            ClassHead("b"),
            (AtLeast(1, (Literal("q"), Literal("s", False))), Literal("p", False)),
        ),
    ),
    ("a", "b"),
    default="b",
)
BITS = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]], dtype=bool)  # decided a, -, b, -


def test_three_rules_are_measured_as_by_hand() -> None:
    cnn, labels = np.array([0, 1, 0, 0]), np.array([0, 1, 1, 1])
    assert measure(THREE, BITS, ("p", "q", "s"), cnn, labels) == Metrics(
        images=4,
        accuracy=1.0,
        cnn_accuracy=0.5,
        fidelity=0.5,
        undecided=0.5,
        covered_fidelity=0.5,
        error_fidelity=0.0,
    )
    undefined = measure(replace(THREE, default=None), BITS, ("p", "q", "s"), cnn, labels)
    assert (undefined.fidelity, undefined.accuracy, undefined.undecided) == (0.25, 0.5, 0.5)


def test_shares_of_no_images_are_left_open() -> None:
    silent = measure(Program((), ("a", "b")), BITS, ("p", "q", "s"), np.zeros(4, np.int64))
    assert silent == Metrics(4, None, None, 0.0, 1.0, None, None)
    right = np.array([0, 1, 1, 1])
    assert measure(THREE, BITS, ("p", "q", "s"), right, right).error_fidelity is None
    with pytest.raises(BadTensor, match="no images"):
        measure(THREE, BITS[:0], ("p", "q", "s"), right[:0])
    with pytest.raises(BadTensor, match="labels have shape"):
        measure(THREE, BITS, ("p", "q", "s"), right, right[1:])


def test_literals_are_counted_alike_everywhere() -> None:
    features = (Feature("c1", 0), Feature("c1", 0, "l1", Cell((2, 2), (0, 0))), Feature("c1", 1))
    propositions = [
        Proposition(name, "c1", feature, 0.5) for name, feature in zip("pqs", features, strict=True)
    ]
    assert size_of(THREE, propositions) == Size(
        rules=3, top_rules=2, literals=6, atoms=2, propositions=3, mean_body_length=2.0
    )
    chained = replace(
        THREE, rules=(*THREE.rules, Rule("d1", DerivedHead("q"), (Literal("x"), Literal("p"))))
    )
    assert size_of(chained, propositions) == Size(4, 2, 8, 3, 4, 2.0)
    assert size_of(Program((), ("a",)), ()) == Size(0, 0, 0, 0, 0, 0.0)


def test_seeds_are_summarised_by_mean_and_sample_deviation() -> None:
    first = Metrics(4, 0.5, None, 0.5, 0.0, 1.0, None)
    second = Metrics(4, 0.75, None, 0.5, 0.0, None, None)
    reports = [asdict(first), asdict(second)]
    summary = summarise(reports)
    assert (summary["accuracy"].mean, summary["accuracy"].count) == (0.625, 2)
    assert summary["accuracy"].deviation == pytest.approx(0.125 * 2**0.5)
    assert summary["fidelity"] == Summary(0.5, 0.0, 2)
    assert summary["covered_fidelity"] == Summary(1.0, None, 1)
    assert "cnn_accuracy" not in summary
    assert summarise([]) == {}


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 1 - 0.1611, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilsons_interval_has_its_published_values(
    successes: int, trials: int, low: float, high: float
) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_wilsons_interval_is_exact_at_its_ends_and_refuses_the_impossible() -> None:
    assert wilson(0, 7)[0] == 0.0 and wilson(7, 7)[1] == 1.0
    for successes, trials in ((8, 7), (-1, 7)):
        with pytest.raises(ValueError, match="between 0 and"):
            wilson(successes, trials)


@settings(max_examples=40, deadline=None)
@given(rng=random_generators())
def test_statistics_are_those_of_the_slow_twin(rng: np.random.Generator) -> None:
    program, propositions = random_program(rng)
    names = [p.name for p in propositions if p.feature is not None]
    bits = random_bits(rng, 15, len(names))
    target = rng.integers(0, len(program.classes), 15)
    counted = with_counts(program, bits, names, target)
    for before, after in zip(program.rules, counted.rules, strict=True):
        fired = [
            label
            for row, label in zip(bits, target, strict=True)
            if slow_evaluation.fires(
                program, before, {n: bool(b) for n, b in zip(names, row, strict=True)}
            )
        ]
        stats = dict(after.stats)
        assert stats["support"] == len(fired)
        if isinstance(before.head, ClassHead):
            hits = fired.count(program.classes.index(before.head.name))
            assert stats["confidence"] == (round(hits / len(fired), 4) if fired else 0.0)
            low, high = wilson(hits, len(fired))
            assert (stats["confidence_low"], stats["confidence_high"]) == (
                round(low, 4),
                round(high, 4),
            )
        else:
            assert list(stats) == ["support"]
        assert replace(after, stats=()) == replace(before, stats=())


def test_a_rules_layer_is_the_deepest_that_its_body_reads() -> None:
    propositions = [
        Proposition("p", "conv1", Feature("conv1", 0), 0.5),
        Proposition("q", "fc1", None, None),
    ]
    rules = (
        Rule(
            "r1", ClassHead("a"), (Literal("q"), Literal("p")), (("layer", "old"), ("support", 3))
        ),
        Rule("r2", ClassHead("a"), (AtLeast(1, (Literal("p"),)),)),
        Rule("r3", ClassHead("a"), (Unless("r3"),), (("support", 1),)),
    )
    program = with_layers(Program(rules, ("a",)), LAYERS, propositions)
    assert [rule.stats for rule in program.rules] == [
        (("support", 3), ("layer", "fc1")),
        (("layer", "conv1"),),
        (("support", 1),),
    ]


def test_baselines_are_the_majority_and_a_tree_on_values() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((300, 2), np.float32)
    cnn = (values[:, 0] > 0.3).astype(np.int64)
    splits = {"train": (values[:200], cnn[:200]), "test": (values[200:], cnn[200:])}
    found = baselines(values[:200], cnn[:200], splits, leaves=2)
    assert found["test"].majority == pytest.approx(cnn[200:].mean())
    assert found["train"].value_tree == 1.0
    assert found["test"].value_tree > 0.9
    with pytest.raises(BadTensor, match="test: one decision"):
        baselines(values, cnn, {"test": (values, cnn[1:])}, leaves=2)
