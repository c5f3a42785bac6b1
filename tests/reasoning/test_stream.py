"""Solutions that are read slowly, or not to the end."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest

from proofsight_server.reasoning.answer import Solution
from proofsight_server.reasoning.facts import FactsFrame
from proofsight_server.reasoning.limits import QueryLimits
from tests.reasoning.asked import OpenPool, goal


async def test_a_reader_who_is_slow_gets_every_solution_in_order(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin() as pool:
        number = 0
        async for one in pool.query(facts, "big", max_solutions=150):
            if isinstance(one, Solution):
                number += 1
                [(_, value)] = one.bindings
                assert value.rstrip("x") == str(number)
                assert len(value) > 99_000
                if number % 50 == 1:
                    await asyncio.sleep(0.02)
        assert number == 150


async def test_a_worker_that_waits_for_its_reader_is_not_killed_for_it(
    standin: OpenPool, facts: FactsFrame, limits: QueryLimits
) -> None:
    async with standin(limits=replace(limits, seconds=1, grace_seconds=0.5)) as pool:
        numbers = []
        async for one in pool.query(facts, "big", max_solutions=90):
            if isinstance(one, Solution):
                numbers.append(int(one.bindings[0][1].rstrip("x")))
                if len(numbers) == 1:
                    await asyncio.sleep(2)
        assert numbers == list(range(1, 91))
        assert pool.stats.restarted == 0


@pytest.mark.parametrize("kind", ["endless", "big", "slow"])
async def test_a_query_that_is_left_early_frees_its_worker(
    standin: OpenPool, facts: FactsFrame, kind: str
) -> None:
    async with standin() as pool:
        [pid] = pool.stats.pids
        for _ in range(3):
            async with contextlib.aclosing(pool.query(facts, kind)) as solutions:
                async for one in solutions:
                    assert isinstance(one, Solution)
                    break
            assert (await pool.explain(facts, goal("echo"))) == {"image": "img"}
        assert pool.stats.pids == (pid,)
