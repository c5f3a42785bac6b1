"""One worker process, seen from its parent."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from proofsight_server.reasoning import frame
from proofsight_server.reasoning.exchange import Cause, Died, Exchange, Reply
from proofsight_server.reasoning.limits import QueryLimits
from proofsight_server.reasoning.spawn import spawn

_OUT_OF_MEMORY = "Could not allocate memory"  # SWI-Prolog's last words before it aborts
_KEPT_OUTPUT = 4096
_READ_BYTES = 1 << 16
_NUDGE_SECONDS = 0.05
_BURIAL_POLL_SECONDS = 0.002
_LAST_WORDS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Program:
    """What a worker loads: the revision's directory, and the one with Proofsight's modules."""

    directory: Path
    prolog: Path


class Process:
    """One worker process: one exchange at a time, and a watchdog over it.

    `on_idle` is called whenever the loaded worker can take another request, `on_end` once,
    when it is dead and buried; both on the event loop.
    """

    def __init__(
        self,
        program: Program,
        limits: QueryLimits,
        on_idle: Callable[[Process], None],
        on_end: Callable[[Process], None],
    ) -> None:
        self._program = program
        self._limits = limits
        self._on_idle = on_idle
        self._on_end = on_end
        self._exchange: Exchange | None = None
        self._allowed = 0.0
        self._watchdog: asyncio.TimerHandle | None = None
        self._nudger: asyncio.TimerHandle | None = None
        self._killed_for: Cause | None = None
        self._burial: asyncio.Task[None] | None = None
        self._loaded = False
        self.died: Died | None = None

    @property
    def pid(self) -> int:
        """The operating system's number of the process."""
        return self._popen.pid

    @property
    def usable(self) -> bool:
        """Whether the process is not known to be dead or dying."""
        return self._burial is None and self._killed_for is None

    @property
    def busy(self) -> bool:
        """Whether a request is under way."""
        return self._exchange is not None

    async def start(self) -> bytes:
        """Start the process and load the program.

        Returns
        -------
        bytes
            What `service_load/4` answered; where it is an error, the caller closes.

        Raises
        ------
        Died
            Where the process does not come up, or does not live to answer.
        """
        self._loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._popen = spawn(theirs.fileno())
        except OSError as error:
            ours.close()
            self.died = Died(Cause.LOST, last_words=f"{sys.executable} did not start: {error}")
            self._on_end(self)
            raise self.died from error
        self._output = _Output()
        try:
            self._transport, _ = await self._loop.create_unix_connection(
                lambda: _Channel(self._received, self._lost), sock=ours
            )
            await self._loop.connect_read_pipe(
                lambda: self._output, cast(IO[bytes], self._popen.stderr)
            )
            exchange = self.begin(self._load_request(), self._limits.load_seconds)
            answer = (await exchange.next()).payload
        except BaseException:
            self.kill(Cause.CLOSED)
            self._lost()
            raise
        self._loaded = True
        return answer

    def begin(self, request: bytes, seconds: float) -> Exchange:
        """Send a request to the idle worker, which has `seconds` to answer, and grace."""
        exchange = self._exchange = Exchange(self)
        self._allowed = seconds + self._limits.grace_seconds
        self._watch(self._allowed, Cause.TIME)
        self._transport.write(request)
        return exchange

    def kill(self, cause: Cause) -> None:
        """End the process at once; the first cause stands."""
        if self._killed_for is None and self.died is None:
            self._killed_for = cause
            self._popen.kill()

    async def ended(self) -> None:
        """End the process if it lives; return when it is buried."""
        self._lost()
        await asyncio.shield(cast("asyncio.Task[None]", self._burial))

    def pause(self) -> None:
        """Read no more for now. A worker that waits for its reader is not late."""
        self._transport.pause_reading()
        self._unwatch()

    def resume(self) -> None:
        """Read on; without a pause before, nothing."""
        if not self._transport.is_reading():
            self._transport.resume_reading()
            self._watch(self._allowed, Cause.TIME)

    def interrupt(self) -> None:
        """Have the goal end at its next call, or else the process after the grace."""
        self._transport.resume_reading()
        self._watch(self._limits.grace_seconds, Cause.CANCELLED)
        self._nudge()

    def _load_request(self) -> bytes:
        return frame.encode(
            {
                "op": "load",
                "prolog": str(self._program.prolog),
                "directory": str(self._program.directory),
                "stack_bytes": self._limits.stack_bytes,
                "memory_bytes": self._limits.memory_bytes,
            }
        )

    def _watch(self, seconds: float, cause: Cause) -> None:
        self._unwatch()
        self._watchdog = self._loop.call_later(seconds, self.kill, cause)

    def _unwatch(self) -> None:
        for timer in (self._watchdog, self._nudger):
            if timer is not None:
                timer.cancel()
        self._watchdog = self._nudger = None

    def _nudge(self) -> None:
        # More than once: one that meets the start of Prolog's timer thread can be lost.
        self._popen.send_signal(signal.SIGUSR1)
        self._nudger = self._loop.call_later(_NUDGE_SECONDS, self._nudge)

    def _received(self, header: frame.Header, payload: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            raise frame.BrokenFrame("a frame that answers no request")
        last = "solution" not in header
        if not last:
            exchange.put(Reply(last, payload))
            return
        self._exchange = None
        self._unwatch()
        self._transport.resume_reading()
        exchange.put(Reply(last, payload))
        if self._killed_for is not None:
            return  # the answer came just before the end
        if "retire" in header:
            self.kill(Cause.GROWN)
        elif exchange.abandoned:
            # The interrupt may have come after the goal's end: clear it, then go on.
            self.begin(frame.encode({"op": "settle"}), 0)
        elif self._loaded:
            self._on_idle(self)

    def _lost(self) -> None:
        """Bury the process; called when its end of the channel is closed."""
        if self._burial is None:
            self._burial = self._loop.create_task(self._bury())

    async def _bury(self) -> None:
        self._popen.kill()  # one that has closed its channel but lives is of no use
        self._unwatch()
        while self._popen.poll() is None:
            await asyncio.sleep(_BURIAL_POLL_SECONDS)
        if self._output.connected:
            await asyncio.wait((self._output.closed,), timeout=_LAST_WORDS_SECONDS)
        else:
            cast(IO[bytes], self._popen.stderr).close()
        self.died = self._verdict()
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.fail(self.died)
        self._on_end(self)

    def _verdict(self) -> Died:
        status, said = self._popen.returncode, self._output.text()
        cause = self._killed_for
        if cause is None:
            aborted = status == -signal.SIGABRT and _OUT_OF_MEMORY in said
            # The C stack's end, or an allocation within Prolog that failed: again elsewhere, it
            # would end another worker.
            fenced = status in (frame.EXIT_MEMORY, -signal.SIGSEGV, -signal.SIGBUS)
            cause = Cause.MEMORY if aborted or fenced else Cause.LOST
        lines = said.split("\n")
        return Died(cause, status, next((line for line in reversed(lines) if line.strip()), ""))


class _Channel(asyncio.BufferedProtocol):
    """The worker's end of the socket, as frames."""

    def __init__(
        self, on_frame: Callable[[frame.Header, bytes], None], on_end: Callable[[], None]
    ) -> None:
        self._on_frame = on_frame
        self._on_end = on_end
        self._decoder = frame.Decoder()
        self._buffer = memoryview(bytearray(_READ_BYTES))

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        for header, payload in self._decoder.feed(self._buffer[:nbytes]):
            self._on_frame(header, payload)

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_end()


class _Output(asyncio.Protocol):
    """The end of what a worker writes to its standard error."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self.connected = False
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.connected = True

    def data_received(self, data: bytes) -> None:
        self._kept += data
        del self._kept[:-_KEPT_OUTPUT]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)

    def text(self) -> str:
        return self._kept.decode(errors="replace")
