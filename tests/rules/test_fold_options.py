from __future__ import annotations

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from proofsight_server.errors import BadOption
from proofsight_server.rules.evaluation import evaluate
from proofsight_server.rules.fold import DefaultRules
from proofsight_server.rules.metrics import measure
from tests.rules.fold_tables import (
    CLASSES,
    decisions,
    names,
    noisy,
    top_rules,
    weak,
    without_stats,
)
from tests.strategies import random_bits


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
