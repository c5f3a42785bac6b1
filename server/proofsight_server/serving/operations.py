"""Long work: started by a call, watched and cancelled by its name, ended with the server."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from google.longrunning import operations_pb2
from google.protobuf import any_pb2, timestamp_pb2
from google.rpc import status_pb2

from proofsight.v1 import extraction_pb2
from proofsight_server.errors import BadOption, Overloaded, UnknownOperation
from proofsight_server.extraction.progress import Cancelled, Watch
from proofsight_server.serving.detached import RefusedError
from proofsight_server.serving.status import status_of

KEPT = 100  # ended operations; the oldest are forgotten first
KEPT_SECONDS = 3600.0
PREFIX = "operations/"

Work = Callable[[Watch], any_pb2.Any]
"""Does the work, in a thread, and gives the response; ends with Cancelled if the watch says so."""


@dataclass(slots=True, eq=False)
class _Operation:
    """One piece of work; written to by its thread and by the event loop, each its own fields."""

    name: str
    subject: str
    created: timestamp_pb2.Timestamp
    cancelled: threading.Event = field(default_factory=threading.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    begun: bool = False
    task: asyncio.Task[None] | None = None
    step: tuple[str, int, int] = ("", 0, 0)
    response: any_pb2.Any | None = None
    error: status_pb2.Status | None = None
    end_time: timestamp_pb2.Timestamp | None = None
    forget_at: float = float("inf")

    def progress(self, phase: str, done: int, total: int) -> None:
        self.step = (phase, done, total)

    def cancel(self) -> None:
        """Ask it to end before its next step; what has not begun ends at once."""
        if self.ended.is_set():
            return
        self.cancelled.set()
        if not self.begun and self.task is not None:
            self.task.cancel()

    def message(self) -> operations_pb2.Operation:
        phase, done, total = self.step
        metadata = extraction_pb2.ExtractionMetadata(
            subject=self.subject,
            phase=phase,
            done=done,
            total=total,
            create_time=self.created,
            end_time=self.end_time,
            cancel_requested=self.cancelled.is_set(),
        )
        operation = operations_pb2.Operation(name=self.name, done=self.ended.is_set())
        operation.metadata.Pack(metadata)
        if self.error is not None:
            operation.error.CopyFrom(self.error)
        elif self.response is not None:
            operation.response.CopyFrom(self.response)
        return operation


class Operations:
    """The operations of one server.

    One runs at a time, since each takes all cores that the server's calls leave; `queue` more
    may wait.
    """

    def __init__(self, queue: int) -> None:
        self._queue = queue
        self._known: dict[str, _Operation] = {}
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(
        self, subject: str, work: Work, after: Callable[[], Awaitable[None]] | None = None
    ) -> operations_pb2.Operation:
        """Begin work, or put it in line.

        Parameters
        ----------
        subject
            What it is about, for people.
        work
            Is called in a thread; see `detached` for a process. What it raises becomes the
            operation's error.
        after
            Is awaited once the work is done, before the operation says so.

        Raises
        ------
        Overloaded
            As much work is waiting as may.
        """
        self._forget()
        waiting = sum(not known.ended.is_set() for known in self._known.values()) - 1
        if waiting >= self._queue:
            raise Overloaded(
                f"{waiting} operations are waiting already, of at most {self._queue}; try again "
                "when some have ended, or cancel one",
                waiting=waiting,
            )
        operation = _Operation(f"{PREFIX}{secrets.token_hex(8)}", subject, _now())
        self._known[operation.name] = operation
        operation.task = asyncio.create_task(self._run(operation, work, after))
        self._tasks.add(operation.task)
        operation.task.add_done_callback(self._tasks.discard)
        return operation.message()

    def get(self, name: str) -> operations_pb2.Operation:
        """How far an operation is. Raises UnknownOperation."""
        return self._find(name).message()

    def all(self) -> list[operations_pb2.Operation]:
        """All operations that are known, in the order in which they were begun."""
        self._forget()
        return [operation.message() for operation in self._known.values()]

    async def wait(self, name: str, seconds: float) -> operations_pb2.Operation:
        """How far it is once it has ended, or after that time. Raises UnknownOperation."""
        operation = self._find(name)
        try:
            async with asyncio.timeout(seconds):
                await operation.ended.wait()
        except TimeoutError:
            pass
        return operation.message()

    def cancel(self, name: str) -> None:
        """Ask it to end before its next step, unless it has ended. Raises UnknownOperation."""
        self._find(name).cancel()

    def delete(self, name: str) -> None:
        """Forget what has ended. Raises UnknownOperation, and BadOption for what still runs."""
        operation = self._find(name)
        if not operation.ended.is_set():
            raise BadOption(f"{name} has not ended; cancel it first", field="name", value=name)
        del self._known[name]

    def cancel_all(self) -> None:
        """Ask all to end before their next step."""
        for operation in self._known.values():
            operation.cancel()

    async def ended(self, grace: float) -> None:
        """Wait until none runs any more, or `grace` seconds are over."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)

    async def _run(
        self, operation: _Operation, work: Work, after: Callable[[], Awaitable[None]] | None
    ) -> None:
        watch = Watch(operation.progress, operation.cancelled.is_set)
        try:
            async with self._turn:
                operation.begun = True
                response = await asyncio.to_thread(work, watch)
                if after is not None:
                    await after()
                operation.response = response
        except RefusedError as refused:
            operation.error = refused.status
        except Exception as error:
            operation.error = status_of(error)
        except asyncio.CancelledError:
            operation.error = status_of(Cancelled("cancelled before it began"))
        finally:
            operation.end_time = _now()
            operation.forget_at = time.monotonic() + KEPT_SECONDS
            operation.ended.set()

    def _find(self, name: str) -> _Operation:
        self._forget()
        if name not in self._known:
            raise UnknownOperation(name, self._known)
        return self._known[name]

    def _forget(self) -> None:
        now = time.monotonic()
        done = [known for known in self._known.values() if known.ended.is_set()]
        surplus = len(done) - KEPT
        for place, known in enumerate(done):
            if place < surplus or known.forget_at < now:
                del self._known[known.name]


def _now() -> timestamp_pb2.Timestamp:
    stamp = timestamp_pb2.Timestamp()
    stamp.GetCurrentTime()
    return stamp
