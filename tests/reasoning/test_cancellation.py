"""The pool, with goals that do not end and callers who do not wait."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import replace

import pytest

from proofsight_server.errors import TimeLimit
from proofsight_server.reasoning.facts import FactsFrame
from proofsight_server.reasoning.limits import QueryLimits
from tests.reasoning.asked import OpenPool, alive, full, goal, until


@pytest.mark.parametrize("fault", ["spin", "stubborn"])
async def test_a_worker_silent_past_its_time_is_killed_and_replaced(
    standin: OpenPool, facts: FactsFrame, limits: QueryLimits, fault: str
) -> None:
    async with standin(limits=replace(limits, seconds=0.2, grace_seconds=0.3)) as pool:
        [pid] = pool.stats.pids
        with pytest.raises(TimeLimit, match="did not stop at its time limit"):
            await pool.explain(facts, goal(fault))
        assert not alive(pid)
        assert pool.stats.calls == 1
        await full(pool)
        assert (await pool.explain(facts, goal("echo"))) == {"image": "img"}


async def test_a_query_silent_between_two_solutions_is_killed_too(
    standin: OpenPool, facts: FactsFrame, limits: QueryLimits
) -> None:
    async with standin(limits=replace(limits, seconds=0.2, grace_seconds=0.3)) as pool:
        said = []
        with pytest.raises(TimeLimit):
            async for one in pool.query(facts, "endless"):
                said.append(one)
        assert len(said) == 2


async def test_the_goal_of_a_caller_who_has_gone_is_ended_and_its_worker_kept(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin() as pool:
        [pid] = pool.stats.pids
        for _ in range(3):
            call = asyncio.create_task(pool.explain(facts, goal("spin")))
            await asyncio.sleep(0.05)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert await pool.explain(facts, goal("echo")) == {"image": "img"}
        assert pool.stats.pids == (pid,)


async def test_a_goal_that_goes_on_when_its_caller_has_gone_costs_its_worker(
    standin: OpenPool, facts: FactsFrame, limits: QueryLimits
) -> None:
    async with standin(limits=replace(limits, grace_seconds=0.3)) as pool:
        [pid] = pool.stats.pids
        call = asyncio.create_task(pool.explain(facts, goal("stubborn")))
        await asyncio.sleep(0.05)
        call.cancel()
        assert await pool.explain(facts, goal("echo")) == {"image": "img"}
        assert not alive(pid)
        assert pool.stats.restarted == 1


async def test_a_cancellation_never_strikes_the_next_caller(
    standin: OpenPool, facts: FactsFrame
) -> None:
    dice = random.Random(11)
    async with standin() as pool:
        [pid] = pool.stats.pids

        async def give_up() -> None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(dice.uniform(0, 0.002)):
                    await pool.explain(facts, goal("echo"))

        async def insist(number: int) -> None:
            name = f"image {number}"
            assert await pool.explain(replace(facts, image=name), goal("echo")) == {"image": name}

        for number in range(150):
            await asyncio.gather(give_up(), insist(number), give_up())
        assert pool.stats.pids == (pid,)


async def test_a_call_cancelled_in_any_moment_leaves_the_pool_whole(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin(workers=2) as pool:
        for steps in range(30):
            calls = [asyncio.create_task(pool.explain(facts, goal("echo"))) for _ in range(4)]
            for _ in range(steps):
                await asyncio.sleep(0)
            for call in calls[::2]:
                call.cancel()
            said = await asyncio.gather(*calls, return_exceptions=True)
            assert said[1] == said[3] == {"image": "img"}
        await until(lambda: pool.stats.busy == 0)
        assert (pool.stats.waiting, pool.stats.restarted) == (0, 0)
