"""The calls under way: their deadlines, their errors, and the drain at the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from proofsight_server.errors import Draining, ProofsightError, TimeLimit
from proofsight_server.serving.status import Context, abort


class Calls:
    """Counts calls, refuses new ones while draining, and maps errors to statuses."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._open = 0
        self._none = asyncio.Event()
        self._none.set()
        self._draining = False

    @asynccontextmanager
    async def call(
        self,
        context: Context,
        *,
        stream: bool = False,
    ) -> AsyncIterator[None]:
        """The frame of one call. A stream of requests has no deadline but the caller's own."""
        self._open += 1
        self._none.clear()
        try:
            if self._draining:
                raise Draining("the server is stopping; ask another one, or again in a moment")
            remaining = seconds_left(context)
            allowed = remaining if remaining is not None or stream else self._deadline
            async with asyncio.timeout(allowed):
                yield
        except TimeoutError as error:
            await abort(
                context, error if isinstance(error, ProofsightError) else self._late(context)
            )
        except Exception as error:
            await abort(context, error)
        finally:
            self._open -= 1
            if not self._open:
                self._none.set()

    def _late(self, context: Context) -> TimeLimit:
        if seconds_left(context) is not None:
            return TimeLimit("the call's own deadline has passed; allow it more time")
        return TimeLimit(
            f"the call took longer than the server's {self._deadline:g} s for calls without a "
            "deadline; set a longer one with the call, or ask for less",
            seconds=self._deadline,
        )

    async def drain(self, grace: float) -> None:
        """Refuse new calls, and wait until those under way have ended or `grace` is over."""
        self._draining = True
        try:
            async with asyncio.timeout(grace):
                await self._none.wait()
        except TimeoutError:
            return


def deadline_of(context: Context) -> float | None:
    """The caller's deadline as an instant of `time.monotonic()`; None where it set none."""
    remaining = seconds_left(context)
    return None if remaining is None else time.monotonic() + remaining


def seconds_left(context: Context) -> float | None:
    """What remains of the caller's deadline; None where it set none."""
    remaining = context.time_remaining()
    # gRPC reports a call without a deadline as one some centuries away.
    return None if remaining is None or remaining > 1e8 else max(0.0, remaining)
