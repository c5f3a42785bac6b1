from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsight_server.rules.check import check_learner
from proofsight_server.rules.columns import Columns
from proofsight_server.rules.evaluation import evaluate, firing
from proofsight_server.rules.fold import DefaultRules, Fallback
from proofsight_server.rules.learner import build_learner
from proofsight_server.rules.metrics import measure
from proofsight_server.rules.program import (
    ClassHead,
    ExceptionHead,
    Literal,
    Program,
    Rule,
    Unless,
)
from tests.rules import slow_fold
from tests.rules.fold_tables import (
    CLASSES,
    decisions,
    head,
    names,
    noisy,
    planted,
    rows,
    top_rules,
    without_stats,
)
from tests.strategies import random_bits, random_generators


def as_clauses(rules: Sequence[tuple[int, slow_fold.Rule]], width: int) -> list[Rule]:
    """What the slow twin learned, in the form of a program."""

    def clauses(name: str, top: ClassHead | ExceptionHead, rule: slow_fold.Rule) -> Iterator[Rule]:
        literals, exceptions = rule
        body = tuple(Literal(names(width)[feature], active) for feature, active in literals)
        yield Rule(name, top, (*body, *([Unless(name)] if exceptions else [])))
        for k, exception in enumerate(exceptions):
            yield from clauses(f"{name}_{k + 1}", ExceptionHead(name), exception)

    return [
        clause
        for k, (c, rule) in enumerate(rules)
        for clause in clauses(f"r{k + 1}", ClassHead(CLASSES[c]), rule)
    ]


@settings(max_examples=120, deadline=None)
@given(
    rng=random_generators(),
    images=st.integers(1, 60),
    width=st.integers(1, 8),
    classes=st.integers(1, 4),
    ratio=st.sampled_from([0.0, 0.3, 0.5, 0.8, 2.0]),
    tail=st.sampled_from(["0", "0.02", "0.07", "0.3", "1"]),
    max_depth=st.sampled_from([0, 1, 2, None]),
)
def test_scores_choices_and_decisions_are_those_of_the_slow_twin(
    rng: np.random.Generator,
    images: int,
    width: int,
    classes: int,
    ratio: float,
    tail: str,
    max_depth: int | None,
) -> None:
    bits, target = noisy(rng, images, width, classes)
    learner = DefaultRules(None, ratio, float(tail), max_depth)
    program = learner.fit(bits, target, names(width), CLASSES).program_
    rules, default, left = slow_fold.fit(
        rows(bits), target.tolist(), ratio=ratio, tail=tail, max_depth=max_depth
    )
    assert without_stats(program) == as_clauses(rules, width)
    assert (program.policy, program.default) == ("ordered", CLASSES[default])
    assert learner.undecided_ == len(left) / images
    fresh = random_bits(rng, 20, width)
    expected = [slow_fold.predict(rules, default, image) for image in rows(fresh)]
    assert decisions(program, fresh) == expected


def test_many_images_are_learned_from_as_the_slow_twin_does() -> None:
    bits, target = noisy(np.random.default_rng(0), 700, 12, 5)
    program = DefaultRules(tail=0.01, max_depth=2).fit(bits, target, names(12), CLASSES).program_
    rules, default, _ = slow_fold.fit(
        rows(bits), target.tolist(), ratio=0.5, tail="0.01", max_depth=2
    )
    assert without_stats(program) == as_clauses(rules, 12)
    assert program.default == CLASSES[default]
    assert any(rule.id.count("_") == 2 for rule in program.rules)


@settings(max_examples=30, deadline=None)
@given(rng=random_generators(), images=st.sampled_from([1, 7, 64, 65, 300]))
def test_columns_are_counted_as_one_image_after_the_other(
    rng: np.random.Generator, images: int
) -> None:
    bits = random_bits(rng, images, 5)
    columns = Columns(bits)
    assert np.array_equal(columns.bits, bits)
    for members in (rng.random(images) < share for share in (0, 0.03, 0.5, 1)):
        places = np.flatnonzero(members)
        counts = columns.counts(places).tolist()
        assert counts == [sum(bool(bits[i, k]) for i in places) for k in range(5)]
        for literal in ((0, True), (3, False)):
            held = [bool(bits[i, literal[0]]) == literal[1] for i in places]
            assert columns.holds(literal, places).tolist() == held


def test_more_images_than_a_byte_can_count_are_counted_row_by_row() -> None:
    bits = np.ones((20_000, 2), dtype=bool)
    assert Columns(bits).counts(np.arange(1000)).tolist() == [1000, 1000]


@settings(max_examples=25, deadline=None)
@given(
    rng=random_generators(),
    tail=st.sampled_from(["0", "0.03", "0.1"]),
    max_depth=st.sampled_from([0, 1, None]),
)
def test_every_rule_covers_enough_new_images_of_its_class_by_a_body_that_is_not_empty(
    rng: np.random.Generator, tail: str, max_depth: int | None
) -> None:
    bits, target = noisy(rng, 200, 10, 4)
    learner = DefaultRules(tail=float(tail), max_depth=max_depth)
    program = learner.fit(bits, target, names(10), CLASSES).program_
    assert all(any(rule.literals()) for rule in program.rules)
    decided_by = evaluate(program, bits, names(10)).rules
    for number, rule in enumerate(program.rules):
        if isinstance(rule.head, ClassHead):
            c = CLASSES.index(head(rule))
            support = max(1, -(-Fraction(tail) * int((target == c).sum()) // 1))
            assert ((decided_by == number) & (target == c)).sum() >= support
        else:
            above = next(r for r in program.rules if r.id == rule.id.rpartition("_")[0])
            shared = {x.proposition for x in rule.literals()} & {
                x.proposition for x in above.literals()
            }
            assert rule.head == ExceptionHead(above.id) and Unless(above.id) in above.body
            assert not shared


def used(program: Program) -> set[int]:
    return {int(name.removeprefix("conv3_c")) for name in program.propositions()}


PLANTED = {2, 3, 5, 7, 9, 11}


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_program_is_found_exactly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bits, fresh = (rng.random((4000, 40)) < 0.4 for _ in range(2))
    learner = DefaultRules(ratio=0.5, tail=0, max_depth=None)
    program = learner.fit(bits, planted(bits), names(40), CLASSES[:3]).program_
    assert used(program) == PLANTED
    assert np.array_equal(decisions(program, fresh), planted(fresh))


@pytest.mark.parametrize("seed", range(6))
def test_all_that_was_planted_is_used_when_labels_are_redrawn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bits, fresh = (rng.random((4000, 40)) < 0.4 for _ in range(2))
    target = planted(bits)
    redrawn = rng.random(4000) < 0.05
    target[redrawn] = rng.integers(0, 3, redrawn.sum())
    program = DefaultRules(tail=0.02).fit(bits, target, names(40), CLASSES[:3]).program_
    assert used(program) >= PLANTED
    assert measure(program, fresh, names(40), planted(fresh)).fidelity > 0.98


def test_overlapping_rules_of_two_classes_cannot_change_places() -> None:
    rng = np.random.default_rng(0)
    bits = rng.random((4000, 40)) < 0.4
    program = (
        DefaultRules(tail=0, max_depth=None)
        .fit(bits, planted(bits), names(40), CLASSES[:3])
        .program_
    )
    tops = top_rules(program)
    fires = firing(program, bits, names(40))
    number = {rule.id: k for k, rule in enumerate(program.rules)}
    first, second = next(
        (a, b)
        for a, b in pairwise(tops)
        if head(a) != head(b) and (fires[:, number[a.id]] & fires[:, number[b.id]]).any()
    )
    swapped = list(program.rules)
    swapped[number[first.id]], swapped[number[second.id]] = second, first
    assert decisions(replace(program, rules=tuple(swapped)), bits) != decisions(program, bits)


def test_consistent_tables_are_learned_completely_nearly_always() -> None:
    perfect = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        bits = np.unique(random_bits(rng, int(rng.integers(1, 40)), 6), axis=0)
        target = rng.integers(0, 3, len(bits))
        learner = DefaultRules(tail=0, max_depth=None)
        program = learner.fit(bits, target, names(6), CLASSES[:3]).program_
        perfect += decisions(program, bits) == target.tolist()
    assert perfect >= 95


@pytest.mark.parametrize("fallback", ["default", "residual_tree"])
@pytest.mark.parametrize("max_rules", [None, 6, "auto"])
def test_shuffled_columns_and_a_second_run_give_the_same_program(
    fallback: Fallback, max_rules: int | None
) -> None:
    rng = np.random.default_rng(7)
    bits, target = noisy(rng, 500, 25, 5)
    held = bits[400:], target[400:]
    half = bits[:400]
    learner = DefaultRules(max_rules, tail=0.1, fallback=fallback, seed=3)
    first = learner.fit(half, target[:400], names(25), CLASSES, validation=held).program_
    for order in [np.arange(25), *(rng.permutation(25) for _ in range(3))]:
        again = DefaultRules(max_rules, tail=0.1, fallback=fallback, seed=3)
        shuffled = [names(25)[k] for k in order]
        turned = held[0][:, order], held[1]
        again.fit(half[:, order], target[:400], shuffled, CLASSES, validation=turned)
        assert again.program_ == first


def test_of_equal_columns_the_first_by_name_is_taken_wherever_it_stands() -> None:
    half = random_bits(np.random.default_rng(8), 100, 4)
    bits = np.concatenate([half, half], axis=1)
    target = (half[:, 0] & ~half[:, 2]).astype(np.int64)
    first = DefaultRules().fit(bits, target, names(8), CLASSES).program_
    again = DefaultRules().fit(bits[:, ::-1], target, names(8)[::-1], CLASSES).program_
    assert again == first
    assert used(first) == {0, 2}


def test_exceptions_nest_as_deep_as_they_may_and_are_named_after_their_rule() -> None:
    bits, target = noisy(np.random.default_rng(3), 400, 15, 4)
    for depth in (0, 1, 2):
        learner = DefaultRules(tail=0.005, max_depth=depth)
        program = learner.fit(bits, target, names(15), CLASSES).program_
        assert max(rule.id.count("_") for rule in program.rules) == depth
        assert [rule.id for rule in top_rules(program)] == [
            f"r{k + 1}" for k in range(len(top_rules(program)))
        ]


def test_the_tail_of_a_small_class_is_a_share_of_that_class() -> None:
    target = np.repeat([0, 1, 2, 3], [1000, 980, 12, 8])
    bits = target[:, np.newaxis] == np.arange(4)
    program = DefaultRules(tail=0.02).fit(bits, target, names(4), CLASSES).program_
    assert {head(rule) for rule in program.rules} == set(CLASSES[:3])
    assert decisions(program, bits) == target.tolist()


def test_a_class_without_a_good_rule_does_not_end_the_others_turn() -> None:
    target = np.repeat([0, 1, 2], [60, 20, 20])
    bits = np.zeros((100, 6), dtype=bool)
    bits[:, :4] = random_bits(np.random.default_rng(2), 100, 4)
    bits[target == 1, 4] = bits[target == 2, 5] = True
    bits[0, 4] = bits[1, 5] = True  # so that no literal covers all of class 0
    program = DefaultRules(tail=1).fit(bits, target, names(6), CLASSES).program_
    assert [head(rule) for rule in program.rules] == ["digit_1", "digit_2"]
    assert program.default == "digit_0"


def test_a_class_without_images_gets_no_rule_and_is_reported() -> None:
    bits, target = noisy(np.random.default_rng(11), 200, 8, 3)
    target[target == 1] = 5
    learner = DefaultRules().fit(bits, target, names(8), CLASSES[:7])
    assert learner.absent_ == ("digit_1", "digit_3", "digit_4", "digit_6")
    decided = {head(rule) for rule in top_rules(learner.program_)}
    assert decided <= {"digit_0", "digit_2", "digit_5"}
    assert learner.program_.classes == CLASSES[:7]


def test_one_class_or_no_column_leaves_only_the_default() -> None:
    bits = random_bits(np.random.default_rng(0), 20, 4)
    for table, target, default in (
        (bits, np.full(20, 2), "digit_2"),
        (bits[:, :0], np.array([0] * 5 + [1] * 15), "digit_1"),
    ):
        learner = DefaultRules().fit(table, target, names(table.shape[1]), CLASSES)
        assert (learner.program_.rules, learner.program_.default) == ((), default)


def test_fold_is_made_by_name_and_passes_the_conformance_check() -> None:
    learner = build_learner("fold", max_rules=4, seed=1)
    assert isinstance(learner, DefaultRules) and learner.max_rules == 4
    check_learner(DefaultRules)
    check_learner(lambda: DefaultRules("auto", tail=0, max_depth=None))
    check_learner(lambda: DefaultRules(3, fallback="residual_tree"))
