from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier

from proofsight_server.errors import BadOption
from proofsight_server.knowledge.source import write_rules
from proofsight_server.rules.check import check_learner
from proofsight_server.rules.columns import Columns
from proofsight_server.rules.confidence import wilson
from proofsight_server.rules.evaluation import evaluate, firing
from proofsight_server.rules.fold import DefaultRules, Fallback
from proofsight_server.rules.learner import build_learner
from proofsight_server.rules.metrics import measure, size_of
from proofsight_server.rules.ordered_statistics import with_decided
from proofsight_server.rules.program import (
    ClassHead,
    ExceptionHead,
    Literal,
    Program,
    Rule,
    Unless,
)
from proofsight_server.symbols.feature import Bools, Ints
from tests.rules import slow_fold
from tests.strategies import random_bits, random_generators

CLASSES = tuple(f"digit_{k}" for k in range(10))


def names(width: int) -> tuple[str, ...]:
    return tuple(f"conv3_c{k}" for k in range(width))


def noisy(rng: np.random.Generator, images: int, width: int, classes: int) -> tuple[Bools, Ints]:
    """Bits that tell something about the class, and much that does not."""
    target = rng.integers(0, classes, images)
    prototypes = rng.random((classes, width)) < 0.4
    return prototypes[target] ^ (rng.random((images, width)) < 0.2), target


def rows(bits: Bools) -> list[slow_fold.Image]:
    return [tuple(row) for row in bits.tolist()]


def top_rules(program: Program) -> list[Rule]:
    return [rule for rule in program.rules if isinstance(rule.head, ClassHead)]


def head(rule: Rule) -> str:
    assert isinstance(rule.head, ClassHead)
    return rule.head.name


def decisions(program: Program, bits: Bools) -> list[int]:
    found: list[int] = evaluate(program, bits, names(bits.shape[1])).decisions.tolist()
    return found


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


def without_stats(program: Program) -> list[Rule]:
    return [replace(rule, stats=()) for rule in program.rules]


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


def planted(bits: Bools) -> Ints:
    """`c0 <- p3, not p7, not (p11, not p2); c1 <- p5, not p9; else c2`."""
    first = bits[:, 3] & ~bits[:, 7] & ~(bits[:, 11] & ~bits[:, 2])
    return np.where(first, 0, np.where(bits[:, 5] & ~bits[:, 9], 1, 2))


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


@settings(max_examples=30, deadline=None)
@given(rng=random_generators(), max_depth=st.sampled_from([0, 1, None]))
def test_statistics_are_counted_over_the_images_that_a_rule_decides(
    rng: np.random.Generator, max_depth: int | None
) -> None:
    bits, target = noisy(rng, 90, 7, 3)
    held = noisy(rng, 15, 7, 3)
    learner = DefaultRules(tail=0.02, max_depth=max_depth)
    program = learner.fit(bits, target, names(7), CLASSES, validation=held).program_
    rules, default, left = slow_fold.fit(
        rows(bits), target.tolist(), ratio=0.5, tail="0.02", max_depth=max_depth
    )
    trained = slow_fold.records(rules, rows(bits), target.tolist())
    seen = slow_fold.records(rules, rows(held[0]), held[1].tolist())
    for rule, on_training, on_held in zip(program.rules, trained, seen, strict=True):
        own = _shares("", *on_training[1:]) | _shares("validation_", *on_held[1:])
        expected = {"support": on_training[0]} | own
        assert dict(rule.stats) == expected
        assert [key for key, _ in rule.stats] == list(expected)
    hits = sum(target[i] == default for i in left)
    default_stats = dict(learner.default_stats_)
    assert default_stats.items() >= _shares("", len(left), hits).items()
    assert default_stats["validation_decided"] == len(held[0]) - sum(
        n for rule, (_, n, _) in zip(program.rules, seen, strict=True) if "_" not in rule.id
    )


def _shares(prefix: str, decided: int, right: int) -> dict[str, float]:
    low, high = wilson(right, decided)
    shares: dict[str, float] = {f"{prefix}decided": decided}
    if decided:
        shares[f"{prefix}confidence"] = round(right / decided, 4)
    return shares | {
        f"{prefix}confidence_low": round(low, 4),
        f"{prefix}confidence_high": round(high, 4),
    }


def test_statistics_of_three_rules_are_those_counted_by_hand() -> None:
    program = Program(
        (
            Rule("r1", ClassHead("a"), (Literal("p"), Unless("r1"))),
            Rule("r1_1", ExceptionHead("r1"), (Literal("q"),)),
            Rule("r2", ClassHead("b"), (Literal("s"),)),
        ),
        ("a", "b"),
        policy="ordered",
        default="b",
    )
    bits = np.array([[1, 0, 0], [1, 0, 1], [1, 1, 1], [1, 1, 0], [0, 1, 0]], dtype=bool)
    target = np.array([0, 1, 1, 1, 0])
    held = np.zeros((3, 3), dtype=bool), np.array([1, 1, 1])
    counted, default = with_decided(program, ("p", "q", "s"), (bits, target), held)
    r1, r1_1, r2 = (dict(rule.stats) for rule in counted.rules)
    assert (r1["support"], r1["decided"], r1["confidence"]) == (2, 2, 0.5)
    assert (r1_1["support"], r1_1["decided"], r1_1["confidence"]) == (3, 2, 1.0)
    assert (r2["support"], r2["decided"], r2["confidence"]) == (2, 1, 1.0)
    assert (dict(default)["decided"], dict(default)["confidence"]) == (2, 0.5)
    for stats in (r1, r1_1, r2):
        assert stats["validation_decided"] == 0 and "validation_confidence" not in stats
        interval = stats["validation_confidence_low"], stats["validation_confidence_high"]
        assert interval == (0.0, 1.0)
    assert dict(default)["validation_confidence_high"] == 1.0
    with pytest.raises(ValueError, match="not 'exclusive'"):
        with_decided(replace(program, policy="exclusive"), ("p", "q", "s"), (bits, target))


_COUNTER = """
goal((A, B), Goal) :- !, ( goal(A, Goal) ; goal(B, Goal) ).
goal(rule(_, _), _) :- !, fail.
goal(Goal, Goal).

body(In, Body) :- repeat, read(In, Term), ( Term == end_of_file -> !, fail ; Term = (_ :- Body) ).

count(File) :-
    open(File, read, In),
    findall(Body, body(In, Body), Bodies),
    findall(Goal, ( member(Body, Bodies), goal(Body, Goal) ), Goals),
    length(Bodies, Rules),
    length(Goals, Literals),
    format("~w ~w", [Rules, Literals]).
"""


def test_an_exported_program_has_the_size_that_is_reported(tmp_path: Path) -> None:
    bits, target = noisy(np.random.default_rng(3), 400, 15, 4)
    program = DefaultRules(tail=0.01, max_depth=None).fit(bits, target, names(15), CLASSES).program_
    file, counter = tmp_path / "rules.pl", tmp_path / "count.pl"
    file.write_text(write_rules(program), encoding="utf-8")
    counter.write_text(_COUNTER, encoding="utf-8")
    done = subprocess.run(
        ["swipl", "-q", "-g", f"count('{file}')", "-t", "halt", str(counter)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    size = size_of(program, ())
    assert done.stdout.split() == [str(size.rules), str(size.literals)]
    assert size.rules > size.top_rules == len(top_rules(program))


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


def test_a_bound_takes_the_first_rules_and_what_they_leave_chooses_the_default() -> None:
    bits, target = noisy(np.random.default_rng(5), 600, 20, 5)
    everything = DefaultRules().fit(bits, target, names(20), CLASSES[:5]).program_
    tops = top_rules(everything)
    assert len(tops) > 4
    for bound in (1, 4, len(tops), len(tops) + 1):
        learner = DefaultRules(bound).fit(bits, target, names(20), CLASSES[:5])
        program = learner.program_
        kept = min(bound, len(tops))
        assert [r.id for r in top_rules(program)] == [r.id for r in tops[:kept]]
        assert without_stats(program) == without_stats(everything)[: len(program.rules)]
        left = target[evaluate(program, bits, names(20)).by_default]
        assert learner.undecided_ == len(left) / 600
        assert program.default == CLASSES[np.bincount(left).argmax()]


def test_auto_takes_the_fewest_rules_within_one_standard_error() -> None:
    bits, target = noisy(np.random.default_rng(6), 900, 20, 5)
    held = bits[600:], target[600:]
    arguments = bits[:600], target[:600], names(20), CLASSES[:5]
    unbounded = len(top_rules(DefaultRules(tail=0.005).fit(*arguments).program_))
    fidelity = {}
    for bound in range(1, unbounded + 1):
        program = DefaultRules(bound, tail=0.005).fit(*arguments).program_
        fidelity[bound] = measure(program, held[0], names(20), held[1]).fidelity
    best = max(fidelity.values())
    enough = best - (best * (1 - best) / 300) ** 0.5
    chosen = DefaultRules("auto", tail=0.005).fit(*arguments, validation=held).program_
    fewest = min(bound for bound, share in fidelity.items() if share >= enough)
    assert len(top_rules(chosen)) == fewest < unbounded


def weak(rng: np.random.Generator, images: int) -> tuple[Bools, Ints]:
    """Bits so weak that many images are left without a rule."""
    target = rng.integers(0, 6, images)
    prototypes = rng.random((6, 30)) < 0.5
    return prototypes[target] ^ (rng.random((images, 30)) < 0.4), target


def test_a_residual_tree_decides_what_is_left_as_scikit_learn_does() -> None:
    bits, target = weak(np.random.default_rng(4), 900)
    arguments = bits, target, names(30), CLASSES
    plain = DefaultRules(tail=0.1).fit(*arguments)
    learner = DefaultRules(tail=0.1, fallback="residual_tree", seed=2).fit(*arguments)
    left = evaluate(plain.program_, bits, names(30)).by_default
    tree = DecisionTreeClassifier(criterion="entropy", max_leaf_nodes=30, random_state=2)
    tree.fit(bits[left].astype(np.float32), target[left])
    fresh = random_bits(np.random.default_rng(5), 3000, 30)
    before = evaluate(plain.program_, fresh, names(30))
    after = evaluate(learner.program_, fresh, names(30))
    expected = np.where(before.by_default, tree.predict(fresh), before.decisions)
    assert np.array_equal(after.decisions, expected)
    assert not after.by_default.any() and learner.undecided_ == 0
    rules = len(top_rules(plain.program_))
    assert without_stats(learner.program_)[: len(plain.program_.rules)] == without_stats(
        plain.program_
    )
    assert rules < len(top_rules(learner.program_)) <= rules + 30
    assert learner.program_.default == plain.program_.default


@pytest.mark.parametrize(("room", "most"), [(0, 0), (1, 0), (2, 2), (9, 9)])
def test_a_residual_tree_stays_within_the_bound_on_rules(room: int, most: int) -> None:
    bits, target = weak(np.random.default_rng(4), 900)
    arguments = bits, target, names(30), CLASSES
    rules = len(top_rules(DefaultRules(tail=0.1).fit(*arguments).program_))
    learner = DefaultRules(rules + room, tail=0.1, fallback="residual_tree").fit(*arguments)
    added = len(top_rules(learner.program_)) - rules
    assert min(most, 1) <= added <= most
    assert bool(learner.warnings_) == (most == 0)
    assert all("max_rules" in warning for warning in learner.warnings_)


def test_there_is_no_residual_tree_where_it_could_not_tell_images_apart() -> None:
    alike = np.zeros((30, 3), dtype=bool)
    one_class = random_bits(np.random.default_rng(0), 30, 3)
    for bits, target in ((alike, np.arange(30) % 3), (one_class, np.full(30, 2))):
        learner = DefaultRules(fallback="residual_tree").fit(bits, target, names(3), CLASSES)
        assert learner.program_.rules == ()
        assert learner.undecided_ == 1
        assert bool(learner.warnings_) == (len(set(target.tolist())) > 1)


def test_many_images_without_a_rule_are_told_with_the_option_that_helps() -> None:
    bits, target = weak(np.random.default_rng(4), 900)
    told = DefaultRules(tail=0.1).fit(bits, target, names(30), CLASSES)
    assert told.undecided_ > 0.05
    assert len(told.warnings_) == 1 and "fallback='residual_tree'" in told.warnings_[0]
    assert f"{told.undecided_:.1%}" in told.warnings_[0]
    bits, target = noisy(np.random.default_rng(5), 600, 20, 3)
    few = DefaultRules().fit(bits, target, names(20), CLASSES)
    assert 0 < few.undecided_ <= 0.05 and few.warnings_ == ()


def test_a_default_that_is_never_wrong_is_no_reason_to_warn() -> None:
    bits = random_bits(np.random.default_rng(0), 200, 3)
    learner = DefaultRules().fit(bits, np.where(bits[:, 1], 0, 1), names(3), CLASSES)
    assert learner.undecided_ > 0.3 and learner.warnings_ == ()
    assert decisions(learner.program_, bits) == np.where(bits[:, 1], 0, 1).tolist()


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


@pytest.mark.parametrize(
    ("bad", "good", "message"),
    [
        (DefaultRules(0), DefaultRules(1), "at least 1, not 0"),
        (DefaultRules("many"), DefaultRules(None), "not 'many'"),  # type: ignore[arg-type]  # the point
        (DefaultRules(True), DefaultRules(1), "not True"),
        (DefaultRules("auto"), DefaultRules(3), "validation"),
        (DefaultRules(ratio=-0.1), DefaultRules(ratio=0), "ratio is a number of at least 0"),
        (DefaultRules(ratio=float("nan")), DefaultRules(ratio=9), "not nan"),
        (DefaultRules(ratio=float("inf")), DefaultRules(ratio=1e9), "not inf"),
        (DefaultRules(tail=-0.01), DefaultRules(tail=0), "between 0 and 1, not -0.01"),
        (DefaultRules(tail=1.5), DefaultRules(tail=1), "between 0 and 1, not 1.5"),
        (DefaultRules(max_depth=-1), DefaultRules(max_depth=0), "not -1"),
        (DefaultRules(max_depth=1.5), DefaultRules(max_depth=None), "whole"),  # type: ignore[arg-type]  # the point
        (DefaultRules(fallback="tree"), DefaultRules(fallback="residual_tree"), "not 'tree'"),  # type: ignore[arg-type]  # the point
    ],
)
def test_an_option_out_of_its_range_is_refused(
    bad: DefaultRules, good: DefaultRules, message: str
) -> None:
    bits, target = noisy(np.random.default_rng(0), 20, 4, 2)
    good.fit(bits, target, names(4), CLASSES)
    with pytest.raises(BadOption, match=message):
        bad.fit(bits, target, names(4), CLASSES)


def test_auto_is_accepted_with_the_validation_images_it_needs() -> None:
    bits, target = noisy(np.random.default_rng(0), 20, 4, 2)
    learner = DefaultRules("auto")
    learner.fit(bits, target, names(4), CLASSES, validation=(bits, target))
    with pytest.raises(BadOption, match="validation"):
        learner.fit(bits, target, names(4), CLASSES)
