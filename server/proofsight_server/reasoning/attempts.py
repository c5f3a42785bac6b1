"""Asking a crew, and once more where the worker that was asked is lost."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from proofsight_server.reasoning import answer
from proofsight_server.reasoning.call import Call
from proofsight_server.reasoning.crew import Crew
from proofsight_server.reasoning.exchange import Cause, Died, Reply


async def last_reply(crew: Crew, call: Call) -> bytes:
    """The answer to a call without solutions; asked once more where its worker is lost."""
    for again in (False, True):
        exchange = await crew.begin(call, again)
        try:
            return (await exchange.next()).payload
        except Died as died:
            if again or died.cause is not Cause.LOST:
                raise answer.death(died) from None
        finally:
            exchange.abandon()
    raise AssertionError("the second attempt returns or raises")


async def replies(crew: Crew, call: Call) -> AsyncGenerator[Reply, None]:
    """The frames of a call's answer; asked once more where its worker is lost.

    Goals are pure, so a second worker finds the same solutions in the same order; those
    that the caller has already are skipped.
    """
    delivered = 0
    for again in (False, True):
        exchange = await crew.begin(call, again)
        known = delivered
        try:
            while True:
                reply = await exchange.next()
                if reply.last:
                    yield reply
                    return
                if known:
                    known -= 1
                    continue
                delivered += 1
                yield reply
        except Died as died:
            if again or died.cause is not Cause.LOST:
                raise answer.death(died) from None
        finally:
            exchange.abandon()
