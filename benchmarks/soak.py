"""What many explanations, and the death of workers, do to a server."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import grpc

from benchmarks.figures import Figure, Row
from benchmarks.questions import explaining, questions
from benchmarks.workspace import Workspace
from proofsight.v1 import explanations_pb2

CALLERS = 8
WARM_UP, EXPLANATIONS = 10_000, 100_000
KILLS, UNDER_FIRE = 20, 5_000


def run(workspace: Workspace) -> list[Row]:
    """Resident memory over 100,000 explanations; then workers killed in the middle of load."""
    workspace.digits()
    with workspace.server() as (address, pid):
        return asyncio.run(_measure(address, pid, questions(address)))


async def _measure(
    address: str, pid: int, requests: list[explanations_pb2.ExplainRequest]
) -> list[Row]:
    async with grpc.aio.insecure_channel(address) as channel:
        explain = explaining(channel)
        expected = [(await explain(request)).SerializeToString() for request in requests]

        async def load(count: int) -> int:
            """How many of `count` explanations were lost or differ from the first answer."""
            wrong, left = 0, iter(range(count))

            async def caller() -> None:
                nonlocal wrong
                for number in left:
                    place = number % len(requests)
                    try:
                        answer = await explain(requests[place], timeout=30)
                    except grpc.aio.AioRpcError:
                        wrong += 1
                    else:
                        wrong += answer.SerializeToString() != expected[place]

            await asyncio.gather(*(caller() for _ in range(CALLERS)))
            return wrong

        await load(WARM_UP)
        before = _resident(pid)
        lost = await load(EXPLANATIONS)
        growth = _resident(pid) / before - 1

        async def kill() -> int:
            killed = 0
            while killed < KILLS:
                await asyncio.sleep(0.4)
                workers = _children(pid)
                if workers:
                    os.kill(workers[killed % len(workers)], signal.SIGKILL)
                    killed += 1
            return killed

        killing = asyncio.create_task(kill())
        wrong, calls = 0, 0
        while not killing.done():
            wrong += await load(UNDER_FIRE // KILLS)
            calls += UNDER_FIRE // KILLS
    return [
        Figure(
            f"growth of resident memory over {EXPLANATIONS:,} explanations", (growth,), "",
            0.05, "at_most", note=f"{before / 2**20:.0f} MiB before, server and workers",
        ),
        Figure("explanations lost or changed meanwhile", (lost,), "", 0, "at_most"),
        Figure(
            f"calls lost or wrong while {await killing} workers were killed", (wrong,), "",
            0, "at_most", note=f"{calls:,} calls",
        ),
    ]  # fmt: skip


def _children(pid: int) -> list[int]:
    """The live children of a process: the server's Prolog workers."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _resident(pid: int) -> int:
    """Resident bytes of a process and its children."""
    total = 0
    for process in (pid, *_children(pid)):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1]) * 1024
    return total
