"""Who waits for a worker, in which order, and how a pool ends."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from proofsight_server.errors import (
    Draining,
    Overloaded,
    TimeLimit,
)
from proofsight_server.reasoning.answer import Solution
from proofsight_server.reasoning.facts import FactsFrame
from tests.reasoning.asked import OpenPool, alive, goal


async def test_callers_are_served_in_the_order_in_which_they_came(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin() as pool:
        served: list[int] = []

        async def ask(number: int) -> None:
            await pool.explain(facts, goal("sleep" if number == 0 else "echo"))
            served.append(number)

        await asyncio.gather(*(ask(number) for number in range(20)))
        assert served == list(range(20))


async def test_the_line_takes_as_many_as_it_should_and_refuses_the_next_with_the_numbers(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin(queue=2) as pool:
        calls = [asyncio.create_task(pool.explain(facts, goal("sleep"))) for _ in range(3)]
        await asyncio.sleep(0)
        assert (pool.stats.busy, pool.stats.waiting) == (1, 2)
        with pytest.raises(Overloaded) as raised:
            await pool.explain(facts)
        assert raised.value.metadata == {"waiting": "2", "workers": "1", "queue": "2"}
        assert await asyncio.gather(*calls) == [{"slept": True}] * 3
        assert (await pool.explain(facts))["kb"] == "standin"


async def test_a_call_whose_deadline_passes_in_line_is_dropped(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin() as pool:
        first = asyncio.create_task(pool.explain(facts, goal("sleep")))
        await asyncio.sleep(0)
        with pytest.raises(TimeLimit, match="before a Prolog worker was free"):
            await pool.explain(facts, deadline=time.monotonic() + 0.05)
        assert not first.done()
        assert pool.stats.waiting == 0
        await first
        assert pool.stats.calls == 1


async def test_a_call_whose_deadline_has_passed_is_not_begun(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin() as pool:
        with pytest.raises(TimeLimit):
            await pool.explain(facts, deadline=time.monotonic() - 1)
        assert pool.stats.calls == 0
        await pool.explain(facts, deadline=time.monotonic() + 60)
        assert pool.stats.calls == 1


async def test_a_caller_who_leaves_the_line_is_forgotten(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin() as pool:
        calls = [asyncio.create_task(pool.explain(facts, goal("sleep"))) for _ in range(3)]
        await asyncio.sleep(0)
        calls[1].cancel()
        assert await calls[0] == await calls[2] == {"slept": True}
        assert (pool.stats.calls, pool.stats.restarted) == (2, 0)


async def test_eight_callers_each_get_their_own_answers(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin(workers=2) as pool:

        async def ask(caller: int) -> None:
            for number in range(50):
                name = f"{caller}/{number}"
                said = await pool.explain(replace(facts, image=name), goal("echo"))
                assert said == {"image": name}

        async def ask_query() -> None:
            for _ in range(20):
                said = [one async for one in pool.query(facts, "count", max_solutions=20)]
                assert [one.bindings[0][1] for one in said if isinstance(one, Solution)] == [
                    str(number) for number in range(1, 21)
                ]

        await asyncio.gather(*(ask(caller) for caller in range(6)), ask_query(), ask_query())
        assert pool.stats.restarted == 0
        assert pool.stats.busy == 0


async def test_closing_lets_calls_end_that_were_begun_or_in_line(
    standin: OpenPool, facts: FactsFrame
) -> None:
    pool = standin()
    await pool.start()
    pids = pool.stats.pids
    calls = [asyncio.create_task(pool.explain(facts, goal("sleep"))) for _ in range(2)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(pool.close())
    await asyncio.sleep(0)
    with pytest.raises(Draining):
        await pool.explain(facts)
    assert await asyncio.gather(*calls) == [{"slept": True}] * 2
    await closing
    assert not any(map(alive, pids))


async def test_calls_that_outlast_the_grace_are_cut_off(
    standin: OpenPool, facts: FactsFrame
) -> None:
    pool = standin()
    await pool.start()
    pids = pool.stats.pids
    calls = [asyncio.create_task(pool.explain(facts, goal("spin"))) for _ in range(2)]
    await asyncio.sleep(0)
    await pool.close(0.05)
    for call in calls:
        with pytest.raises(Draining, match="were stopped"):
            await call
    assert not any(map(alive, pids))


async def test_a_pool_leaves_no_process_task_or_descriptor_behind(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin():
        pass
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    async with standin(workers=2) as pool:
        pids = pool.stats.pids
        await pool.explain(facts)
        assert all(map(alive, pids))
    await pool.close()
    assert not any(map(alive, pids))
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
    assert asyncio.all_tasks() == {asyncio.current_task()}
