"""The workers of a pool, and the line of calls that wait for one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from dataclasses import dataclass

from proofsight_server.errors import Draining, Overloaded, ProofsightError, TimeLimit, WorkerLost
from proofsight_server.reasoning import answer
from proofsight_server.reasoning.answer import Description
from proofsight_server.reasoning.call import Call
from proofsight_server.reasoning.exchange import Cause, Died, Exchange
from proofsight_server.reasoning.limits import QueryLimits
from proofsight_server.reasoning.process import Process, Program

_log = logging.getLogger(__name__)

# Between attempts to start a worker where the last one failed: machines without memory
# or processes to spare recover no faster for being asked at once.
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 5.0


@dataclass(frozen=True, slots=True)
class PoolStats:
    """The pool at one moment.

    Workers wanted, alive and busy; workers restarted and calls begun since its start;
    calls that wait for a worker; the process numbers of the workers alive.
    """

    workers: int
    alive: int
    busy: int
    restarted: int
    waiting: int
    calls: int
    pids: tuple[int, ...]


@dataclass(slots=True, eq=False)
class _Waiting:
    """A call in line and the exchange that it waits for."""

    call: Call
    exchange: asyncio.Future[Exchange]


class Crew:
    """Keeps `workers` processes alive and gives each call the next that is idle.

    The line is first come, first served, `queue` calls at most.
    """

    def __init__(self, program: Program, workers: int, limits: QueryLimits, queue: int) -> None:
        self._program = program
        self._workers = workers
        self._limits = limits
        self._queue = queue
        self._processes: set[Process] = set()  # from birth to burial
        self._serving: set[Process] = set()
        self._idle: list[Process] = []
        self._line: deque[_Waiting] = deque()
        self._replacing: set[asyncio.Task[None]] = set()
        self._restarted = 0
        self._calls = 0
        self._closing = False
        self._quiet = asyncio.Event()

    async def start(self) -> Description:
        """Start the workers; what they say of the program.

        Raises
        ------
        BadProgram
            Where they refuse it.
        ProofsightError
            Where they do not come up.
        """
        try:
            async with asyncio.TaskGroup() as group:
                hired = [group.create_task(self._hire()) for _ in range(self._workers)]
        except ExceptionGroup as errors:
            await self._dismiss()
            raise errors.exceptions[0] from None
        return hired[0].result()

    def stats(self) -> PoolStats:
        """The figures of this moment."""
        pids = tuple(sorted(process.pid for process in self._serving if process.usable))
        return PoolStats(
            workers=self._workers,
            alive=len(pids),
            busy=sum(process.busy for process in self._serving),
            restarted=self._restarted,
            waiting=len(self._line),
            calls=self._calls,
            pids=pids,
        )

    async def begin(self, call: Call, again: bool = False) -> Exchange:
        """Send the call to the next idle worker.

        A call that is asked `again`, since it lost its worker, was accepted before: it
        goes to the head of the line, however long that is.

        Raises
        ------
        Overloaded
            Where too many calls wait already.
        TimeLimit
            Where the call's deadline passes before a worker is idle.
        Draining
            Where the crew is being dismissed.
        """
        if self._closing and not again:
            raise Draining("the Prolog workers are being stopped; ask again elsewhere or later")
        while self._idle:
            request, seconds = call.encode(time.monotonic())
            process = self._idle.pop()
            if process.usable:
                return self._send(process, request, seconds)
        if len(self._line) >= self._queue and not again:
            raise Overloaded(
                f"{len(self._line)} calls wait for {self._workers} Prolog workers already, and "
                f"{self._queue} are the most; ask again in a moment",
                waiting=len(self._line),
                workers=self._workers,
                queue=self._queue,
            )
        return await self._stand_in_line(call, again)

    async def close(self, grace: float) -> None:
        """Take no more calls, give those begun or in line `grace` seconds, stop all workers."""
        self._closing = True
        self._look_quiet()
        try:
            async with asyncio.timeout(grace):
                await self._quiet.wait()
        except TimeoutError:
            _log.warning("calls were cut off, %g s after their pool was told to close", grace)
        finally:
            await self._dismiss()

    async def _dismiss(self) -> None:
        self._closing = True
        for task in self._replacing:
            task.cancel()
        await asyncio.gather(*self._replacing, return_exceptions=True)
        processes = list(self._processes)
        for process in processes:
            process.kill(Cause.CLOSED)
        await asyncio.gather(*(process.ended() for process in processes))
        self._look_deserted()

    async def _stand_in_line(self, call: Call, at_head: bool) -> Exchange:
        loop = asyncio.get_running_loop()
        waiting = _Waiting(call, loop.create_future())
        if at_head:
            self._line.appendleft(waiting)
        else:
            self._line.append(waiting)
        self._look_deserted()
        timer = None
        if call.deadline is not None:
            timer = loop.call_later(call.deadline - time.monotonic(), _late, waiting)
        try:
            return await waiting.exchange
        except asyncio.CancelledError:
            if not waiting.exchange.cancelled() and waiting.exchange.exception() is None:
                waiting.exchange.result().abandon()  # sent in the moment of the cancellation
            raise
        finally:
            with contextlib.suppress(ValueError):  # a worker has taken it
                self._line.remove(waiting)
            self._look_quiet()
            if timer is not None:
                timer.cancel()

    def _refuse_line(self, error: type[ProofsightError], message: str) -> None:
        for waiting in self._line:
            if not waiting.exchange.done():
                waiting.exchange.set_exception(error(message))

    def _send(self, process: Process, request: bytes, seconds: float) -> Exchange:
        self._calls += 1
        return process.begin(request, seconds)

    def _release(self, process: Process) -> None:
        """Give a worker that is idle now to the first in line."""
        while self._line:
            waiting = self._line.popleft()
            if waiting.exchange.done():
                continue
            try:
                request, seconds = waiting.call.encode(time.monotonic())
            except ProofsightError as error:
                waiting.exchange.set_exception(error)
            else:
                waiting.exchange.set_result(self._send(process, request, seconds))
                return
        self._idle.append(process)
        self._look_quiet()

    def _look_deserted(self) -> None:
        if self._closing and not self._serving:  # nobody is replaced any more
            self._refuse_line(Draining, "the Prolog workers were stopped before one was free")

    def _look_quiet(self) -> None:
        busy = any(process.busy for process in self._serving)
        if self._closing and not busy and not self._line:
            self._quiet.set()

    async def _hire(self) -> Description:
        """Start one more worker and give it work."""
        process = Process(self._program, self._limits, self._release, self._buried)
        self._processes.add(process)
        try:
            said = await process.start()
            description = answer.describe(answer.accepted(said))
        except Died as died:
            raise self._not_hired(died) from None
        except BaseException:
            process.kill(Cause.CLOSED)
            raise
        self._serving.add(process)
        self._release(process)
        return description

    def _not_hired(self, died: Died) -> ProofsightError:
        if died.cause is Cause.TIME:
            seconds = self._limits.load_seconds
            return TimeLimit(
                f"the program was not loaded within {seconds:g} s; simplify it, or raise "
                "load_seconds",
                load_seconds=seconds,
            )
        return answer.death(died)

    async def _replace(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._hire()
                return
            except ProofsightError as error:
                _log.error("no Prolog worker could be started, next try in %g s: %s", pause, error)
                if not self._serving:
                    self._refuse_line(WorkerLost, f"no Prolog worker could be started: {error}")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _buried(self, process: Process) -> None:
        self._processes.discard(process)
        if process in self._serving:
            self._serving.discard(process)
            if not self._closing:
                _log.warning("a Prolog worker is replaced: %s", process.died)
                self._restarted += 1
                task = asyncio.get_running_loop().create_task(self._replace())
                self._replacing.add(task)
                task.add_done_callback(self._replacing.discard)
        self._look_deserted()
        self._look_quiet()


def _late(waiting: _Waiting) -> None:
    if not waiting.exchange.done():
        waiting.exchange.set_exception(waiting.call.late())
