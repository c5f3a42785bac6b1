from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier

from proofsight_server.errors import BadOption
from proofsight_server.rules.evaluation import evaluate, firing
from proofsight_server.rules.metrics import measure
from proofsight_server.rules.program import ClassHead, Literal, Program
from proofsight_server.rules.tree import Simplify, TreeRules
from proofsight_server.symbols.feature import Bools, Ints
from tests.strategies import random_bits, random_generators

CLASSES = tuple(f"digit_{k}" for k in range(10))


def names(width: int) -> tuple[str, ...]:
    return tuple(f"conv3_c{k}" for k in range(width))


def noisy(rng: np.random.Generator, images: int, width: int, classes: int) -> tuple[Bools, Ints]:
    """Bits that tell something about the class, and much that does not."""
    target = rng.integers(0, classes, images)
    prototypes = rng.random((classes, width)) < 0.4
    return prototypes[target] ^ (rng.random((images, width)) < 0.2), target


def all_bits(width: int) -> Bools:
    return np.array(list(product((False, True), repeat=width)))


def head(program: Program, rule: int) -> str:
    found = program.rules[rule].head
    assert isinstance(found, ClassHead)
    return found.name


@settings(max_examples=40, deadline=None)
@given(rng=random_generators(), max_rules=st.integers(2, 20), seed=st.integers(0, 3))
def test_exactly_one_path_fires_and_decides_as_scikit_learn_does(
    rng: np.random.Generator, max_rules: int, seed: int
) -> None:
    bits, target = noisy(rng, 120, 9, 4)
    program = TreeRules(max_rules, "none", seed).fit(bits, target, names(9), CLASSES).program_
    tree = DecisionTreeClassifier(
        criterion="entropy", max_leaf_nodes=max_rules, random_state=seed
    ).fit(bits.astype(np.float32), target)
    everything = all_bits(9)
    assert (firing(program, everything, names(9)).sum(axis=1) == 1).all()
    predicted = tree.predict(everything.astype(np.float32))
    assert evaluate(program, everything, names(9)).decisions.tolist() == predicted.tolist()
    assert len(program.rules) <= max_rules
    for rule in program.rules:
        used = [literal.proposition for literal in rule.literals()]
        assert len(used) == len(set(used))


@settings(max_examples=40, deadline=None)
@given(rng=random_generators(), max_rules=st.integers(2, 40), classes=st.integers(1, 5))
def test_exact_simplification_leaves_the_decision_of_every_bit_vector(
    rng: np.random.Generator, max_rules: int, classes: int
) -> None:
    bits, target = noisy(rng, 150, 10, classes)
    plain = TreeRules(max_rules, "none").fit(bits, target, names(10), CLASSES).program_
    exact = TreeRules(max_rules, "exact").fit(bits, target, names(10), CLASSES).program_
    everything = all_bits(10)
    before, after = (evaluate(p, everything, names(10)) for p in (plain, exact))
    assert np.array_equal(before.decisions, after.decisions)
    assert not after.by_default.any()
    fires = firing(exact, everything, names(10))
    deciding = np.array([CLASSES.index(head(exact, k)) for k in range(len(exact.rules))])
    for image, row in enumerate(fires):
        assert set(deciding[row]) == {after.decisions[image]}


def test_exact_simplification_of_a_real_size_leaves_random_decisions() -> None:
    rng = np.random.default_rng(5)
    bits, target = noisy(rng, 3000, 60, 10)
    plain, exact = (
        TreeRules(60, simplify).fit(bits, target, names(60), CLASSES).program_
        for simplify in ("none", "exact")
    )
    fresh = random_bits(rng, 20_000, 60)
    before, after = (evaluate(p, fresh, names(60)).decisions for p in (plain, exact))
    assert np.array_equal(before, after)


def test_sibling_leaves_of_one_class_become_one_rule() -> None:
    # the tree splits twice to explain one odd image, which never outweighs its leaf
    bits = np.array([[0, 0]] * 5 + [[0, 1]] * 5 + [[1, 0]] * 9, dtype=bool)
    target = np.array([0] * 5 + [0] * 3 + [1] * 2 + [1] * 9)
    program = TreeRules(3, "none").fit(bits, target, names(2), CLASSES[:2]).program_
    bodies = [(head(program, k), rule.body) for k, rule in enumerate(program.rules)]
    assert bodies == [
        ("digit_0", (Literal("conv3_c0", False),)),
        ("digit_1", (Literal("conv3_c0", True),)),
    ]
    assert dict(program.rules[0].stats)["support"] == 10


PLANTED = frozenset((2, 3, 5, 7, 9, 11))


def planted(bits: Bools) -> Ints:
    """`c0 <- p3, not p7, not (p11, not p2); c1 <- p5, not p9; else c2`."""
    first = bits[:, 3] & ~bits[:, 7] & ~(bits[:, 11] & ~bits[:, 2])
    return np.where(first, 0, np.where(bits[:, 5] & ~bits[:, 9], 1, 2))


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_program_is_found_exactly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bits, fresh = (rng.random((4000, 40)) < 0.4 for _ in range(2))
    program = TreeRules(64, seed=seed).fit(bits, planted(bits), names(40), CLASSES[:3]).program_
    assert set(program.propositions()) == {f"conv3_c{k}" for k in PLANTED}
    assert np.array_equal(evaluate(program, fresh, names(40)).decisions, planted(fresh))


@pytest.mark.parametrize("seed", range(6))
def test_a_planted_program_survives_redrawn_labels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bits, fresh = (rng.random((4000, 40)) < 0.4 for _ in range(2))
    target = planted(bits)
    redrawn = rng.random(4000) < 0.05
    target[redrawn] = rng.integers(0, 3, redrawn.sum())
    program = TreeRules(15, seed=seed).fit(bits, target, names(40), CLASSES[:3]).program_
    assert np.array_equal(evaluate(program, fresh, names(40)).decisions, planted(fresh))


@settings(max_examples=40, deadline=None)
@given(rng=random_generators(), images=st.integers(1, 40))
def test_a_consistent_table_is_learned_completely_by_a_tree_that_is_large_enough(
    rng: np.random.Generator, images: int
) -> None:
    bits = np.unique(random_bits(rng, images, 6), axis=0)
    target = rng.integers(0, 3, len(bits))
    program = TreeRules(64).fit(bits, target, names(6), CLASSES[:3]).program_
    assert measure(program, bits, names(6), target).fidelity == 1


@pytest.mark.parametrize("simplify", ["none", "exact", "lossy"])
def test_shuffled_columns_and_a_second_run_give_the_same_program(simplify: Simplify) -> None:
    rng = np.random.default_rng(7)
    bits, target = noisy(rng, 400, 25, 5)
    held = noisy(rng, 100, 25, 5)
    learner = TreeRules(20, simplify, seed=3, epsilon=0.02)
    first = learner.fit(bits, target, names(25), CLASSES, validation=held).program_
    assert learner.fit(bits, target, names(25), CLASSES, validation=held).program_ == first
    for _ in range(3):
        order = rng.permutation(25)
        shuffled = [names(25)[k] for k in order]
        turned = (held[0][:, order], held[1])
        again = TreeRules(20, simplify, seed=3, epsilon=0.02)
        again.fit(bits[:, order], target, shuffled, CLASSES, validation=turned)
        assert again.program_ == first


def test_ties_between_equal_columns_do_not_depend_on_their_places() -> None:
    rng = np.random.default_rng(8)
    half = random_bits(rng, 100, 4)
    bits = np.concatenate([half, half], axis=1)
    target = (half[:, 0] ^ half[:, 2]).astype(np.int64)
    first = TreeRules(seed=1).fit(bits, target, names(8), CLASSES).program_
    again = TreeRules(seed=1).fit(bits[:, ::-1], target, names(8)[::-1], CLASSES).program_
    assert again == first


def test_validation_images_do_not_touch_what_they_may_not_choose() -> None:
    rng = np.random.default_rng(9)
    bits, target = noisy(rng, 300, 12, 4)
    without = TreeRules(12).fit(bits, target, names(12), CLASSES).program_
    held = noisy(rng, 50, 12, 4)
    assert TreeRules(12).fit(bits, target, names(12), CLASSES, validation=held).program_ == without


def test_rules_are_numbered_in_order_by_class_and_falling_support() -> None:
    bits, target = noisy(np.random.default_rng(10), 400, 12, 4)
    program = TreeRules(25).fit(bits, target, names(12), CLASSES).program_
    assert [rule.id for rule in program.rules] == [f"r{k + 1}" for k in range(len(program.rules))]
    keys = [
        (CLASSES.index(head(program, k)), -int(dict(rule.stats)["support"]))
        for k, rule in enumerate(program.rules)
    ]
    assert keys == sorted(keys)
    assert [key for key, _ in program.rules[0].stats] == [
        "support",
        "confidence",
        "confidence_low",
        "confidence_high",
    ]


def test_a_class_without_images_gets_no_rule_and_is_reported() -> None:
    bits, target = noisy(np.random.default_rng(11), 200, 8, 3)
    target[target == 1] = 5
    learner = TreeRules().fit(bits, target, names(8), CLASSES[:7])
    assert learner.absent_ == ("digit_1", "digit_3", "digit_4", "digit_6")
    decided = {head(learner.program_, k) for k in range(len(learner.program_.rules))}
    assert decided == {"digit_0", "digit_2", "digit_5"}
    assert learner.program_.classes == CLASSES[:7]


def test_one_class_alone_gives_one_rule_without_conditions() -> None:
    bits = random_bits(np.random.default_rng(0), 20, 4)
    program = TreeRules().fit(bits, np.full(20, 2), names(4), CLASSES).program_
    assert [(head(program, 0), program.rules[0].body)] == [("digit_2", ())]


def test_the_default_is_the_most_frequent_class() -> None:
    bits = random_bits(np.random.default_rng(0), 5, 4)
    program = TreeRules().fit(bits, np.array([1, 2, 2, 1, 0]), names(4), CLASSES).program_
    assert program.default == "digit_1"
    assert program.policy == "exclusive"


def test_auto_takes_the_smallest_size_within_one_standard_error() -> None:
    rng = np.random.default_rng(12)
    bits, held = (rng.random((3000, 40)) < 0.4 for _ in range(2))
    learner = TreeRules("auto")
    learner.fit(bits, planted(bits), names(40), CLASSES[:3], validation=(held, planted(held)))
    assert learner.leaves_ == 15
    bits, target = noisy(rng, 4000, 40, 10)
    fidelity = {}
    for size in (15, 30, 60, 120):
        program = TreeRules(size).fit(bits[:3000], target[:3000], names(40), CLASSES).program_
        fidelity[size] = measure(program, bits[3000:], names(40), target[3000:]).fidelity
    best = max(fidelity.values())
    enough = best - (best * (1 - best) / 1000) ** 0.5
    learner.fit(
        bits[:3000], target[:3000], names(40), CLASSES, validation=(bits[3000:], target[3000:])
    )
    assert learner.leaves_ == min(size for size, share in fidelity.items() if share >= enough) > 15


@pytest.mark.parametrize("epsilon", [0.0, 0.02, 0.2])
def test_lossy_simplification_loses_no_more_than_it_may(epsilon: float) -> None:
    rng = np.random.default_rng(13)
    bits, target = noisy(rng, 900, 20, 5)
    held = bits[600:], target[600:]
    arguments = bits[:600], target[:600], names(20), CLASSES[:5]
    exact = TreeRules(25).fit(*arguments).program_
    lossy = TreeRules(25, "lossy", epsilon=epsilon).fit(*arguments, validation=held).program_
    before, after = (measure(p, held[0], names(20), held[1]).fidelity for p in (exact, lossy))
    assert after >= before - epsilon - 1e-12
    lengths = [sum(len(rule.body) for rule in p.rules) for p in (exact, lossy)]
    assert lengths[1] < lengths[0]
    assert lossy.policy == "ordered" and lossy.default is not None
    confidences = [dict(rule.stats)["confidence"] for rule in lossy.rules]
    assert confidences == sorted(confidences, key=float, reverse=True)
    assert all(rule.body for rule in lossy.rules)


def test_what_lossy_simplification_leaves_is_needed() -> None:
    rng = np.random.default_rng(14)
    bits, target = noisy(rng, 500, 12, 4)
    held = bits[300:], target[300:]
    lossy = TreeRules(12, "lossy").fit(
        bits[:300], target[:300], names(12), CLASSES[:4], validation=held
    )
    program = lossy.program_
    reached = measure(program, held[0], names(12), held[1]).fidelity
    for place in range(len(program.rules)):
        fewer = replace(program, rules=(*program.rules[:place], *program.rules[place + 1 :]))
        assert measure(fewer, held[0], names(12), held[1]).fidelity < reached


@pytest.mark.parametrize(
    ("bad", "good", "message"),
    [
        (TreeRules(1), TreeRules(2), "at least 2, not 1"),
        (TreeRules("many"), TreeRules(30), "not 'many'"),  # type: ignore[arg-type]  # the point
        (TreeRules(simplify="some"), TreeRules(simplify="none"), "not 'some'"),  # type: ignore[arg-type]  # the point
        (TreeRules(epsilon=-0.1), TreeRules(epsilon=0.0), "between 0 and 1"),
        (TreeRules("auto"), TreeRules(15), "validation"),
        (TreeRules(simplify="lossy"), TreeRules(simplify="exact"), "validation"),
    ],
)
def test_an_option_out_of_its_range_is_refused(
    bad: TreeRules, good: TreeRules, message: str
) -> None:
    bits, target = noisy(np.random.default_rng(0), 20, 4, 2)
    good.fit(bits, target, names(4), CLASSES)
    with pytest.raises(BadOption, match=message):
        bad.fit(bits, target, names(4), CLASSES)
