from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsight_server.knowledge.source import write_rules
from proofsight_server.rules.confidence import wilson
from proofsight_server.rules.fold import DefaultRules
from proofsight_server.rules.metrics import size_of
from proofsight_server.rules.ordered_statistics import with_decided
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
    names,
    noisy,
    rows,
    top_rules,
)
from tests.strategies import random_generators


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
