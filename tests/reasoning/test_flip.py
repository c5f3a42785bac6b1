"""The fewest changes, against every state that the observed propositions can be in."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsight.prolog_home import prolog_home
from proofsight_server.errors import BadGoal, UnknownClass
from proofsight_server.knowledge.source import write_quantiser, write_rules
from proofsight_server.reasoning.facts import FactsFrame
from proofsight_server.reasoning.pool import Pool
from proofsight_server.rules.evaluation import Evaluator
from proofsight_server.rules.program import Policy, Program
from proofsight_server.symbols.feature import Bools, Feature, Proposition
from tests.strategies import LAYERS, random_generators, random_program

REVISION = Path(__file__).parent / "revision"
IMAGES = 8


def several_thresholds(
    rng: np.random.Generator, propositions: tuple[Proposition, ...]
) -> tuple[Proposition, ...]:
    """The propositions, some of which now read the feature of the one before them."""
    changed: list[Proposition] = []
    for proposition in propositions:
        before = changed[-1] if changed else proposition
        shared = (
            proposition.feature is not None
            and before.feature is not None
            and before.layer == proposition.layer
        )
        if shared and rng.random() < 0.5:
            assert before.threshold is not None
            # now and then the threshold too, so that both change together
            threshold = before.threshold if rng.random() < 0.1 else proposition.threshold
            proposition = replace(proposition, feature=before.feature, threshold=threshold)
        changed.append(proposition)
    return tuple(changed)


def columns_of(propositions: list[Proposition]) -> dict[Feature, list[int]]:
    """The propositions of each feature."""
    columns: dict[Feature, list[int]] = {}
    for column, proposition in enumerate(propositions):
        assert proposition.feature is not None
        columns.setdefault(proposition.feature, []).append(column)
    return columns


def every_value(propositions: list[Proposition], feature: Feature, own: float) -> list[float]:
    """A value in each of the intervals that thresholds cut its range into.

    Never one below zero for what is an absolute value, unless that is what the image has.
    """
    thresholds = sorted({p.threshold or 0.0 for p in propositions if p.feature == feature})
    values = [*thresholds, thresholds[-1] + 1.0]
    return [v for v in values if feature.reduction == "value" or v >= 0 or v >= own]


@settings(max_examples=12, deadline=None)
@given(rng=random_generators(), policy=st.sampled_from(get_args(Policy)))
def test_no_smaller_set_of_changes_decides_so(rng: np.random.Generator, policy: Policy) -> None:
    program, propositions = random_program(rng, policy=policy, rules=9, classes=3, per_layer=2)
    propositions = several_thresholds(rng, propositions)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "quantiser.pl").write_text(write_quantiser(LAYERS, propositions))
        (directory / "rules.pl").write_text(write_rules(program))
        asyncio.run(check(directory, program, propositions, rng))


async def check(
    directory: Path,
    program: Program,
    propositions: tuple[Proposition, ...],
    rng: np.random.Generator,
) -> None:
    observable = [p for p in propositions if p.feature is not None]
    columns = columns_of(observable)
    names = [p.name for p in observable]
    thresholds = np.array([p.threshold for p in observable], dtype=np.float32)
    async with Pool(directory, prolog_home(), workers=1) as pool:
        for _ in range(IMAGES):
            hidden = {layer.atom for layer in LAYERS if rng.random() < 0.25}
            unseen = np.array([p.layer in hidden for p in observable])
            values = np.zeros(len(names), np.float32)
            for places in columns.values():
                near = rng.choice(thresholds[places])
                values[places] = near + rng.choice(np.array([0, 0.01, 1, -1], np.float32))
            row = np.where(unseen, np.float32(np.nan), values)
            seen = [name for name, gone in zip(names, unseen, strict=True) if not gone]
            decide = Evaluator(program, names, observed=seen)
            states = every_state(observable, columns, values, unseen, thresholds)
            costs = (states != (values > thresholds)).sum(axis=1)
            decisions = decide(states).decisions
            for wanted in (None, *program.classes):
                answer = await pool.flip(FactsFrame("img", row), wanted)
                judge(answer, program, wanted, decide, names, values > thresholds, costs, decisions)
                assert_possible(answer, observable, values)


def every_state(
    observable: list[Proposition],
    columns: dict[Feature, list[int]],
    values: np.ndarray,
    unseen: Bools,
    thresholds: np.ndarray,
) -> Bools:
    """All bits that some values have; those that are not observed stay as they are."""
    own = values > thresholds
    choices = []
    for feature, places in columns.items():
        if unseen[places[0]]:
            choices.append([own[places]])
            continue
        found = every_value(observable, feature, float(values[places[0]]))
        choices.append([own[places], *(np.float32(v) > thresholds[places] for v in found)])
    states = []
    for chosen in product(*choices):
        state = own.copy()
        for places, bits in zip(columns.values(), chosen, strict=True):
            state[places] = bits
        states.append(state)
    return np.unique(np.array(states), axis=0)


def judge(
    answer: dict[str, Any],
    program: Program,
    wanted: str | None,
    decide: Evaluator,
    names: list[str],
    own: Bools,
    costs: np.ndarray,
    decisions: np.ndarray,
) -> None:
    decided = int(decide(own[None]).decisions[0])
    good = decisions != decided if wanted is None else decisions == program.classes.index(wanted)
    if not good.any():
        assert (answer["status"], answer["lower_bound"]) == ("IMPOSSIBLE", None)
        assert not answer["changes"]
        assert not answer["verified"]
        return
    fewest = int(costs[good].min())
    assert (answer["status"], answer["lower_bound"]) == ("FOUND", fewest)
    assert len(answer["changes"]) == fewest
    assert answer["verified"]
    bits = own.copy()
    for change in answer["changes"]:
        column = names.index(change["proposition"])
        assert bits[column] == change["from"] != change["to"]
        bits[column] = change["to"]
    after = int(decide(bits[None]).decisions[0])
    assert after != decided if wanted is None else program.classes[after] == wanted
    assert answer["to"]["class"] == (program.classes[after] if after >= 0 else None)


def assert_possible(
    answer: dict[str, Any], observable: list[Proposition], values: np.ndarray
) -> None:
    """There is one value for each feature that has all of its propositions so."""
    changed = {change["proposition"]: change for change in answer["changes"]}
    limits: dict[Feature, tuple[float, float]] = {}
    for proposition, value in zip(observable, values, strict=True):
        assert proposition.feature is not None
        assert proposition.threshold is not None
        low, high = limits.get(proposition.feature, (-np.inf, np.inf))
        active = bool(value > np.float32(proposition.threshold))
        if proposition.name in changed:
            change = changed[proposition.name]
            active = not active
            assert change["direction"] == ("above" if active else "at_most")
            assert change["value"] == value
            assert np.float32(change["threshold"]) == np.float32(proposition.threshold)
        if active:
            low = max(low, proposition.threshold)
        else:
            high = min(high, proposition.threshold)
        assert low < high
        limits[proposition.feature] = low, high
    for change in answer["changes"]:
        feature = next(p.feature for p in observable if p.name == change["proposition"])
        assert feature is not None
        bound = limits[feature][1 if change["direction"] == "above" else 0]
        assert change.get("limit", bound) == bound
        assert ("limit" in change) == bool(np.isfinite(bound))


@pytest.fixture
def facts() -> FactsFrame:
    return FactsFrame("img", np.array([0.75, 0.0, -0.5], np.float32))


async def test_the_same_question_has_the_same_answer(facts: FactsFrame) -> None:
    async with Pool(REVISION, prolog_home(), workers=2) as pool:
        answers = await asyncio.gather(*(pool.flip(facts) for _ in range(4)))
    for answer in answers:  # a worker's first call spends more
        del answer["inferences"]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["status"] == "FOUND"


async def test_what_was_decided_already_needs_no_change(facts: FactsFrame) -> None:
    async with Pool(REVISION, prolog_home(), workers=1) as pool:
        answer = await pool.flip(facts, "cat")
    assert (answer["status"], answer["changes"], answer["lower_bound"]) == ("FOUND", [], 0)
    assert answer["verified"]


async def test_an_unknown_class_is_told(facts: FactsFrame) -> None:
    async with Pool(REVISION, prolog_home(), workers=1) as pool:
        with pytest.raises(UnknownClass, match="cow"):
            await pool.flip(facts, "cow")
        with pytest.raises(BadGoal, match="lone surrogate"):
            await pool.flip(facts, "\ud800")
        assert (await pool.flip(facts))["verified"]
