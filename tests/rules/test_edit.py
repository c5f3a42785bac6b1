"""Edits of programs do what they say, and no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings

from proofsight_server.errors import (
    BadOption,
    UnknownClass,
    UnknownProposition,
    UnknownRule,
)
from proofsight_server.rules.edit import (
    DropLiteral,
    Edit,
    ForceChannel,
    ForceRule,
    MuteChannel,
    RemoveRule,
    Unmute,
    apply_edits,
    is_forced,
    lost_classes,
)
from proofsight_server.rules.evaluation import evaluate
from proofsight_server.rules.kind import exclusive, ordered
from proofsight_server.rules.program import (
    AtLeast,
    ClassHead,
    DerivedHead,
    ExceptionHead,
    Literal,
    PointsHead,
    Policy,
    Program,
    Rule,
    Unless,
)
from proofsight_server.rules.restating import restated, unstated
from proofsight_server.rules.statistics import with_counts
from proofsight_server.rules.tree import TreeRules
from tests.strategies import random_bits, random_generators, random_program

RULED: tuple[Policy, ...] = ("exclusive", "ordered", "confidence")  # by rules for classes
NAMES = ("p", "q", "s", "t")
PROGRAM = Program(
    rules=(
        Rule("r1", ClassHead("cat"), (Literal("p"), Literal("q", False), Unless("r1"))),
        Rule("r1_1", ExceptionHead("r1"), (Literal("s"),)),
        Rule("r2", ClassHead("dog"), (Literal("q"), Literal("s"))),
        Rule(
            "r3", ClassHead("dog"), (AtLeast(2, (Literal("p"), Literal("q"), Literal("t", False))),)
        ),
    ),
    classes=("cat", "dog"),
    policy="ordered",
    default="cat",
)
FORCED = Rule("f1", ClassHead("dog"), (Literal("t"),))


def every_bits(width: int) -> np.ndarray:
    return ((np.arange(2**width)[:, None] >> np.arange(width)) & 1).astype(np.bool_)


def decisions(program: Program, bits: np.ndarray, names: tuple[str, ...] = NAMES) -> list[int]:
    found: list[int] = evaluate(program, bits, names).decisions.tolist()
    return found


def ids(program: Program) -> list[str]:
    return [rule.id for rule in program.rules]


# --- mute -----------------------------------------------------------------------


@settings(deadline=None)
@given(random_generators())
def test_inactive_is_the_column_set_to_false(rng: np.random.Generator) -> None:
    program, propositions = random_program(rng)
    names = tuple(p.name for p in propositions if p.feature is not None)
    assume(names)
    muted = set(rng.choice(names, size=int(rng.integers(1, 3))).tolist())
    bits = random_bits(rng, 40, len(names))
    silent = bits.copy()
    silent[:, [names.index(name) for name in muted]] = False
    edited = apply_edits(program, [MuteChannel("c", tuple(muted), "inactive")])
    assert decisions(edited, bits, names) == decisions(program, silent, names)
    assert muted.isdisjoint(edited.propositions())


def test_mute_then_unmute_leaves_the_program_as_it_was() -> None:
    for policy in ("inactive", "drop"):
        mute = MuteChannel("q", ("q",), policy)
        assert apply_edits(PROGRAM, [mute]) != PROGRAM
        assert apply_edits(PROGRAM, [mute, Unmute("q")]) == PROGRAM
    with pytest.raises(BadOption, match="q is not muted"):
        apply_edits(PROGRAM, [MuteChannel("p", ("p",)), Unmute("q")])


def test_drop_takes_literals_out_and_rules_that_have_none_left() -> None:
    edited = apply_edits(PROGRAM, [MuteChannel("s", ("s",), "drop")])
    assert edited.rules == (
        # its exception had no other literal, and is gone
        Rule("r1", ClassHead("cat"), (Literal("p"), Literal("q", False))),
        Rule("r2", ClassHead("dog"), (Literal("q"),)),
        PROGRAM.rules[3],
    )


def test_an_exception_that_always_fires_takes_its_rule_away() -> None:
    exception = Rule("r1_1", ExceptionHead("r1"), (Literal("s", False),))
    program = replace(PROGRAM, rules=(PROGRAM.rules[0], exception, PROGRAM.rules[2]))
    assert ids(apply_edits(program, [MuteChannel("s", ("s",))])) == []
    assert ids(apply_edits(program, [MuteChannel("t", ("t",))])) == ["r1", "r1_1", "r2"]


def test_relearn_comes_first_keeps_forced_rules_and_needs_data() -> None:
    learned = replace(PROGRAM, rules=(Rule("r1", ClassHead("cat"), (Literal("t"),)),))
    asked: list[list[str]] = []

    def relearn(names: object) -> Program:
        asked.append(list(names))  # type: ignore[call-overload]
        return learned

    forced = apply_edits(PROGRAM, [ForceRule((FORCED,))])
    edits: list[Edit] = [
        MuteChannel("s", ("s",), "relearn"),
        MuteChannel("p", ("p", "q"), "relearn"),
    ]
    edited = apply_edits(forced, edits, relearn=relearn)
    assert asked == [["s", "p", "q"]]
    assert ids(edited) == ["f1", "r1"]
    assert is_forced(edited.rules[0])
    with pytest.raises(BadOption, match="only where the data can be read"):
        apply_edits(PROGRAM, edits)


def test_a_policy_of_muting_that_there_is_not_is_refused() -> None:
    with pytest.raises(BadOption, match="inactive, drop, relearn, not 'off'"):
        MuteChannel("p", ("p",), "off")  # type: ignore[arg-type]


# --- rules ----------------------------------------------------------------------


@settings(deadline=None)
@given(random_generators())
def test_removing_a_rule_that_never_decides_changes_no_decision(rng: np.random.Generator) -> None:
    program, propositions = random_program(rng, policy=RULED[rng.integers(3)])
    names = tuple(p.name for p in propositions if p.feature is not None)
    bits = random_bits(rng, 60, len(names))
    evaluation = evaluate(program, bits, names)
    idle = [
        rule.id
        for number, rule in enumerate(program.rules)
        if isinstance(rule.head, ClassHead) and number not in evaluation.rules
    ]
    assume(idle)
    edited = apply_edits(program, [RemoveRule(idle[0])])
    assert idle[0] not in ids(edited)
    assert decisions(edited, bits, names) == evaluation.decisions.tolist()


def test_a_removed_rule_takes_its_exceptions_along() -> None:
    assert ids(apply_edits(PROGRAM, [RemoveRule("r1")])) == ["r2", "r3"]


def test_a_removed_exception_leaves_its_rule_without_it() -> None:
    edited = apply_edits(PROGRAM, [RemoveRule("r1_1")])
    assert edited.rules[0].body == (Literal("p"), Literal("q", False))


def test_derived_clauses_that_nobody_reads_any_more_go() -> None:
    derived = Rule("d1", DerivedHead("q"), (Literal("t"),))
    other = Rule("d2", DerivedHead("u"), (Literal("t"),))  # was never read, so it is a person's
    program = replace(PROGRAM, rules=(*PROGRAM.rules[2:3], derived, other))
    assert ids(apply_edits(program, [DropLiteral("r2", "q")])) == ["r2", "d2"]
    assert ids(apply_edits(program, [DropLiteral("r2", "s")])) == ["r2", "d1", "d2"]


def test_a_literal_goes_also_out_of_a_count() -> None:
    edited = apply_edits(PROGRAM, [DropLiteral("r3", "q")])
    assert edited.rules[3].body == (AtLeast(2, (Literal("p"), Literal("t", False))),)
    again = apply_edits(edited, [DropLiteral("r3", "p")])
    assert again.rules[3].body == (AtLeast(1, (Literal("t", False),)),)


def test_the_last_literal_of_a_rule_is_not_dropped() -> None:
    with pytest.raises(BadOption, match="use --remove-rule r1_1"):
        apply_edits(PROGRAM, [DropLiteral("r1_1", "s")])


def test_names_that_a_program_lacks_are_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownRule, match="nearest: r3, r2, r1"):
        apply_edits(PROGRAM, [RemoveRule("r9")])
    with pytest.raises(UnknownProposition, match="nearest: q, s"):
        apply_edits(PROGRAM, [DropLiteral("r2", "x")])
    with pytest.raises(UnknownClass, match="nearest: dog"):
        apply_edits(PROGRAM, [ForceChannel("p", ("p",), "dig")])


def test_forced_rules_come_first_in_the_order_given_and_win() -> None:
    second = Rule("f2", ClassHead("cat"), (Literal("t"), Unless("f2")))
    exception = Rule("f2_1", ExceptionHead("f2"), (Literal("s"),))
    edited = apply_edits(PROGRAM, [ForceRule((FORCED,)), ForceRule((second, exception))])
    assert ids(edited)[:3] == ["f1", "f2", "f2_1"]
    assert all(is_forced(rule) for rule in edited.rules[:3])
    bits = every_bits(4)
    assert set(evaluate(edited, bits, NAMES).decisions[bits[:, 3]]) == {1}


def test_a_rule_forced_on_an_exclusive_program_wins_and_all_else_stays() -> None:
    bits = every_bits(4)
    program = replace(PROGRAM, policy="exclusive", class_order=("dog", "cat"))
    edited = apply_edits(program, [ForceRule((FORCED,))])
    assert edited.policy == "ordered"
    rest = ~bits[:, 3]
    assert decisions(edited, bits[rest]) == decisions(program, bits[rest])
    assert set(decisions(edited, bits[~rest])) == {1}


def test_a_forced_rule_needs_an_id_of_its_own_a_rule_and_the_right_head() -> None:
    with pytest.raises(BadOption, match="r1 exists already"):
        apply_edits(PROGRAM, [ForceRule((replace(FORCED, id="r1"),))])
    with pytest.raises(BadOption, match="is an exception of r1"):
        apply_edits(PROGRAM, [ForceRule((replace(FORCED, head=ExceptionHead("r1")),))])
    points = Program((Rule("p1", PointsHead("cat", 2), (Literal("p"),)),), ("cat",), "points")
    with pytest.raises(BadOption, match=r"force points\(Image, dog, N\)"):
        apply_edits(points, [ForceRule((FORCED,))])
    line = Rule("p2", PointsHead("cat", 9), (Literal("q"),))
    assert ids(apply_edits(points, [ForceRule((line,))])) == ["p2", "p1"]


def test_a_forced_channel_keeps_only_the_rules_of_its_classes_that_use_it() -> None:
    assert ids(apply_edits(PROGRAM, [ForceChannel("s", ("s",))])) == ["r1", "r1_1", "r2"]
    assert ids(apply_edits(PROGRAM, [ForceChannel("p", ("p",), "dog")])) == ["r1", "r1_1", "r3"]
    with pytest.raises(BadOption, match="no rule of cat uses t"):
        apply_edits(PROGRAM, [ForceChannel("t", ("t",), "cat")])


def test_a_class_without_rules_is_told() -> None:
    assert lost_classes(PROGRAM, apply_edits(PROGRAM, [RemoveRule("r1")])) == ("cat",)
    assert lost_classes(PROGRAM, apply_edits(PROGRAM, [RemoveRule("r2")])) == ()


# --- kind and statistics --------------------------------------------------------


@settings(deadline=None)
@given(random_generators())
def test_a_program_in_order_decides_as_it_did(rng: np.random.Generator) -> None:
    program, propositions = random_program(rng, policy=RULED[rng.integers(3)])
    names = tuple(p.name for p in propositions if p.feature is not None)
    bits = random_bits(rng, 60, len(names))
    assert decisions(ordered(program), bits, names) == decisions(program, bits, names)


@settings(deadline=None)
@given(random_generators())
def test_a_tree_is_exclusive_until_an_edit_lets_two_classes_hold(rng: np.random.Generator) -> None:
    bits = random_bits(rng, 80, 4)
    target = rng.integers(0, 3, 80)
    tree = TreeRules(max_rules=6).fit(bits, target, NAMES, ("a", "b", "c")).program_
    assume(len({rule.head for rule in tree.rules}) > 1)
    assert exclusive(tree)
    rule = tree.rules[0]
    assume(len(list(rule.literals())) > 1)
    edited = apply_edits(tree, [DropLiteral(rule.id, next(rule.literals()).proposition)])
    assert edited.policy == (
        "exclusive" if exclusive(replace(edited, policy="exclusive")) else "ordered"
    )


def test_statistics_are_counted_again_and_what_a_person_wrote_stays() -> None:
    bits = every_bits(4)
    target = np.array(decisions(PROGRAM, bits))
    own = replace(PROGRAM.rules[0], stats=(("confidence", 0.1), ("mine", True)))
    program = replace(PROGRAM, rules=(own, *PROGRAM.rules[1:]))
    stats = dict(restated(program, NAMES, (bits, target)).rules[0].stats)
    assert stats["confidence"] == 1.0
    assert stats["decided"] == stats["support"] == 2
    assert stats["mine"] is True
    assert unstated(program).rules[0].stats == (("mine", True),)


def test_an_unordered_program_gets_the_plain_counts() -> None:
    bits = every_bits(4)
    target = np.array(decisions(PROGRAM, bits))
    program = replace(PROGRAM, policy="exclusive")
    assert restated(program, NAMES, (bits, target)) == with_counts(program, bits, NAMES, target)
