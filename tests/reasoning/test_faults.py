"""The pool, with workers that die and refuse."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from proofsight_server.errors import (
    BadProgram,
    Draining,
    Issue,
    MemoryLimit,
    ProofsightError,
    TimeLimit,
    WorkerLost,
)
from proofsight_server.reasoning.answer import Solution, Summary
from proofsight_server.reasoning.facts import FactsFrame
from proofsight_server.reasoning.limits import QueryLimits
from proofsight_server.reasoning.pool import Pool
from tests.reasoning.asked import OpenPool, alive, full, goal, until

# --- loading -----------------------------------------------------------------


async def test_a_program_that_is_refused_is_told_with_its_issues(standin: OpenPool) -> None:
    pool = standin("% refused\n", workers=2)
    with pytest.raises(BadProgram, match=r"rules\.pl is refused") as raised:
        await pool.start()
    assert raised.value.issues == (
        Issue("error", "syntax_error", "rules.pl", 3, 7, "end of clause expected"),
    )
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize(
    ("program", "error", "message"),
    [
        ("% crash\n", WorkerLost, "exit status 3"),
        ("% hang\n", TimeLimit, "not loaded within 1.5 s"),
        ("% bomb\n", MemoryLimit, "outgrew the memory"),
    ],
)
async def test_a_program_that_cannot_be_loaded_leaves_nothing_behind(
    standin: OpenPool,
    limits: QueryLimits,
    program: str,
    error: type[ProofsightError],
    message: str,
) -> None:
    seconds = 1.5 if "hang" in program else 60
    pool = standin(
        program, limits=replace(limits, load_seconds=seconds, grace_seconds=0.3), workers=2
    )
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(error, match=message):
        await pool.start()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


async def test_a_missing_prolog_library_is_told_in_the_workers_last_words(
    tmp_path: Path, limits: QueryLimits
) -> None:
    with pytest.raises(ProofsightError, match="source_sink"):
        await Pool(tmp_path, tmp_path / "nowhere", limits=limits).start()


async def test_a_start_that_is_cancelled_leaves_nothing_behind(standin: OpenPool) -> None:
    pool = standin("% hang\n", workers=2)
    for patience in (0, 0.001, 0.02, 0.2):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pool.start(), patience)
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_pool_that_cannot_replace_its_workers_says_so_and_recovers(
    standin: OpenPool, facts: FactsFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with standin() as pool:
        python = sys.executable
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        os.kill(pool.stats.pids[0], signal.SIGKILL)
        with pytest.raises(WorkerLost, match="no Prolog worker could be started"):
            await pool.explain(facts)
        monkeypatch.setattr(sys, "executable", python)
        await full(pool)
        assert (await pool.explain(facts))["kb"] == "standin"


# --- dying -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status"), [("halt", "4"), ("abort", "-6"), ("killed", "-9"), ("words", "5")]
)
async def test_a_question_that_kills_its_worker_is_asked_twice_and_then_given_up(
    standin: OpenPool, facts: FactsFrame, fault: str, status: str
) -> None:
    async with standin(workers=2) as pool:
        with pytest.raises(WorkerLost, match=f"exit status {status}") as raised:
            await pool.explain(facts, goal(fault))
        assert raised.value.metadata["status"] == status
        assert pool.stats.calls == 2
        assert (await pool.explain(facts))["kb"] == "standin"
        await full(pool)
        assert pool.stats.restarted == 2


async def test_a_lost_workers_last_words_are_passed_on(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin() as pool:
        with pytest.raises(WorkerLost, match="its last words: something to say"):
            await pool.explain(facts, goal("words"))


@pytest.mark.parametrize("fault", ["heap", "table", "overrun"])
async def test_a_goal_that_eats_memory_outside_the_stacks_is_stopped_and_not_asked_again(
    standin: OpenPool, facts: FactsFrame, fault: str
) -> None:
    async with standin() as pool:
        with pytest.raises(MemoryLimit, match="outgrew the memory of its worker"):
            await pool.explain(facts, goal(fault))
        assert pool.stats.calls == 1
        assert (await pool.explain(facts))["kb"] == "standin"


async def test_a_goal_that_fills_the_stacks_leaves_its_worker_alive(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin() as pool:
        [pid] = pool.stats.pids
        for _ in range(3):
            with pytest.raises(MemoryLimit, match="outgrew Prolog's memory"):
                await pool.explain(facts, goal("stack"))
        assert (await pool.explain(facts))["kb"] == "standin"
        assert pool.stats.pids == (pid,)


async def test_a_worker_that_has_grown_too_far_is_replaced_after_its_answer(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin() as pool:
        assert await pool.explain(facts, goal("keep")) == {"kept": True}
        await until(lambda: pool.stats.restarted == 1)
        assert (await pool.explain(facts))["kb"] == "standin"


@pytest.mark.parametrize(("fault", "told"), [("throw", "oops"), ("fail", "failed")])
async def test_a_service_that_breaks_its_word_is_an_internal_error_and_no_death(
    standin: OpenPool, facts: FactsFrame, fault: str, told: str
) -> None:
    async with standin() as pool:
        with pytest.raises(ProofsightError, match=told) as raised:
            await pool.explain(facts, goal(fault))
        assert type(raised.value) is ProofsightError
        assert pool.stats.restarted == 0


async def test_workers_killed_at_any_time_lose_no_call_and_spoil_none(
    standin: OpenPool, facts: FactsFrame
) -> None:
    dice = random.Random(7)
    async with standin(workers=2) as pool:
        finished = 0

        async def ask(caller: int) -> None:
            nonlocal finished
            for number in range(90):
                if number % 6 == 5:
                    said = [one async for one in pool.query(facts, "slow", max_solutions=5)]
                    expected = [Solution((("X", str(i)),), None) for i in range(1, 6)]
                    assert said == [*expected, Summary(5, True, 7)]
                else:
                    name = f"{caller}/{number}"
                    said_name = await pool.explain(replace(facts, image=name), goal("echo"))
                    assert said_name == {"image": name}
            finished += 1

        async def kill() -> None:
            for deaths in itertools.count():
                # One death per call is survived, not two.
                await until(lambda: pool.stats.restarted == deaths)  # noqa: B023 - awaited here
                await full(pool)
                await asyncio.sleep(dice.uniform(0.1, 0.2))
                os.kill(dice.choice(pool.stats.pids), signal.SIGKILL)

        killer = asyncio.create_task(kill())
        await asyncio.gather(*(ask(caller) for caller in range(8)))
        killer.cancel()
        assert finished == 8
        assert pool.stats.restarted >= 2
        assert pool.stats.waiting == 0


async def test_a_query_whose_worker_dies_goes_on_where_it_was(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin() as pool:
        numbers = []
        async for one in pool.query(facts, "slow", max_solutions=60):
            if isinstance(one, Solution):
                numbers.append(int(one.bindings[0][1]))
                if len(numbers) == 20:
                    os.kill(pool.stats.pids[0], signal.SIGKILL)
        assert numbers == list(range(1, 61))
        assert pool.stats.restarted == 1


async def test_a_call_that_lost_its_worker_is_served_first_and_never_refused(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin(queue=2) as pool:
        served: list[str] = []

        async def ask(name: str) -> None:
            await pool.explain(facts, goal("sleep"))
            served.append(name)

        calls = [asyncio.create_task(ask(name)) for name in ("first", "second", "third")]
        await asyncio.sleep(0.05)
        assert pool.stats.waiting == 2
        os.kill(pool.stats.pids[0], signal.SIGKILL)
        await asyncio.gather(*calls)
        assert served == ["first", "second", "third"]


async def test_a_pool_that_closes_when_its_last_worker_dies_does_not_wait_for_it(
    standin: OpenPool, facts: FactsFrame
) -> None:
    pool = standin()
    await pool.start()
    calls = [asyncio.create_task(pool.explain(facts, goal("sleep"))) for _ in range(2)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(pool.close(3600))
    await asyncio.sleep(0)
    os.kill(pool.stats.pids[0], signal.SIGKILL)
    for call in calls:
        with pytest.raises(Draining):
            await call
    await closing


# --- the parent --------------------------------------------------------------


@pytest.mark.parametrize("busy", [False, True])
def test_workers_die_with_a_parent_that_is_killed(tmp_path: Path, busy: bool) -> None:
    (tmp_path / "rules.pl").write_text("% plain\n")
    script = textwrap.dedent(
        """
        import asyncio, sys
        from pathlib import Path
        import numpy as np
        from proofsight_server.reasoning.call import Question
        from proofsight_server.reasoning.facts import FactsFrame
        from proofsight_server.reasoning.pool import Pool

        async def main():
            pool = Pool(Path(sys.argv[1]), Path(sys.argv[2]), workers=1)
            await pool.start()
            if sys.argv[3] == "True":
                facts = FactsFrame("img", np.zeros(3, np.float32))
                call = asyncio.create_task(pool.explain(facts, Question("goal", "spin")))
                await asyncio.sleep(0.1)
            print(*pool.stats.pids, flush=True)
            await asyncio.sleep(600)

        asyncio.run(main())
        """
    )
    standin = Path(__file__).parent / "standin"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), str(standin), str(busy)],
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
    while alive(pid):
        time.sleep(0.01)


async def test_the_signals_that_stop_a_server_do_not_stop_its_workers_first(
    standin: OpenPool, facts: FactsFrame
) -> None:
    async with standin() as pool:
        [pid] = pool.stats.pids
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(pid, number)
            assert await pool.explain(facts, goal("echo")) == {"image": "img"}
        assert pool.stats.pids == (pid,)
