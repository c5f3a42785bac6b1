"""The pool with the real service: Proofsight's Prolog and a small revision."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import shutil
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from proofsight.prolog_home import prolog_home
from proofsight_server.errors import (
    BadFacts,
    BadGoal,
    BadProgram,
    InferenceLimit,
    MemoryLimit,
    ProofsightError,
    TimeLimit,
    UnknownClass,
    UnsafeGoal,
)
from proofsight_server.reasoning.answer import Description, Solution, Summary
from proofsight_server.reasoning.call import Question
from proofsight_server.reasoning.facts import FactsFrame
from proofsight_server.reasoning.limits import MIB, QueryLimits
from proofsight_server.reasoning.pool import Pool
from tests.reasoning.asked import goal

REVISION = Path(__file__).parent / "revision"
LIMITS = QueryLimits(stack_bytes=32 * MIB, memory_bytes=128 * MIB, grace_seconds=5)
UNSEEN = float("nan")

pytestmark = pytest.mark.asyncio(loop_scope="module")


def facts(*values: float, image: str = "img") -> FactsFrame:
    return FactsFrame(image, np.array(values, np.float32), (("cat", 0.75), ("mouse", 0.25)))


CAT = facts(0.75, 0.0, -0.5)


def decide(c0: float, c5: float, u2: float) -> tuple[str, str | None]:
    """The program of `revision/`, by hand: its decision and the rule behind it."""
    first = np.float32(c0) > np.float32(0.5)
    last = np.float32(c5) > np.float32(0.1) if np.isnan(u2) else np.float32(u2) > -0.25
    if first and not last:
        return "cat", "r1"
    if last and not first:
        return "big dog", "r2"
    return "mouse", None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[Pool]:
    """For tests that leave its one worker as it is."""
    async with Pool(REVISION, prolog_home(), workers=1, limits=LIMITS) as pool:
        yield pool


async def test_the_program_describes_itself(pool: Pool) -> None:
    assert pool.description == Description(
        propositions=("conv1_c0", "conv1_c5", "fc1_u2"),
        derived=(),
        classes=("cat", "big dog", "mouse"),
        policy="exclusive",
        default="mouse",
        rules=4,
        user=("pet/1", "next/2", "reach/2"),
    )


async def test_decisions_are_those_of_the_program_ties_and_unseen_layers_included(
    pool: Pool,
) -> None:
    below, above = np.nextafter(np.float32(0.1), [np.float32(-1), np.float32(1)])
    for c0, c5, u2 in product((0.25, 0.5, 0.75), (below, 0.1, above), (-0.5, -0.25, 0.0, UNSEEN)):
        said = await pool.explain(facts(c0, float(c5), u2))
        decision, rule = decide(c0, float(c5), u2)
        assert (said["decision"], said["rule"]) == (decision, rule)
        assert said["holds"] is True
        assert said["default"] is (rule is None)
        assert said["nodes"][said["root"]]["status"] == "PROVED"


async def test_a_class_and_a_goal_are_proved_or_refuted(pool: Pool) -> None:
    for question, holds in (
        (Question("class", "cat"), True),
        (Question("class", "big dog"), False),
        (goal("pet(Image)"), True),
        (goal("decision(Image, mouse)"), False),
        (goal("reach(a, c)"), True),
        (goal("reach(c, a)"), False),
    ):
        said = await pool.explain(CAT, question)
        assert said["holds"] is holds
        assert said["decision"] == "cat"
        assert said["nodes"][0]["status"] == ("PROVED" if holds else "ABSENT")


async def test_a_small_allowance_of_nodes_cuts_a_proof_short_and_a_larger_one_does_not(
    pool: Pool,
) -> None:
    whole = await pool.explain(CAT)
    count = len(whole["nodes"])
    assert whole["cut_short"] == ""
    assert (await pool.explain(CAT, max_nodes=count))["nodes"] == whole["nodes"]
    short = await pool.explain(CAT, max_nodes=count - 1)
    assert short["cut_short"] == "nodes"
    assert short["decision"] == "cat"


async def test_solutions_name_the_variables_and_bring_their_proofs(pool: Pool) -> None:
    said = [one async for one in pool.query(CAT, "active(Image, P)", proofs=True)]
    first, summary = said
    assert isinstance(first, Solution)
    assert first.bindings == (("P", "conv1_c0"),)
    assert first.proof is not None
    assert first.proof["nodes"][0]["value"] == 0.75
    assert isinstance(summary, Summary)
    assert (summary.solutions, summary.more) == (1, False)
    assert summary.inferences > 0


async def test_a_query_needs_no_image(pool: Pool) -> None:
    *solutions, summary = [one async for one in pool.query(None, "reach(a, X)")]
    assert solutions == [Solution((("X", "b"),), None), Solution((("X", "c"),), None)]
    assert isinstance(summary, Summary)


async def test_more_solutions_than_asked_for_are_not_looked_for(pool: Pool) -> None:
    *solutions, summary = [
        one async for one in pool.query(None, "between(1, inf, X)", max_solutions=300)
    ]
    assert [one.bindings[0][1] for one in solutions if isinstance(one, Solution)] == [
        str(number) for number in range(1, 301)
    ]
    assert isinstance(summary, Summary)
    assert (summary.solutions, summary.more) == (300, True)


async def test_a_question_is_refused_beside_its_nearest_accepted_twin(pool: Pool) -> None:
    twins: list[tuple[Question, type[ProofsightError], Question]] = [
        (goal("pet(Image"), BadGoal, goal("pet(Image)")),
        (goal("dog(Image)"), BadGoal, goal("pet(Image)")),
        (goal("active(Image, conv1_c1)"), BadGoal, goal("active(Image, conv1_c0)")),
        (goal("shell(true)"), UnsafeGoal, goal("true")),
        (goal("assertz(next(c, d))"), UnsafeGoal, goal("next(a, b)")),
        (goal("catch(true, _, true)"), UnsafeGoal, goal("\\+ fail")),
        (goal("halt"), UnsafeGoal, goal("fail")),
        (Question("class", "Cat"), UnknownClass, Question("class", "cat")),
        (Question("class", "big_dog"), UnknownClass, Question("class", "big dog")),
    ]
    for refused, error, accepted in twins:
        with pytest.raises(error) as raised:
            await pool.explain(CAT, refused)
        assert type(raised.value) is error
        if error is BadGoal:
            assert int(raised.value.metadata["position"]) > 0
        assert (await pool.explain(CAT, accepted))["decision"] == "cat"
    assert pool.stats.restarted == 0


async def test_a_layer_that_is_seen_in_part_is_refused(pool: Pool) -> None:
    with pytest.raises(BadFacts):
        await pool.explain(facts(0.75, UNSEEN, -0.5))
    assert (await pool.explain(facts(0.75, 0.0, UNSEEN)))["decision"] == "cat"


async def test_a_goal_without_bounds_ends_at_a_limit_and_its_worker_goes_on(pool: Pool) -> None:
    goals: dict[str, type[ProofsightError]] = {
        "between(1, inf, X), X < 0": InferenceLimit,
        "numlist(1, 100000000, L), length(L, N)": InferenceLimit,
        "findall(X, between(1, inf, X), L)": InferenceLimit,
        "forall(between(1, inf, X), X > 0)": InferenceLimit,
        "length(L, 100000000)": MemoryLimit,
        "X is 2 ** (2 ** 40)": MemoryLimit,
    }
    for text, error in goals.items():
        with pytest.raises(error):
            async for _ in pool.query(CAT, text):
                pass
        with pytest.raises(error):
            await pool.explain(CAT, goal(text))
        assert (await pool.explain(CAT))["decision"] == "cat"
    assert pool.stats.restarted == 0


@pytest.mark.parametrize(("left", "right"), [("[", "]"), ("(", ")")])
async def test_the_deepest_goal_that_is_not_too_long_costs_no_worker(
    pool: Pool, left: str, right: str
) -> None:
    with pytest.raises(BadGoal, match="syntax error"):
        await pool.explain(CAT, goal(left * 65_000))
    one, _ = [x async for x in pool.query(CAT, f"X = {left * 32_000}a{right * 32_000}")]
    assert isinstance(one, Solution)
    assert pool.stats.restarted == 0


async def test_an_endless_goal_ends_at_its_time_without_costing_its_worker() -> None:
    limits = replace(LIMITS, seconds=0.2, inferences=10**12)
    async with Pool(REVISION, prolog_home(), workers=1, limits=limits) as pool:
        with pytest.raises(TimeLimit, match="ran for its"):
            await pool.explain(CAT, goal("between(1, inf, X), X < 0"))
        assert (await pool.explain(CAT))["decision"] == "cat"
        assert pool.stats.restarted == 0


async def test_a_builtin_that_does_not_look_up_ends_with_its_worker() -> None:
    limits = QueryLimits(seconds=0.2, grace_seconds=0.3)
    async with Pool(REVISION, prolog_home(), workers=1, limits=limits) as pool:
        with pytest.raises(TimeLimit, match="its worker was stopped"):
            await pool.explain(CAT, goal("X is 123456789 ** 12345678"))
        assert (await pool.explain(CAT))["decision"] == "cat"
        assert pool.stats.restarted == 1


async def test_a_caller_who_goes_ends_the_goal_and_nothing_else() -> None:
    dice = random.Random(3)
    limits = replace(LIMITS, inferences=10**12, seconds=60)
    async with Pool(REVISION, prolog_home(), workers=1, limits=limits) as pool:
        for _ in range(20):
            call = asyncio.create_task(pool.explain(CAT, goal("between(1, inf, X), X < 0")))
            await asyncio.sleep(dice.uniform(0, 0.01))
            call.cancel()
            assert (await pool.explain(CAT))["decision"] == "cat"
        assert pool.stats.restarted == 0


@pytest.mark.parametrize(
    ("file", "text", "code", "line"),
    [
        ("rules.pl", "class(Image, cat) :- rule(r9, Image), .\n", "syntax_error", 8),
        (
            "rules.pl",
            "class(Image, cat) :- rule(r9, Image), active(Image, conv1_c7).\n",
            "undeclared_proposition",
            8,
        ),
        ("user.pl", ":- shell(true).\n", "directive", 6),
        ("user.pl", "boom(_) :- shell(true).\n", "unsafe_goal", 6),
    ],
)
async def test_a_program_edited_into_nonsense_is_refused_with_file_and_line(
    tmp_path: Path, file: str, text: str, code: str, line: int
) -> None:
    directory = tmp_path / "revision"
    shutil.copytree(REVISION, directory)
    with (directory / file).open("a") as edited:
        edited.write(text)
    with pytest.raises(BadProgram) as raised:
        await Pool(directory, prolog_home(), limits=LIMITS).start()
    [issue] = [issue for issue in raised.value.issues if issue.severity == "error"]
    assert (issue.code, issue.file, issue.line) == (code, file, line)


async def test_workers_killed_at_any_time_spoil_no_decision() -> None:
    dice = random.Random(13)
    async with Pool(REVISION, prolog_home(), workers=2, limits=LIMITS) as pool:

        async def ask(caller: int) -> None:
            own = random.Random(caller)
            for _ in range(60):
                values = own.random(), own.random(), own.uniform(-1, 0.5)
                said = await pool.explain(facts(*values, image=f"image {caller}"))
                assert (said["decision"], said["rule"]) == decide(*values)
                assert said["nodes"][0]["goal"].startswith(f"decision('image {caller}',")

        async def kill() -> None:
            for deaths in itertools.count():
                # One death per call is survived, not two.
                while pool.stats.restarted < deaths or pool.stats.alive < 2:
                    await asyncio.sleep(0.005)
                await asyncio.sleep(dice.uniform(0.05, 0.1))
                os.kill(dice.choice(pool.stats.pids), signal.SIGKILL)

        killer = asyncio.create_task(kill())
        await asyncio.gather(*(ask(caller) for caller in range(8)))
        killer.cancel()
        assert pool.stats.restarted >= 1


async def test_two_thousand_explanations_and_queries_leave_memory_flat() -> None:
    async with Pool(REVISION, prolog_home(), workers=1, limits=LIMITS) as pool:
        await assert_memory_flat(pool)


async def assert_memory_flat(pool: Pool) -> None:
    [pid] = pool.stats.pids

    def resident() -> int:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1])

    async def ask(calls: range) -> None:
        for number in calls:
            await pool.explain(facts(0.75, 0.0, -0.5, image=f"image {number}"))
            if number % 10 == 0:
                assert len([one async for one in pool.query(CAT, "active(Image, P)")]) == 2
                with pytest.raises(BadGoal):
                    await pool.explain(CAT, goal("unheard_of(Image)"))

    await ask(range(2000))  # until atoms are collected for the first time
    warm = resident()
    await ask(range(2000, 4000))
    assert resident() < 1.05 * warm
    assert pool.stats.pids == (pid,)
