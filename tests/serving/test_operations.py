"""Operations of a server: begun, watched, cancelled, listed, forgotten, ended."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from google.protobuf import any_pb2
from google.rpc import code_pb2

from proofsight.v1 import extraction_pb2
from proofsight_server.errors import BadOption, BadTarget, Overloaded, UnknownOperation, WorkerLost
from proofsight_server.extraction.progress import Cancelled, Watch
from proofsight_server.serving import operations as module
from proofsight_server.serving.detached import RefusedError, detached
from proofsight_server.serving.operations import Operations


def _answer(_: Watch) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(extraction_pb2.Circuit(circuit_id="c1"))
    return packed


class Gate:
    """Work that reports a step and then goes on only when it is let through."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.open = threading.Event()

    def __call__(self, watch: Watch) -> any_pb2.Any:
        watch("scoring", 1, 3)
        self.begun.set()
        while not self.open.wait(0.005):
            watch.check()
        return _answer(watch)


def _run(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(body())


def _metadata(operation: Any) -> extraction_pb2.ExtractionMetadata:
    metadata = extraction_pb2.ExtractionMetadata()
    assert operation.metadata.Unpack(metadata)
    return metadata


def test_an_operation_tells_how_far_it_is_and_then_what_it_found() -> None:
    async def body() -> None:
        operations, gate, followed = Operations(queue=1), Gate(), []

        async def after() -> None:
            followed.append(True)

        name = operations.start("circuit of conv3:12", gate, after).name
        await asyncio.to_thread(gate.begun.wait, 10)
        going = operations.get(name)
        told = _metadata(going)
        assert not going.done
        assert (told.subject, told.phase, told.done, told.total) == (
            "circuit of conv3:12", "scoring", 1, 3,
        )  # fmt: skip
        assert not told.HasField("end_time")
        gate.open.set()
        ended = await operations.wait(name, 10)
        circuit = extraction_pb2.Circuit()
        assert ended.done
        assert ended.response.Unpack(circuit)
        assert circuit.circuit_id == "c1"
        assert followed == [True]
        assert _metadata(ended).HasField("end_time")

    _run(body)


def test_waiting_answers_in_time_though_the_work_goes_on() -> None:
    async def body() -> None:
        operations, gate = Operations(queue=1), Gate()
        name = operations.start("x", gate).name
        assert not (await operations.wait(name, 0.01)).done
        gate.open.set()
        assert (await operations.wait(name, 10)).done

    _run(body)


def test_what_the_work_raises_is_the_operations_error() -> None:
    async def body() -> None:
        def refuse(_: Watch) -> any_pb2.Any:
            raise BadTarget("a dead feature", target="conv3:1")

        operations = Operations(queue=1)
        ended = await operations.wait(operations.start("x", refuse).name, 10)
        assert ended.error.code == code_pb2.INVALID_ARGUMENT
        assert ended.error.message == "a dead feature"

    _run(body)


def test_a_cancelled_operation_ends_before_its_next_step() -> None:
    async def body() -> None:
        operations, gate = Operations(queue=1), Gate()
        name = operations.start("x", gate).name
        await asyncio.to_thread(gate.begun.wait, 10)
        operations.cancel(name)
        ended = await operations.wait(name, 10)
        assert ended.error.code == code_pb2.CANCELLED
        assert _metadata(ended).cancel_requested
        operations.cancel(name)  # of what has ended nothing

    _run(body)


def test_one_runs_at_a_time_and_one_that_waits_can_be_cancelled_at_once() -> None:
    async def body() -> None:
        operations, first, second = Operations(queue=1), Gate(), Gate()
        one = operations.start("one", first).name
        await asyncio.to_thread(first.begun.wait, 10)
        two = operations.start("two", second).name
        await asyncio.sleep(0.02)
        assert not second.begun.is_set()
        operations.cancel(two)
        assert (await operations.wait(two, 10)).error.code == code_pb2.CANCELLED
        assert not operations.get(one).done
        first.open.set()
        assert (await operations.wait(one, 10)).done

    _run(body)


def test_more_than_may_wait_are_refused() -> None:
    async def body() -> None:
        operations, gate = Operations(queue=1), Gate()
        names = [operations.start("x", gate).name for _ in range(2)]
        with pytest.raises(Overloaded, match="1 operations are waiting"):
            operations.start("x", gate)
        gate.open.set()
        assert (await operations.wait(names[1], 10)).done
        operations.start("x", gate)
        await operations.ended(10)

    _run(body)


def test_an_ended_operation_can_be_forgotten_and_a_running_one_not() -> None:
    async def body() -> None:
        operations, gate = Operations(queue=1), Gate()
        name = operations.start("x", gate).name
        with pytest.raises(BadOption, match="cancel it first"):
            operations.delete(name)
        gate.open.set()
        await operations.wait(name, 10)
        operations.delete(name)
        with pytest.raises(UnknownOperation):
            operations.get(name)

    _run(body)


def test_ended_operations_are_forgotten_after_a_while_and_when_there_are_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "KEPT", 2)

    async def body() -> None:
        operations = Operations(queue=9)
        names = [operations.start("x", _answer).name for _ in range(4)]
        await operations.wait(names[-1], 10)
        assert [known.name for known in operations.all()] == names[2:]
        later = time.monotonic() + module.KEPT_SECONDS + 1
        with monkeypatch.context() as patched:
            patched.setattr(time, "monotonic", lambda: later)
            assert operations.all() == []

    _run(body)


def test_ending_the_server_cancels_what_runs_and_what_waits() -> None:
    async def body() -> None:
        operations, gate = Operations(queue=2), Gate()
        names = [operations.start("x", gate).name for _ in range(2)]
        await asyncio.to_thread(gate.begun.wait, 10)
        operations.cancel_all()
        await operations.ended(10)
        for name in names:
            assert operations.get(name).error.code == code_pb2.CANCELLED

    _run(body)


# --- in a process of its own --------------------------------------------------


def _found(word: str, watch: Watch) -> extraction_pb2.Circuit:
    watch("scoring", 1, 1)
    if word == "refused":
        raise BadTarget("a dead feature", target=word)
    if word == "dies":
        import os

        os._exit(3)
    while word == "hangs":
        time.sleep(0.05)
    return extraction_pb2.Circuit(circuit_id=word)


@pytest.mark.parametrize("word", ["c1", "refused"])
def test_work_in_a_process_answers_as_it_would_here(word: str) -> None:
    steps = []
    watch = Watch(lambda *step: steps.append(step))
    if word == "refused":
        with pytest.raises(RefusedError) as caught:
            detached(_found, (word,), watch)
        assert caught.value.status.code == code_pb2.INVALID_ARGUMENT
    else:
        circuit = extraction_pb2.Circuit()
        detached(_found, (word,), watch).Unpack(circuit)
        assert circuit.circuit_id == word
    assert steps == [("scoring", 1, 1)]


def test_a_process_that_hangs_is_ended_when_its_work_is_no_longer_wanted() -> None:
    wanted = threading.Event()
    watch = Watch(lambda *_: wanted.set(), wanted.is_set)
    with pytest.raises(Cancelled):
        detached(_found, ("hangs",), watch)


def test_a_process_that_dies_is_told() -> None:
    with pytest.raises(WorkerLost, match="ended with 3"):
        detached(_found, ("dies",), Watch())
