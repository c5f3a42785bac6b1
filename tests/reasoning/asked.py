"""What the tests of pools ask and wait for, and whether a process lives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from proofsight_server.reasoning.call import Question
from proofsight_server.reasoning.pool import Pool

OpenPool = Callable[..., Pool]


def goal(text: str) -> Question:
    return Question("goal", text)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until(true: Callable[[], bool]) -> None:
    """Return when it is true; a test where it never is ends by pytest's own timeout."""
    while not true():
        await asyncio.sleep(0.005)


async def full(pool: Pool) -> None:
    await until(lambda: pool.stats.alive == pool.stats.workers)
