"""SWI-Prolog as a process that reads a program and answers in JSON, bounded in time and memory."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from proofsight.prolog_home import prolog_home
from proofsight_server.errors import MemoryLimit, ProofsightError, TimeLimit

TOOL = Path("proofsight", "tool.pl")
MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class ToolLimits:
    """What one run of the tool may use.

    `seconds`: a program of 1,000 rules is checked in a few; a check that takes a minute is
    one that `user.pl` keeps from ending.  `stack_bytes`: SWI-Prolog's own default is 1 GiB.
    `memory_bytes` of address space: the stacks, and as much again for atoms, clauses and code.
    """

    seconds: float = 60.0
    stack_bytes: int = 1024 * MEGABYTE
    memory_bytes: int = 2048 * MEGABYTE


def run_tool(*arguments: str, limits: ToolLimits | None = None) -> Mapping[str, object]:
    """What `swipl tool.pl ARGUMENTS…` answers.

    Raises
    ------
    TimeLimit, MemoryLimit
        The tool outran a limit and was ended.
    ProofsightError
        SWI-Prolog is not installed, or the tool failed.
    """
    limits = limits or ToolLimits()
    command = [
        _executable(),
        "-f",
        "none",  # a person's init file is no part of a check
        f"--stack-limit={limits.stack_bytes}b",
        str(prolog_home() / TOOL),
        *arguments,
    ]
    # A session of its own: Ctrl-C reaches Python alone, which then ends the process.
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        start_new_session=True,
    ) as process:
        try:
            _fence(process.pid, limits.memory_bytes)
            output, complaints = process.communicate(timeout=limits.seconds)
        except subprocess.TimeoutExpired as error:
            raise TimeLimit(
                f"SWI-Prolog did not finish `{' '.join(arguments)}` in {limits.seconds:g} s; "
                "look for a goal in user.pl that does not end",
                seconds=limits.seconds,
            ) from error
        finally:
            if process.poll() is None:
                process.kill()
    return _answer(arguments, process.returncode, output, complaints.decode(errors="replace"))


def _executable() -> str:
    path = shutil.which("swipl")
    if path is None:
        raise ProofsightError(
            "SWI-Prolog is not installed: no `swipl` on the path; install swi-prolog-nox "
            "(apt-get install swi-prolog-nox)"
        )
    return path


def _fence(pid: int, memory_bytes: int) -> None:
    """Bound the address space of a process that has just begun."""
    if hasattr(resource, "prlimit"):
        try:
            resource.prlimit(pid, resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        except ProcessLookupError:
            return  # it is over already


def _answer(
    arguments: tuple[str, ...], status: int, output: bytes, complaints: str
) -> Mapping[str, object]:
    try:
        answer = json.loads(output)
    except ValueError:
        answer = None
    if status == 0 and isinstance(answer, dict):
        return answer
    told = " ".join(complaints.split())[:500]
    lowered = complaints.lower()
    if any(sign in lowered for sign in ("resource error", "not enough memory", "stack limit")) or (
        status in (-signal.SIGKILL, -signal.SIGABRT, -signal.SIGSEGV)
    ):
        raise MemoryLimit(
            f"SWI-Prolog ran out of memory in `{' '.join(arguments)}`: {told or status}; "
            "the program, or a clause of user.pl, is too large"
        )
    raise ProofsightError(
        f"SWI-Prolog failed in `{' '.join(arguments)}` with status {status}: "
        f"{told or 'it said nothing'}"
    )
