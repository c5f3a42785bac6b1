"""How long an explanation takes through gRPC, beside a bare echo of the same bytes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from benchmarks.echo import METHOD
from benchmarks.figures import Figure, Row
from benchmarks.questions import explaining, questions
from benchmarks.workspace import Workspace
from proofsight import Client
from proofsight.v1 import explanations_pb2, explanations_pb2_grpc
from proofsight_server.vision.dataset import open_dataset

ROUNDS, CALLS = 9, 200
CALLERS, SECONDS = 8, 5.0


def run(workspace: Workspace) -> list[Row]:
    """One caller against the echo, alternating in one run; then eight callers."""
    workspace.digits()
    images = open_dataset("digits").test.images
    with workspace.server() as (address, _), Client(address) as client:
        requests = questions(address)
        facts = [client.facts(images[index], kb="digits") for index in range(len(requests))]
        return [
            *_one_caller(address, requests, lambda n: client.why(facts[n], kb="digits")),
            *_many_callers(address, requests),
        ]


def _one_caller(
    address: str,
    requests: list[explanations_pb2.ExplainRequest],
    why: Callable[[int], object],
) -> list[Row]:
    with grpc.insecure_channel(address) as channel:
        stub = explanations_pb2_grpc.ExplanationsStub(channel)
        answers = [stub.Explain(request) for request in requests]
        sent = [request.SerializeToString() for request in requests]
        size = round(statistics.median(answer.ByteSize() for answer in answers))
        nodes = statistics.median(len(answer.proof.nodes) for answer in answers)
        with _echo(size) as echo:
            sides: dict[str, Callable[[int], object]] = {
                "echo": lambda n: echo(sent[n]),
                "explain": lambda n: stub.Explain(requests[n]),
                "client": why,
            }
            medians: dict[str, list[float]] = {name: [] for name in sides}
            tails: list[float] = []
            for round_ in range(ROUNDS + 1):
                for name, call in sides.items():
                    times = _timed(call, len(requests))
                    if round_:  # the first round warms up
                        medians[name].append(statistics.median(times))
                        if name == "explain":
                            tails.append(statistics.quantiles(times, n=100)[98])
    ratios = tuple(e / b for e, b in zip(medians["explain"], medians["echo"], strict=True))
    note = f"{nodes:.0f} nodes, {size} bytes"
    return [
        Figure("explain from facts, one caller, p50", tuple(medians["explain"]), "ms", 2, "at_most",
               note),
        Figure("the same, p99", tuple(tails), "ms"),
        Figure("bare gRPC echo of the same bytes, p50", tuple(medians["echo"]), "ms"),
        Figure("explain / echo", ratios, "", 4, "at_most"),
        Figure("Client.why from facts, p50", tuple(medians["client"]), "ms"),
    ]  # fmt: skip


def _timed(call: Callable[[int], object], different: int) -> list[float]:
    """Milliseconds of single calls."""
    times = []
    for index in range(CALLS):
        start = time.perf_counter()
        call(index % different)
        times.append((time.perf_counter() - start) * 1e3)
    return times


@contextmanager
def _echo(size: int) -> Iterator[Callable[[bytes], bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.echo", str(size)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            echo: Any = channel.unary_unary(METHOD)
            yield echo
    finally:
        process.terminate()
        process.wait()


def _many_callers(address: str, requests: list[explanations_pb2.ExplainRequest]) -> list[Row]:
    """Callers in one client process, each waiting for its answer before it asks again."""
    import asyncio

    async def load(seconds: float) -> float:
        done = 0
        end = time.perf_counter() + seconds
        async with grpc.aio.insecure_channel(address) as channel:
            explain = explaining(channel)

            async def caller(number: int) -> None:
                nonlocal done
                while time.perf_counter() < end:
                    answer = await explain(requests[(number + done) % len(requests)])
                    assert answer.proof.nodes
                    done += 1

            start = time.perf_counter()
            await asyncio.gather(*(caller(number) for number in range(CALLERS)))
            return done / (time.perf_counter() - start)

    asyncio.run(load(1.0))
    rates = tuple(asyncio.run(load(SECONDS)) for _ in range(5))
    return [Figure(f"explanations per second, {CALLERS} callers", rates, "/s", 600)]
