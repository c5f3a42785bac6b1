"""One request to a worker and the frames that come back for it."""

from __future__ import annotations

import asyncio
from collections import deque
from enum import Enum
from typing import NamedTuple, Protocol

_PAUSE_AT = 64  # solutions that may wait for their reader before the worker waits too


class Cause(Enum):
    """Why a worker is dead."""

    TIME = "was silent past its time limit and was killed"
    MEMORY = "ran into its memory fence"
    CANCELLED = "did not stop when its caller had gone, and was killed"
    GROWN = "had outgrown half its memory fence and was replaced"
    CLOSED = "was stopped with its pool"
    LOST = "died"


class Died(Exception):
    """A worker is dead: why, with which exit status, and its last line of output."""

    def __init__(self, cause: Cause, status: int | None = None, last_words: str = "") -> None:
        super().__init__(f"the worker {cause.value}")
        self.cause = cause
        self.status = status
        self.last_words = last_words


class Reply(NamedTuple):
    """One frame of an answer; `last` tells the answer itself from a solution before it."""

    last: bool
    payload: bytes


class Source(Protocol):
    """Where an exchange's frames come from."""

    def pause(self) -> None:
        """Read no more for now; the worker will have to wait."""

    def resume(self) -> None:
        """Read on."""

    def interrupt(self) -> None:
        """End the goal."""


class Exchange:
    """One request and what comes back for it; read by one task."""

    __slots__ = ("_failure", "_replies", "_source", "_waiter", "abandoned", "done")

    def __init__(self, source: Source) -> None:
        self._source = source
        self._replies: deque[Reply] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._failure: Died | None = None
        self.abandoned = False
        self.done = False

    async def next(self) -> Reply:
        """The next frame of the answer.

        Raises
        ------
        Died
            Where the worker died before it was written.
        """
        while not self._replies:
            if self._failure is not None:
                raise self._failure
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        reply = self._replies.popleft()
        if not self.done and len(self._replies) == _PAUSE_AT // 2:
            self._source.resume()
        return reply

    def abandon(self) -> None:
        """Give the answer up: the goal is interrupted, and its worker killed if it goes on."""
        if not (self.abandoned or self.done):
            self.abandoned = True
            self._replies.clear()
            self._source.interrupt()

    def put(self, reply: Reply) -> None:
        """Take in a frame."""
        self.done = reply.last
        if self.abandoned:
            return
        self._replies.append(reply)
        self._wake()
        if not self.done and len(self._replies) == _PAUSE_AT:
            self._source.pause()

    def fail(self, failure: Died) -> None:
        """Take in that no more frames will come."""
        self.done = True
        self._failure = failure
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
