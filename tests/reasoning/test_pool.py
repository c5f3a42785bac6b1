"""The pool, with workers that behave."""

from __future__ import annotations

import asyncio
import math
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proofsight_server.errors import (
    BadFacts,
    BadGoal,
    BadOption,
    BadRevision,
    InferenceLimit,
    MemoryLimit,
    NotReady,
    ProofsightError,
    TimeLimit,
    UnknownClass,
    UnsafeGoal,
)
from proofsight_server.reasoning.answer import Description, Solution, Summary
from proofsight_server.reasoning.call import Question
from proofsight_server.reasoning.facts import FactsFrame
from proofsight_server.reasoning.limits import QueryLimits
from proofsight_server.reasoning.pool import Pool
from tests.reasoning.asked import OpenPool, goal

# --- what goes in and comes out ----------------------------------------------


async def test_a_started_pool_says_what_its_program_is_about(standin: OpenPool) -> None:
    async with standin(workers=2) as pool:
        assert pool.description == Description(
            propositions=("a", "b", "c"),
            derived=("d",),
            classes=("cat", "dog"),
            policy="ordered",
            default="dog",
            rules=2,
            user=("pet/1",),
        )
        stats = pool.stats
        assert (stats.workers, stats.alive, stats.busy, stats.restarted) == (2, 2, 0, 0)
        assert (stats.waiting, stats.calls, len(stats.pids)) == (0, 0, 2)


async def test_terms_arrive_in_prolog_as_they_were_sent(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin() as pool:
        given = await pool.explain(facts, Question("class", "cat"), max_nodes=12)
    assert given["kb"] == "standin"
    assert given["question"] == ["compound", "class", ["string", "cat"]]
    assert given["facts"] == [
        "compound",
        "facts",
        ["atom", "img"],
        [
            "compound",
            "values",
            ["number", 1.5],
            ["atom", "none"],
            ["number", float(np.float32(0.1))],
        ],
        ["list", ["compound", "-", ["atom", "cat"], ["number", 0.75]]],
    ]
    assert given["limits"] == [
        "list",
        ["compound", "inferences", ["number", 1_000_000]],
        ["compound", "nodes", ["number", 12]],
        ["compound", "seconds", ["number", 20]],
    ]


def test_any_text_and_any_finite_float_arrives_unchanged(standin: OpenPool) -> None:
    single = st.floats(width=32, allow_infinity=False)
    pool = standin()
    with asyncio.Runner() as runner:
        runner.run(pool.start())

        @settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
        @given(st.text(), st.text(min_size=1), st.lists(single, min_size=3, max_size=3))
        def arrives(image: str, text: str, values: list[float]) -> None:
            frame = FactsFrame(image, np.array(values, np.float32), ((text, values[0]),))
            if math.isnan(values[0]):
                frame = FactsFrame(image, frame.values)
            said = runner.run(pool.explain(frame, goal("echo " + text)))
            _, _, named, (_, _, *given), predicted = said["facts"]
            assert named == ["atom", image]
            assert said["question"] == ["compound", "goal", ["string", "echo " + text]]
            for value, (kind, number) in zip(frame.values, given, strict=True):
                if np.isnan(value):
                    assert (kind, number) == ("atom", "none")
                else:
                    assert (kind, number) == ("number", float(value))
            for _, _, name, (_, probability) in predicted[1:]:
                assert name == ["atom", text]
                assert probability == values[0]

        arrives()
        runner.run(pool.close())


async def test_a_program_without_observable_propositions_takes_facts_without_values(
    standin: OpenPool,
) -> None:
    async with standin("% empty\n") as pool:
        given = await pool.explain(FactsFrame("img", np.empty(0, np.float32)))
    assert given["question"] == ["atom", "decision"]
    assert given["facts"][2:] == [["atom", "img"], ["compound", "values"], ["list"]]


async def test_solutions_come_in_order_and_the_summary_last(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin() as pool:
        said = [one async for one in pool.query(facts, "count", max_solutions=200)]
        expected = [Solution((("X", str(i)),), None) for i in range(1, 201)]
        assert said == [*expected, Summary(solutions=200, more=True, inferences=7)]
        assert pool.stats.busy == 0


async def test_a_query_may_go_without_facts_and_may_ask_for_proofs(standin: OpenPool) -> None:
    async with standin() as pool:
        with_proofs, _ = [
            one async for one in pool.query(None, "facts", max_solutions=1, proofs=True)
        ]
        without, _ = [one async for one in pool.query(None, "facts", max_solutions=1)]
    assert with_proofs == Solution((("X", "none"),), {"root": 0, "said": True})
    assert without == Solution((("X", "none"),), {"root": 0, "said": False})


async def test_a_callers_limits_bound_a_question_further_but_never_less(
    standin: OpenPool, facts: FactsFrame, limits: QueryLimits
) -> None:
    own = replace(limits, nodes=100, solutions=3)
    async with standin(limits=own) as pool:
        for asked, used in ((99, 99), (100, 100), (101, 100), (None, 100)):
            given = await pool.explain(facts, max_nodes=asked)
            assert ["compound", "nodes", ["number", used]] in given["limits"]
        for asked, used in ((2, 2), (3, 3), (4, 3), (None, 3)):
            said = [one async for one in pool.query(facts, "count", max_solutions=asked)]
            assert len(said) == used + 1


async def test_a_question_gets_no_more_seconds_than_its_deadline_leaves(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin() as pool:
        given = await pool.explain(facts, deadline=time.monotonic() + 10)
        _, _, (_, seconds) = given["limits"][-1]
        assert 0 < seconds <= 10


async def test_an_error_in_an_answer_is_raised_as_its_own_class(
    standin: OpenPool, facts: FactsFrame
) -> None:
    errors: dict[str, type[ProofsightError]] = {
        "BAD_GOAL": BadGoal,
        "UNSAFE_GOAL": UnsafeGoal,
        "INFERENCE_LIMIT": InferenceLimit,
        "TIME_LIMIT": TimeLimit,
        "MEMORY_LIMIT": MemoryLimit,
        "BAD_FACTS": BadFacts,
        "SOMETHING_ELSE": ProofsightError,
    }
    async with standin() as pool:
        for reason, error in errors.items():
            with pytest.raises(error, match="as asked") as raised:
                await pool.explain(facts, goal(f"error {reason}"))
            assert type(raised.value) is error
            assert raised.value.metadata["position"] == "4"
        assert pool.stats.restarted == 0


async def test_an_unknown_class_is_told_with_the_nearest_names(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin() as pool:
        with pytest.raises(UnknownClass, match="nearest: cat"):
            await pool.explain(facts, goal("error UNKNOWN_CLASS"))


async def test_an_error_ends_a_query_after_the_solutions_that_came_before(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin() as pool:
        said = []
        with pytest.raises(MemoryLimit, match="outgrew"):
            async for one in pool.query(facts, "limit"):
                said.append(one)
        assert said == [Solution((("X", i),), None) for i in ("1", "2")]
        assert (await pool.explain(facts))["kb"] == "standin"


# --- what is refused, beside what is not -------------------------------------


async def test_facts_that_do_not_fit_the_program_are_refused(standin: OpenPool) -> None:
    refused: list[tuple[Any, str]] = [
        (np.zeros(2, np.float32), "reads 3 values"),
        (np.zeros(4, np.float32), "reads 3 values"),
        (np.zeros((1, 3), np.float32), "reads 3 values"),
        (np.zeros(3, np.float64), "reads 3 values"),
        (np.array([0, np.inf, 0], np.float32), "infinite"),
        (np.array([0, -np.inf, 0], np.float32), "infinite"),
    ]
    async with standin() as pool:
        for values, message in refused:
            with pytest.raises(BadFacts, match=message):
                await pool.explain(FactsFrame("img", values))
            with pytest.raises(BadFacts, match=message):
                async for _ in pool.query(FactsFrame("img", values), "count"):
                    pass
        largest = np.array([0, np.finfo(np.float32).max, np.nan], np.float32)
        assert (await pool.explain(FactsFrame("img", largest)))["kb"] == "standin"


async def test_text_that_is_no_unicode_is_refused(standin: OpenPool, facts: FactsFrame) -> None:
    async with standin() as pool:
        with pytest.raises(BadGoal, match="lone surrogate at position 2"):
            await pool.explain(facts, goal("p(\ud800)"))
        with pytest.raises(BadGoal, match="lone surrogate"):
            await pool.explain(facts, Question("class", "\udfff"))
        with pytest.raises(BadFacts, match="lone surrogate"):
            await pool.explain(replace(facts, image="\ud800"))
        with pytest.raises(BadFacts, match="lone surrogate"):
            await pool.explain(replace(facts, predicted=(("\ud800", 0.5),)))
        assert (await pool.explain(facts, goal("p(\U0001d800)")))["kb"] == "standin"


async def test_a_pool_that_is_not_started_is_not_ready(
    standin: OpenPool, facts: FactsFrame
) -> None:
    pool = standin()
    with pytest.raises(NotReady, match="not loaded yet"):
        await pool.explain(facts)
    with pytest.raises(NotReady):
        _ = pool.description
    await pool.close()


def test_a_pool_needs_a_worker_but_no_queue(standin: OpenPool) -> None:
    standin(workers=1, queue=0)
    with pytest.raises(BadOption, match="workers must be at least 1, not 0"):
        standin(workers=0)
    with pytest.raises(BadOption, match="queue must be at least 0, not -1"):
        standin(queue=-1)


async def test_a_directory_that_is_not_there_is_no_revision(tmp_path: Path) -> None:
    with pytest.raises(BadRevision, match="nowhere"):
        await Pool(tmp_path / "nowhere", tmp_path).start()


# --- what a worker is --------------------------------------------------------


async def test_a_worker_carries_no_heavy_library_and_no_secret(
    standin: OpenPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROOFSIGHT_TOKEN", "hush")
    async with standin() as pool:
        [pid] = pool.stats.pids
        mapped = Path(f"/proc/{pid}/maps").read_text()
        assert "swipl" in mapped
        assert "numpy" not in mapped
        assert "torch" not in mapped
        assert b"hush" not in Path(f"/proc/{pid}/environ").read_bytes()
        assert os.getpgid(pid) == pid
        for standard in (0, 1):
            assert Path(f"/proc/{pid}/fd/{standard}").readlink() == Path("/dev/null")
        limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
        [core] = [line.split() for line in limits if "core file size" in line]
        assert core[4:6] == ["0", "0"]
