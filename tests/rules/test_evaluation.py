from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from proofsight_server.errors import BadProgram, BadTensor
from proofsight_server.rules import evaluation
from proofsight_server.rules.evaluation import Evaluator, evaluate, firing
from proofsight_server.rules.program import (
    AtLeast,
    ClassHead,
    DerivedHead,
    ExceptionHead,
    Literal,
    PointsHead,
    Program,
    Rule,
    Unless,
)
from tests.rules import slow_evaluation
from tests.strategies import LAYERS, random_bits, random_generators, random_program


def rule(name: str, head: str, *body: object, confidence: float | None = None) -> Rule:
    stats = () if confidence is None else (("confidence", confidence),)
    return Rule(name, ClassHead(head), tuple(body), stats)  # type: ignore[arg-type]


def ids(program: Program, rules: np.ndarray) -> list[str | None]:
    return [program.rules[k].id if k >= 0 else None for k in rules]


@settings(max_examples=150, deadline=None)
@given(rng=random_generators())
def test_random_programs_decide_as_the_slow_twin_does(rng: np.random.Generator) -> None:
    program, propositions = random_program(rng)
    names = [p.name for p in propositions if p.feature is not None]
    bits = random_bits(rng, 6, len(names))
    layers = {LAYERS[k].atom for k in range(len(LAYERS)) if rng.random() < 0.5}
    observed = {p.name for p in propositions if p.feature is not None and p.layer in layers}
    evaluation = evaluate(program, bits, names, observed=observed)
    fires = firing(program, bits, names, observed=observed)
    for image, row in enumerate(bits):
        seen = {name: bool(bit) for name, bit in zip(names, row, strict=True) if name in observed}
        decided, by, by_default = slow_evaluation.decide(program, seen)
        index = -1 if decided is None else program.classes.index(decided)
        assert evaluation.decisions[image] == index
        assert ids(program, evaluation.rules)[image] == by
        assert evaluation.by_default[image] == by_default
        for number, clause in enumerate(program.rules):
            assert fires[image, number] == slow_evaluation.fires(program, clause, seen)
        if evaluation.scores is not None:
            scores = [slow_evaluation.score(program, name, seen) for name in program.classes]
            assert evaluation.scores[image].tolist() == scores


@settings(max_examples=30, deadline=None)
@given(rng=random_generators())
def test_hiding_a_column_is_the_same_as_not_observing_it(rng: np.random.Generator) -> None:
    program, propositions = random_program(rng)
    names = [p.name for p in propositions if p.feature is not None]
    bits = random_bits(rng, 20, len(names))
    kept = [k for k in range(len(names)) if rng.random() < 0.5]
    shown = [names[k] for k in kept]
    hidden = evaluate(program, bits, names, observed=shown)
    cut = evaluate(program, bits[:, kept], shown)
    assert np.array_equal(hidden.decisions, cut.decisions)
    assert np.array_equal(hidden.rules, cut.rules)


ON, OFF = np.array([[True]]), np.array([[False]])
P = Literal("p")


def test_an_exception_of_an_exception_restores_the_rule() -> None:
    program = Program(
        (
            rule("r1", "a", P, Unless("r1")),
            Rule("r1_1", ExceptionHead("r1"), (Literal("q"), Unless("r1_1"))),
            Rule("r1_1_1", ExceptionHead("r1_1"), (Literal("s"),)),
        ),
        ("a", "b"),
        default="b",
    )
    table = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 1, 1]], dtype=bool)
    evaluation = evaluate(program, table, ["p", "q", "s"])
    assert evaluation.decisions.tolist() == [0, 1, 0, 1]
    assert evaluation.by_default.tolist() == [False, True, False, True]


def test_exceptions_of_a_rule_that_does_not_ask_for_them_change_nothing() -> None:
    clauses = (rule("r1", "a", P), Rule("r1_1", ExceptionHead("r1"), ()))
    assert evaluate(Program(clauses, ("a",)), ON, ["p"]).decisions.tolist() == [0]


def test_at_least_counts_a_literal_that_is_listed_twice_twice() -> None:
    body = AtLeast(2, (P, P, Literal("q")))
    program = Program((rule("r1", "a", body),), ("a",))
    bits = np.array([[True, False], [False, True]])
    assert evaluate(program, bits, ["p", "q"]).decisions.tolist() == [0, -1]


def test_a_value_decides_even_where_a_derived_clause_would() -> None:
    program = Program((rule("r1", "a", P), Rule("d1", DerivedHead("p"), ())), ("a",))
    assert evaluate(program, OFF, ["p"]).decisions.tolist() == [-1]
    assert evaluate(program, OFF, ["p"], observed=()).decisions.tolist() == [0]


def test_a_proposition_that_nothing_decides_is_inactive() -> None:
    program = Program((rule("r1", "a", P), rule("r2", "b", Literal("p", False))), ("a", "b"))
    assert evaluate(program, np.zeros((2, 0), bool), []).decisions.tolist() == [1, 1]


def test_of_several_classes_that_hold_the_first_in_class_order_is_decided() -> None:
    clauses = (rule("r1", "a", P), rule("r2", "b", P), rule("r3", "b"))
    program = Program(clauses, ("a", "b"), class_order=("b", "a"))
    evaluation = evaluate(program, ON, ["p"])
    assert evaluation.decisions.tolist() == [1]
    assert ids(program, evaluation.rules) == ["r2"]
    by_classes = replace(program, class_order=())
    assert ids(by_classes, evaluate(by_classes, ON, ["p"]).rules) == ["r1"]


def test_classes_that_class_order_leaves_out_come_last() -> None:
    clauses = (rule("r1", "a"), rule("r2", "b"), rule("r3", "c"))
    program = Program(clauses, ("a", "b", "c"), class_order=("c",))
    assert program.order() == ("c", "a", "b")
    assert evaluate(program, ON, ["p"]).decisions.tolist() == [2]


def test_an_ordered_program_decides_by_the_first_rule_in_the_file() -> None:
    clauses = (rule("r1", "b", P), rule("r2", "a"))
    program = Program(clauses, ("a", "b"), policy="ordered")
    assert evaluate(program, np.array([[True], [False]]), ["p"]).decisions.tolist() == [1, 0]


def test_a_rule_without_confidence_comes_after_one_that_has_some() -> None:
    clauses = (rule("r1", "a"), rule("r2", "b", confidence=0.1))
    program = Program(clauses, ("a", "b"), policy="confidence")
    assert evaluate(program, ON, ["p"]).decisions.tolist() == [1]


def test_equal_confidences_fall_back_on_class_order_then_on_the_file() -> None:
    clauses = tuple(rule(f"r{k}", name, confidence=0.5) for k, name in enumerate("abb"))
    program = Program(clauses, ("a", "b"), policy="confidence", class_order=("b", "a"))
    assert ids(program, evaluate(program, ON, ["p"]).rules) == ["r1"]


def test_without_default_an_image_stays_undecided() -> None:
    program = Program((rule("r1", "a", P),), ("a",))
    evaluation = evaluate(program, OFF, ["p"])
    assert (evaluation.decisions[0], evaluation.by_default[0]) == (-1, False)
    decided = evaluate(replace(program, default="a"), OFF, ["p"])
    assert (decided.decisions[0], decided.rules[0], decided.by_default[0]) == (0, -1, True)


def test_an_empty_program_and_an_empty_split_are_evaluated() -> None:
    assert evaluate(Program((), ("a",), default="a"), ON, ["p"]).decisions.tolist() == [0]
    nothing = evaluate(Program((rule("r1", "a", P),), ("a",)), np.zeros((0, 1), bool), ["p"])
    assert nothing.decisions.shape == (0,)


def test_a_chain_is_accepted_and_a_circle_refused_with_its_members() -> None:
    chain = Rule("d1", DerivedHead("p"), (Literal("q"),))
    back = Rule("d2", DerivedHead("q"), (Literal("p", False),))
    assert evaluate(Program((chain, rule("r1", "a", P)), ("a",)), ON, ["q"]).decisions[0] == 0
    with pytest.raises(BadProgram, match=r"derived\((p|q)\) -> derived\((p|q)\)"):
        Evaluator(Program((chain, back), ("a",)), ["s"])


def test_an_exception_that_leans_on_itself_is_refused() -> None:
    own = Rule("r1_1", ExceptionHead("r1"), (Unless("r1"),))
    deeper = Rule("r1_1", ExceptionHead("r1"), (Unless("r1_1"),))
    Evaluator(Program((rule("r1", "a", Unless("r1")), deeper), ("a",)), ["p"])
    with pytest.raises(BadProgram, match=r"ab\(r1\) -> ab\(r1\)"):
        Evaluator(Program((rule("r1", "a", Unless("r1")), own), ("a",)), ["p"])


def test_a_circle_through_an_exception_and_a_derived_clause_is_refused() -> None:
    clauses = (
        Rule("d1", DerivedHead("p"), (Unless("d1"),)),
        Rule("d1_1", ExceptionHead("d1"), (P,)),
    )
    with pytest.raises(ValueError, match="circle"):
        Evaluator(Program(clauses, ("a",)), ["q"])


def test_a_class_that_the_network_lacks_is_refused() -> None:
    program = Program((rule("r1", "a", P),), ("a",))
    Evaluator(program, ["p"])
    with pytest.raises(BadProgram, match="'z'"):
        Evaluator(replace(program, default="z"), ["p"])
    with pytest.raises(BadProgram, match="'a'"):
        Evaluator(replace(program, classes=("b",)), ["p"])


def test_two_rules_with_one_id_are_refused() -> None:
    Evaluator(Program((rule("r1", "a"), rule("r2", "a")), ("a",)), [])
    with pytest.raises(BadProgram, match="r1"):
        Evaluator(Program((rule("r1", "a"), rule("r1", "a")), ("a",)), [])


@pytest.mark.parametrize("bits", [np.ones((1, 2), bool), np.ones((1, 1)), np.ones(1, bool)])
def test_bits_of_another_shape_or_type_are_refused(bits: np.ndarray) -> None:
    program = Program((rule("r1", "a", P),), ("a",))
    assert evaluate(program, np.ones((1, 1), bool), ["p"]).decisions[0] == 0
    with pytest.raises(BadTensor, match="booleans of shape"):
        evaluate(program, bits, ["p"])


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(BadTensor, match="unique"):
        Evaluator(Program((), ("a",)), ["p", "p"])


def test_a_rule_may_ask_for_the_exceptions_of_another() -> None:
    clauses = (
        rule("r1", "a", P, Unless("r1")),
        Rule("r1_1", ExceptionHead("r1"), (Literal("q"),)),
        rule("r2", "b", Unless("r1")),
    )
    program = Program(clauses, ("a", "b"), policy="ordered")
    bits = np.array([[True, True], [False, False]])
    assert evaluate(program, bits, ["p", "q"]).decisions.tolist() == [-1, 1]


def line(name: str, head: str, points: int, *body: object) -> Rule:
    return Rule(name, PointsHead(head, points), tuple(body))  # type: ignore[arg-type]


def test_the_class_with_the_most_points_is_decided_and_no_rule_alone() -> None:
    clauses = (line("p1", "a", 2, P), line("p2", "b", 3, P), line("p3", "b", -2, Literal("q")))
    program = Program(clauses, ("a", "b"), "points", bases=(("a", 1), ("b", 1)))
    bits = np.array([[True, True], [True, False], [False, True]])
    evaluation = evaluate(program, bits, ["p", "q"])
    assert evaluation.scores is not None
    assert evaluation.scores.tolist() == [[3, 2], [3, 4], [1, -1]]
    assert evaluation.decisions.tolist() == [0, 1, 0]
    assert evaluation.rules.tolist() == [-1, -1, -1]
    assert evaluation.decided.all()
    assert not evaluation.by_default.any()


def test_of_equal_scores_the_first_in_class_order_is_decided() -> None:
    clauses = (line("p1", "a", 2, P), line("p2", "b", 2, P))
    program = Program(clauses, ("a", "b"), "points")
    assert evaluate(program, ON, ["p"]).decisions.tolist() == [0]
    other = replace(program, class_order=("b", "a"))
    assert evaluate(other, ON, ["p"]).decisions.tolist() == [1]


def test_points_never_decide_for_a_class_that_class_order_leaves_out() -> None:
    clauses = (line("p1", "a", 2, P), line("p2", "b", 1, P))
    program = Program(clauses, ("a", "b", "c"), "points", bases=(("a", -9), ("b", -9)))
    assert evaluate(program, ON, ["p"]).decisions.tolist() == [2]
    other = replace(program, class_order=("b", "a"))
    assert evaluate(other, ON, ["p"]).decisions.tolist() == [0]


@settings(max_examples=40, deadline=None)
@given(rng=random_generators())
def test_a_constant_added_to_all_bases_changes_no_decision(rng: np.random.Generator) -> None:
    program, propositions = random_program(rng, policy="points")
    names = [p.name for p in propositions if p.feature is not None]
    bits = random_bits(rng, 30, len(names))
    bases, shift = dict(program.bases), int(rng.integers(-50, 50))
    shifted = replace(
        program, bases=tuple((name, bases.get(name, 0) + shift) for name in program.classes)
    )
    before, after = evaluate(program, bits, names), evaluate(shifted, bits, names)
    assert np.array_equal(before.decisions, after.decisions)
    assert before.scores is not None
    assert after.scores is not None
    assert np.array_equal(before.scores + shift, after.scores)


def test_points_and_rules_for_classes_do_not_mix() -> None:
    points = Program((line("p1", "a", 2, P),), ("a",), "points")
    classes = Program((rule("r1", "a", P),), ("a",))
    Evaluator(points, ["p"])
    Evaluator(classes, ["p"])
    for mixed in (
        replace(points, rules=(*points.rules, *classes.rules)),
        replace(points, default="a"),
        replace(points, policy="ordered"),
        replace(classes, bases=(("a", 1),)),
    ):
        with pytest.raises(BadProgram, match="polic"):
            Evaluator(mixed, ["p"])


def test_a_class_with_a_base_that_the_network_lacks_is_refused() -> None:
    with pytest.raises(BadProgram, match="'z'"):
        Evaluator(Program((), ("a",), "points", bases=(("z", 1),)), ["p"])


@settings(max_examples=10, deadline=None)
@given(rng=random_generators())
def test_many_images_are_decided_a_block_at_a_time(rng: np.random.Generator) -> None:
    program, propositions = random_program(rng)
    names = [p.name for p in propositions if p.feature is not None]
    bits = random_bits(rng, 50, len(names))
    whole = evaluate(program, bits, names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "_AT_ONCE", 7 * max(1, len(program.rules)))
        blocks = evaluate(program, bits, names)
    assert (blocks.decisions == whole.decisions).all()
    assert (blocks.rules == whole.rules).all()
    assert (blocks.by_default == whole.by_default).all()
    np.testing.assert_array_equal(blocks.scores, whole.scores)
