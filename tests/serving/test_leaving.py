"""Callers who leave while an operation is being begun: the work does not go on without them."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2

from proofsight import AsyncClient, Client, Operation
from proofsight.v1 import extraction_pb2
from proofsight_server.extraction.progress import Watch
from proofsight_server.knowledge.repository import Repository
from proofsight_server.serving import extraction
from proofsight_server.serving.configuration import Configuration
from proofsight_server.serving.operations import Operations

from .conftest import ServerThread

LONG = ("circuit", "comparison", "interactions")


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    own = tmp_path_factory.mktemp("leaving") / "repository"
    shutil.copytree(repository, own)
    thread = ServerThread(own, Configuration(port=0, workers=1, refresh=0))
    yield thread
    thread.stop()


@pytest.fixture(scope="module")
def client(server: ServerThread) -> Iterator[Client]:
    with Client(server.address, timeout=30) as client:
        yield client


def _endless(_: Any, __: Any, watch: Watch) -> any_pb2.Any:
    pause = threading.Event()
    while not pause.wait(0.005):
        watch.check()
    raise AssertionError


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Is set when work was begun; its name is on the way only a moment later."""
    event = threading.Event()
    start = Operations.start

    def slowly(self: Operations, *arguments: Any) -> Any:
        operation = start(self, *arguments)
        event.set()
        time.sleep(0.2)  # the event loop stands still, as with a slow network
        return operation

    monkeypatch.setattr(extraction, "detached", _endless)
    monkeypatch.setattr(Operations, "start", slowly)
    return event


def _asked(client: Any, what: str, png: bytes) -> Any:
    if what == "circuit":
        return client.extract_circuit("digits", "conv2:3", keep=0.5)
    if what == "comparison":
        return client.compare_circuits("digits", "one", "other")
    return client.extract_interactions(png, "digits", "grid:2x2")


def _last(client: Client) -> Operation:
    return client.operation(client.operations()[-1].name, wait=10)


def _cancelled(operation: Operation) -> bool:
    return operation.error is not None and operation.error.code == "CANCELLED"


class Interrupted:
    """A call whose caller presses Ctrl-C while waiting for its answer."""

    def __init__(self, call: Any, begun: threading.Event) -> None:
        self._call = call
        self._begun = begun

    def result(self, timeout: float | None = None) -> Any:
        if timeout is None:
            assert self._begun.wait(10)
            raise KeyboardInterrupt
        return self._call.result(timeout)

    def cancel(self) -> None:
        self._call.cancel()


@pytest.mark.parametrize("what", LONG)
def test_an_interrupt_while_work_is_begun_cancels_it(
    client: Client,
    begun: threading.Event,
    png: bytes,
    what: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin = Client._begin
    monkeypatch.setattr(Client, "_begin", lambda *asked: Interrupted(begin(*asked), begun))
    with pytest.raises(KeyboardInterrupt):
        _asked(client, what, png)
    assert _cancelled(_last(client))


@pytest.mark.parametrize("what", LONG)
def test_an_await_cancelled_while_work_is_begun_cancels_it(
    client: Client, server: ServerThread, begun: threading.Event, png: bytes, what: str
) -> None:
    async def begun_and_left() -> None:
        async with AsyncClient(server.address, timeout=30) as asking:
            task = asyncio.ensure_future(_asked(asking, what, png))
            await asyncio.to_thread(begun.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(begun_and_left())
    assert _cancelled(_last(client))


@pytest.mark.parametrize("what", LONG)
def test_what_is_begun_for_a_caller_who_has_left_is_cancelled(
    client: Client, server: ServerThread, begun: threading.Event, png: bytes, what: str
) -> None:
    with _call(server, what, png) as call:
        assert begun.wait(10)
        call.cancel()
    assert _cancelled(_last(client))


def test_nothing_is_begun_for_a_caller_who_left_before(
    client: Client, server: ServerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, left = threading.Event(), threading.Event()
    directory = Repository.directory

    def slowly(*arguments: Any) -> Path:
        asked.set()
        left.wait(10)
        return directory(*arguments)

    monkeypatch.setattr(Repository, "directory", slowly)
    before = {operation.name for operation in client.operations()}
    with _call(server, "circuit", b"") as call:
        assert asked.wait(10)
        call.cancel()
    time.sleep(0.1)
    left.set()
    assert {operation.name for operation in client.operations()} == before


@contextmanager
def _call(server: ServerThread, what: str, png: bytes) -> Iterator[Any]:
    """The call that begins work, under way without a client of ours."""
    name, request = _request(what, png)
    with grpc.insecure_channel(server.address) as channel:
        method: Any = channel.unary_unary(f"/proofsight.v1.Extraction/{name}")
        yield method.future(request)


def _request(what: str, png: bytes) -> tuple[str, bytes]:
    if what == "circuit":
        circuit = extraction_pb2.ExtractCircuitRequest(
            parent="knowledgeBases/digits", target="conv2:3", keep=0.5
        )
        return "ExtractCircuit", circuit.SerializeToString()
    if what == "comparison":
        comparison = extraction_pb2.CompareCircuitsRequest(
            parent="knowledgeBases/digits", first="one", second="other"
        )
        return "CompareCircuits", comparison.SerializeToString()
    interactions = extraction_pb2.ExtractInteractionsRequest(
        parents=["knowledgeBases/digits"], encoded=png, regions="grid:2x2"
    )
    return "ExtractInteractions", interactions.SerializeToString()
