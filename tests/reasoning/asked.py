"""What the tests of pools ask, and whether a process lives."""

from __future__ import annotations

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
