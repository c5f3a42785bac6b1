"""What is written must be readable by people, and read back as the same value, byte for byte."""

from __future__ import annotations

import dataclasses
import string
from typing import get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proofsight_server.errors import BadProgram
from proofsight_server.knowledge.label import Label, automatic, by_hand
from proofsight_server.knowledge.reading import read_program
from proofsight_server.knowledge.source import (
    USER_FILE,
    WIDTH,
    feature_term,
    rule_text,
    write_labels,
    write_quantiser,
    write_rules,
)
from proofsight_server.rules.program import (
    AtLeast,
    ClassHead,
    DerivedHead,
    ExceptionHead,
    Head,
    Literal,
    PointsHead,
    Policy,
    Program,
    Rule,
    Unless,
)
from proofsight_server.symbols.feature import Cell, Feature, Layer, Proposition

LAYERS = (
    Layer("conv13", "features.28", "conv", 512, "features.29"),
    Layer("fc1", "classifier.0", "linear", 10, "classifier.1"),
    Layer("conv14", "features.30", "conv", 8, "features.31"),
)
PROPOSITIONS = (
    Proposition("conv13_c26", "conv13", Feature("conv13", 26), 0.41370999813079834),
    Proposition(
        "conv13_c26_max_g2_r0c1",
        "conv13",
        Feature("conv13", 26, "max", Cell((2, 2), (0, 1))),
        1.2000000476837158,
    ),
    Proposition("fc1_u7", "fc1", Feature("fc1", 7, "value"), -0.5),
    Proposition("conv14_c0", "conv14", None, None),
)
PROGRAM = Program(
    rules=(
        Rule(
            "r3",
            ClassHead("street light"),
            (Literal("conv13_c26"), Literal("fc1_u7", False), Unless("r3")),
            (("support", 412), ("confidence", 0.981), ("layer", "conv13"), ("kept", True)),
        ),
        Rule("r3_1", ExceptionHead("r3"), (Literal("conv14_c0"),), (("support", 3),)),
        Rule(
            "r4",
            ClassHead("highway"),
            (
                AtLeast(
                    2,
                    (
                        Literal("conv13_c26"),
                        Literal("conv13_c26_max_g2_r0c1"),
                        Literal("fc1_u7", False),
                    ),
                ),
            ),
        ),
        Rule("d17", DerivedHead("conv14_c0"), (Literal("conv13_c26", False),)),
        Rule("r5", ClassHead("Driveway"), ()),
    ),
    classes=("street light", "highway", "Driveway"),
    policy="ordered",
    default="highway",
    class_order=("street light", "highway", "Driveway"),
)

QUANTISER_TEXT = """\
% What is read off the network, written by Proofsight.
% A proposition is active where its feature's value > the threshold (strictly).

layer(conv13, 'features.28', conv, 512).
reads(conv13, 'features.29').
layer(fc1, 'classifier.0', linear, 10).
reads(fc1, 'classifier.1').
layer(conv14, 'features.30', conv, 8).
reads(conv14, 'features.31').

proposition(conv13_c26, channel(conv13, 26, l1), 0.41370999813079834).
proposition(conv13_c26_max_g2_r0c1, cell(conv13, 26, max, grid(2,2), at(0,1)), 1.2000000476837158).
proposition(fc1_u7, unit(fc1, 7), -0.5).
proposition(conv14_c0, derived(conv14), none).
"""

RULES_TEXT = """\
% The program, written by Proofsight; a person may edit it, and `proofsight check` reads it again.
% Every clause opens with rule(Id, Image), which names it.

class(Image, 'street light') :- rule(r3, Image),
    active(Image, conv13_c26), \\+ active(Image, fc1_u7), \\+ ab(r3, Image).

ab(r3, Image) :- rule(r3_1, Image),
    active(Image, conv14_c0).

class(Image, highway) :- rule(r4, Image),
    at_least(2, [active(Image, conv13_c26), active(Image, conv13_c26_max_g2_r0c1),
        \\+ active(Image, fc1_u7)]).

derived(Image, conv14_c0) :- rule(d17, Image),
    \\+ active(Image, conv13_c26).

class(Image, 'Driveway') :- rule(r5, Image).

policy(ordered).
default_class(highway).
class_order(['street light', highway, 'Driveway']).

rule_stats(r3, [support(412), confidence(0.981), layer(conv13), kept(true)]).
rule_stats(r3_1, [support(3)]).
"""


def written(program: Program, labels: tuple[Label, ...] = ()) -> dict[str, str]:
    return {
        "quantiser.pl": write_quantiser(LAYERS, PROPOSITIONS),
        "rules.pl": write_rules(program),
        "labels.pl": write_labels(labels),
        "user.pl": USER_FILE,
    }


def test_a_quantiser_is_laid_out_as_in_the_architecture() -> None:
    assert write_quantiser(LAYERS, PROPOSITIONS) == QUANTISER_TEXT


def test_a_program_is_laid_out_as_in_the_architecture() -> None:
    assert write_rules(PROGRAM) == RULES_TEXT


def test_a_program_by_points_is_laid_out_as_in_the_architecture() -> None:
    program = Program(
        (
            Rule("p1", PointsHead("frog", 4), (Literal("conv13_c26"),), (("support", 3),)),
            Rule("p2", PointsHead("frog", -1), (Literal("fc1_u3"),)),
            Rule("p3", PointsHead("street light", -2), (Literal("fc1_u7", False),)),
        ),
        ("frog", "street light"),
        "points",
        bases=(("street light", -3),),
    )
    assert write_rules(program).split("\n\n", 1)[1] == (
        "points(Image, frog, 4) :- rule(p1, Image), active(Image, conv13_c26).\n"
        "points(Image, frog, -1) :- rule(p2, Image), active(Image, fc1_u3).\n\n"
        "points(Image, 'street light', -2) :- rule(p3, Image), \\+ active(Image, fc1_u7).\n\n"
        "policy(points).\n"
        "base_points('street light', -3).\n"
        "class_order([frog, 'street light']).\n\n"
        "rule_stats(p1, [support(3)]).\n"
    )


def test_points_beyond_what_prolog_takes_are_refused_when_read() -> None:
    def program(points: int) -> Program:
        return Program((), ("a", "b"), "points", bases=(("a", points),))

    assert read_program(written(program(1_000_000))).checked().program.bases
    with pytest.raises(BadProgram, match="whole numbers from -1000000 to 1000000"):
        read_program(written(program(1_000_001))).checked()


def test_labels_say_who_gave_them() -> None:
    labels = (
        Label("conv13_c26", "left wall", by_hand("ada")),
        Label("fc1_u7", "it's a wheel", automatic("clip", 0.25)),
    )
    assert write_labels(labels).splitlines()[-2:] == [
        "label(conv13_c26, 'left wall', hand(ada)).",
        "label(fc1_u7, 'it\\'s a wheel', auto(clip,0.25)).",
    ]


def test_long_bodies_are_broken_before_the_margin() -> None:
    body = tuple(Literal(f"conv13_c{n}", n % 2 == 0) for n in range(40))
    lines = rule_text(Rule("r1", ClassHead("a"), body)).splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= WIDTH
    assert all(line.startswith("    ") for line in lines[1:])


def test_a_rule_without_a_body_is_one_line() -> None:
    assert rule_text(Rule("r1", ClassHead("a"), ())) == "class(Image, a) :- rule(r1, Image)."


def test_features_are_terms_of_the_vocabulary() -> None:
    assert [feature_term(p) for p in PROPOSITIONS] == [
        "channel(conv13, 26, l1)",
        "cell(conv13, 26, max, grid(2,2), at(0,1))",
        "unit(fc1, 7)",
        "derived(conv14)",
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_statistic_that_is_not_finite_is_refused(value: float) -> None:
    rule = Rule("r1", ClassHead("a"), (), (("confidence", value),))
    with pytest.raises(BadProgram, match="confidence of rule r1"):
        write_rules(Program((rule,), ("a", "b")))


def test_a_statistic_of_zero_is_written() -> None:
    rule = Rule("r1", ClassHead("a"), (), (("confidence", 0.0),))
    assert "rule_stats(r1, [confidence(0.0)])." in write_rules(Program((rule,), ("a", "b")))


def test_what_is_written_reads_back_as_the_same_values() -> None:
    labels = (
        Label("conv13_c26", "left wall", by_hand("Ada B.")),
        Label("fc1_u7", "", automatic("clip", 0.1)),
    )
    source = read_program(written(PROGRAM, labels)).checked()
    assert source.layers == LAYERS
    assert source.propositions == PROPOSITIONS
    assert source.program == PROGRAM
    assert source.labels == labels


names = st.text(
    st.characters(exclude_categories=["Cs"], max_codepoint=0xD7FFF), max_size=6
) | st.text(st.sampled_from(string.ascii_letters + "'\\\"\n.,|[]{}é日 "), max_size=6)
literals = st.builds(Literal, st.sampled_from([p.name for p in PROPOSITIONS]), st.booleans())
stats = st.lists(
    st.tuples(
        st.text(string.ascii_lowercase, min_size=1, max_size=5),
        st.booleans()
        | st.integers(-(10**20), 10**20)
        | st.floats(allow_nan=False, allow_infinity=False)
        | names.filter(lambda name: name not in ("true", "false")),
    ),
    max_size=3,
).map(tuple)


@st.composite
def at_least(draw: st.DrawFn) -> AtLeast:
    chosen = draw(st.lists(literals, min_size=1, max_size=4))
    return AtLeast(draw(st.integers(1, len(chosen))), tuple(chosen))


booleans = st.booleans()


@st.composite
def programs(draw: st.DrawFn) -> Program:
    classes = tuple(draw(st.lists(names, min_size=2, max_size=4, unique=True)))
    ids = draw(st.lists(names, min_size=1, max_size=6, unique=True))
    bodies = st.lists(literals | at_least(), max_size=5).map(tuple)
    policy: Policy = draw(st.sampled_from(get_args(Policy)))
    points = st.integers(-1_000_000, 1_000_000)
    rules = []
    for number, name in enumerate(ids):
        earlier = ids[:number]
        heads: st.SearchStrategy[Head] = (
            st.builds(PointsHead, st.sampled_from(classes), points)
            if policy == "points"
            else st.sampled_from(classes).map(ClassHead)
        )
        if earlier:
            heads |= st.sampled_from(earlier).map(ExceptionHead)
        rules.append(Rule(name, draw(heads), draw(bodies), draw(stats)))
    # an exception may be mentioned by rules before it, so that none goes in a circle
    rules = [
        dataclasses.replace(rule, body=(*rule.body, Unless(rule.id)))
        if any(r.head == ExceptionHead(rule.id) for r in rules)
        else rule
        for rule in rules
    ]
    rules.append(Rule("d\n1", DerivedHead("conv14_c0"), (Literal("conv13_c26"),)))
    return Program(
        tuple(rules),
        classes,
        policy,
        None if policy == "points" else draw(st.none() | st.sampled_from(classes)),
        tuple(draw(st.permutations(classes))),
        tuple((name, draw(points)) for name in classes if policy == "points" and draw(booleans)),
    )


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs(), st.lists(st.tuples(names, names), max_size=3))
def test_export_then_parse_then_export_gives_the_same_bytes(
    program: Program, texts: list[tuple[str, str]]
) -> None:
    labels = tuple(Label("conv13_c26", text, by_hand(person)) for text, person in texts)
    files = written(program, labels)
    source = read_program(files).checked()
    assert dataclasses.replace(source.program, classes=program.classes) == program
    assert source.labels == labels
    assert {
        "quantiser.pl": write_quantiser(source.layers, source.propositions),
        "rules.pl": write_rules(source.program),
        "labels.pl": write_labels(source.labels),
    } == {name: files[name] for name in ("quantiser.pl", "rules.pl", "labels.pl")}


def test_thresholds_of_every_magnitude_read_back_bit_for_bit() -> None:
    rng = np.random.default_rng(1)
    drawn = rng.integers(0, 2**32, 600, dtype=np.uint64).astype(np.uint32).view(np.float32)
    thresholds = [float(v) for v in drawn[np.isfinite(drawn)]]
    thresholds += [0.0, 1e-45, 1.1754944e-38, 3.4028235e38, 1 / 3]
    layer = Layer("conv1", "0", "conv", len(thresholds), "1")
    propositions = tuple(
        Proposition(f"conv1_c{n}", "conv1", Feature("conv1", n), float(np.float32(value)))
        for n, value in enumerate(thresholds)
    )
    files = {**written(Program((), ("a", "b"))), "rules.pl": write_rules(Program((), ("a", "b")))}
    files["quantiser.pl"] = write_quantiser((layer,), propositions)
    source = read_program(files).checked()
    assert source.propositions == propositions


def test_an_order_of_some_classes_is_written_with_all_of_them() -> None:
    program = Program((), ("cat", "dog", "mouse"), class_order=("mouse",))
    assert "class_order([mouse, cat, dog])." in write_rules(program)


def test_an_order_by_points_is_written_as_it_is_for_it_says_who_may_win() -> None:
    program = Program((), ("cat", "dog", "mouse"), "points", class_order=("mouse", "cat"))
    assert "class_order([mouse, cat])." in write_rules(program)
    everyone = Program((), ("cat", "dog", "mouse"), "points")
    assert "class_order([cat, dog, mouse])." in write_rules(everyone)
