"""Scorecards: planted ones are found, bounds are kept, absent classes never win."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsight_server.errors import BadOption
from proofsight_server.rules.check import check_learner
from proofsight_server.rules.evaluation import evaluate
from proofsight_server.rules.program import PointsHead, Program
from proofsight_server.rules.scorecard import Scorecard
from proofsight_server.symbols.feature import Bools, Ints

NAMES = tuple(f"conv1_c{n}" for n in range(16))
CLASSES = ("cat", "dog", "frog")
# columns 1 and 4 speak for cats, 7 and 9 for dogs, 12 for frogs and against cats
PLANTED = np.zeros((16, 3), dtype=np.int64)
PLANTED[1, 0], PLANTED[4, 0], PLANTED[7, 1], PLANTED[9, 1] = 3, 2, 3, 2
PLANTED[12, 2], PLANTED[12, 0] = 4, -1


def _planted(images: int, seed: int = 0) -> tuple[Bools, Ints]:
    bits = np.random.default_rng(seed).random((images, 16)) < 0.5
    return bits, (bits @ PLANTED).argmax(axis=1)


def _fidelity(program: Program, bits: Bools, target: Ints) -> float:
    return float((evaluate(program, bits, NAMES).decisions == target).mean())


def test_a_scorecard_keeps_the_promises_of_learners() -> None:
    check_learner(Scorecard)


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_scorecard_is_found_on_bits_without_noise(seed: int) -> None:
    learner = Scorecard(max_rules=6).fit(*_planted(4000, seed), NAMES, CLASSES)
    assert _fidelity(learner.program_, *_planted(4000, seed + 100)) >= 0.995
    used = {rule.body[0] for rule in learner.program_.rules}
    assert len(learner.program_.rules) <= 6
    assert len(used) <= 6


@given(bound=st.integers(2, 30), seed=st.integers(0, 50))
@settings(max_examples=10, deadline=None)
def test_the_bounds_on_lines_and_points_are_kept(bound: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    bits, target = rng.random((300, 16)) < 0.4, rng.integers(0, 3, 300)
    program = Scorecard(bound, max_points=4).fit(bits, target, NAMES, CLASSES).program_
    assert len(program.rules) <= bound
    points = [rule.head.points for rule in program.rules if isinstance(rule.head, PointsHead)]
    assert all(1 <= abs(given) <= 4 for given in points)
    assert len(points) == len(program.rules)


def test_a_class_without_images_never_wins() -> None:
    bits, target = _planted(800)
    learner = Scorecard(8).fit(bits, target * 2, NAMES, ("cat", "ghost", "dog", "spirit", "frog"))
    every = (np.arange(2**16)[:, None] >> np.arange(16) & 1).astype(np.bool_)
    assert set(evaluate(learner.program_, every, NAMES).decisions.tolist()) <= {0, 2, 4}
    assert learner.absent_ == ("ghost", "spirit")


def test_without_a_bound_the_smallest_within_the_tolerance_is_taken() -> None:
    training, held = _planted(2000), _planted(1000, 7)
    strict = Scorecard(tolerance=0).fit(*training, NAMES, CLASSES, validation=held)
    loose = Scorecard(tolerance=0.3).fit(*training, NAMES, CLASSES, validation=held)
    assert len(loose.program_.rules) < len(strict.program_.rules)
    best = max(point.held for point in loose.curve_ if point.held is not None)
    assert _fidelity(loose.program_, *held) >= best - 0.3
    sizes = [point.literals for point in loose.curve_]
    assert sizes == sorted(sizes)


def test_one_class_alone_needs_no_lines() -> None:
    bits = _planted(50)[0]
    program = Scorecard().fit(bits, np.full(50, 1), NAMES, CLASSES).program_
    assert _fidelity(program, bits, np.full(50, 1)) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_rules": 1}, "3 classes need at least 2 lines of points"),
        ({"max_rules": 0}, "max_rules is None, 'auto' or a whole number of at least 1, not 0"),
        ({"max_points": 0}, "max_points is a whole number of at least 1, not 0"),
        ({"tolerance": 2}, "tolerance is a share between 0 and 1, not 2"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, int], said: str) -> None:
    with pytest.raises(BadOption, match=said):
        Scorecard(**options).fit(*_planted(100), NAMES, CLASSES)
