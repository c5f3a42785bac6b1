"""The client whose answers are awaited."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar, overload

import grpc.aio

from proofsight import calls
from proofsight.address import DEFAULT_SERVER, Address
from proofsight.errors import Closed, ProofsightError
from proofsight.facts import Facts
from proofsight.failure import from_call
from proofsight.image import ImageLike
from proofsight.methods import Answer, async_long, async_paged, async_unary, streamed
from proofsight.operation import LEAVE_SECONDS, LOOK_SECONDS, Operation
from proofsight.options import ClientOptions, Token
from proofsight.solutions import AsyncSolutions
from proofsight.translation import (
    IN_FLIGHT,
    METHOD,
    SENT,
    Namer,
    Sent,
    checked,
    cut_off,
    element,
    failed,
    read_element,
)

R = TypeVar("R")
T = TypeVar("T")
Images = Iterable[ImageLike] | AsyncIterable[ImageLike]


class AsyncClient:
    """As `Client`, for asyncio: the same calls by the same names, awaited.

    It belongs to the event loop in which its first call is made.

    Examples
    --------
    >>> async def ask():  # doctest: +SKIP
    ...     async with AsyncClient("127.0.0.1:50051") as client:
    ...         async for solution in client.query("class(Image, C)", "seven.png", "digits"):
    ...             print(solution["C"])
    """

    knowledge_bases = async_paged(calls.knowledge_bases)
    revision = async_unary(calls.revision)
    rules = async_paged(calls.rules)
    export = async_unary(calls.export)
    check = async_unary(calls.check)
    create_revision = async_unary(calls.create_revision)
    health = async_unary(calls.health)
    facts = async_unary(calls.facts)
    classify = async_unary(calls.classify)
    why = async_unary(calls.why)
    why_not = async_unary(calls.why_not)
    flip = async_unary(calls.flip)
    extract_circuit = async_long(calls.extract_circuit)
    compare_circuits = async_long(calls.compare_circuits)
    extract_interactions = async_long(calls.extract_interactions)
    operations = async_paged(calls.operations)
    operation = async_unary(calls.operation)
    cancel_operation = async_unary(calls.cancel_operation)
    query = streamed(calls.query)

    def __init__(
        self,
        server: str = DEFAULT_SERVER,
        *,
        token: Token = None,
        timeout: float | None = 10.0,
    ) -> None:
        self._options: Final = ClientOptions(Address.parse(server), token, timeout)
        self._channel: grpc.aio.Channel | None = None  # made inside the loop that uses it
        self._callables: Final[dict[str, Callable[..., Any]]] = {}
        self._closed = False

    @property
    def server(self) -> str:
        """`HOST:PORT`."""
        return str(self._options.address)

    @overload
    def facts_stream(
        self,
        images: Images,
        kb: str,
        *,
        return_errors: Literal[False] = False,
        in_flight: int = ...,
        entry: str = ...,
        timeout: float | None = ...,
    ) -> AsyncGenerator[Facts]: ...

    @overload
    def facts_stream(
        self,
        images: Images,
        kb: str,
        *,
        return_errors: bool,
        in_flight: int = ...,
        entry: str = ...,
        timeout: float | None = ...,
    ) -> AsyncGenerator[Facts | ProofsightError]: ...

    async def facts_stream(
        self,
        images: Images,
        kb: str,
        *,
        return_errors: bool = False,
        in_flight: int = IN_FLIGHT,
        entry: str = "",
        timeout: float | None = None,
    ) -> AsyncGenerator[Facts | ProofsightError]:
        """As `Client.facts_stream`; `images` may also be an asynchronous iterable."""
        name = checked(kb, in_flight)
        call = self._open("stream_stream", METHOD)(
            timeout=timeout, metadata=self._options.metadata()
        )
        # A slot per element, in order; full while `in_flight` of them wait for their answers.
        slots: asyncio.Queue[Sent | ProofsightError | None] = asyncio.Queue(in_flight)
        sender = asyncio.create_task(_send(images, name, entry, call, slots))
        namer = Namer()
        try:
            while True:
                slot = await _next_slot(slots, sender)
                if slot is None:
                    break
                answer = slot if isinstance(slot, ProofsightError) else await self._answer(call)
                if isinstance(answer, ProofsightError):
                    if not return_errors:
                        raise answer
                    yield answer
                    continue
                for facts in answer:
                    asked = namer.asks(facts)
                    if asked:
                        namer.learn(await self.revision(asked))
                    yield namer.named(facts)
        except grpc.RpcError as error:
            raise failed(error, self._options.address, timeout) from error
        finally:
            sender.cancel()
            call.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    async def _answer(self, call: Any) -> list[Facts] | ProofsightError:
        data = await call.read()
        if data is grpc.aio.EOF:
            raise cut_off(self.server)
        return read_element(data)

    async def close(self) -> None:
        """End the connection, and what is under way on it."""
        self._closed = True
        if self._channel is not None:
            await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    # --- how bytes travel ---------------------------------------------------

    def _open(self, shape: str, method: str) -> Callable[..., Any]:
        """The channel's callable for a method; bytes go in and come out."""
        if self._closed:
            raise Closed("this client is closed; make a new one", reason="CLOSED")
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(self.server, self._options.channel)
        if method not in self._callables:
            self._callables[method] = getattr(self._channel, shape)(method)
        return self._callables[method]

    async def _unary(self, call: calls.Unary[R]) -> R:
        timeout = self._options.timeout if call.timeout is None else call.timeout
        send = self._open("unary_unary", call.method)
        try:
            answer = await send(call.request, timeout=timeout, metadata=self._options.metadata())
        except grpc.RpcError as error:
            raise from_call(error, self._options.address, timeout) from error
        return call.read(answer)

    async def _paged(self, call: calls.Paged[T]) -> tuple[T, ...]:
        items: list[T] = []
        token = ""
        while True:
            page = calls.Unary(call.method, call.request(token), call.read, call.timeout)
            new, token = await self._unary(page)
            items += new
            if not token:
                return tuple(items)

    async def _long(self, call: calls.Long[R]) -> R:
        """Watch an operation to its end; cancel it where the wait ends early."""
        limit = float("inf") if call.timeout is None else time.monotonic() + call.timeout
        begin = asyncio.ensure_future(self._unary(call.start))
        try:
            operation = await asyncio.shield(begin)
            while not operation.ended:
                call.tell(operation)
                if time.monotonic() >= limit:
                    raise call.late()
                wait = calls.operation(operation.name, wait=LOOK_SECONDS)
                operation = await self._unary(wait)
        except BaseException:
            await self._leave(begin)
            raise
        call.tell(operation)
        return call.result(operation)

    async def _leave(self, begin: asyncio.Future[Operation]) -> None:
        """Cancel what was begun, by its name.

        A server that is slow to say it hears that nobody waits any more, and does not begin.
        """
        try:
            with contextlib.suppress(ProofsightError, TimeoutError):
                operation = await asyncio.wait_for(asyncio.shield(begin), LEAVE_SECONDS)
                await self._unary(calls.cancel_operation(operation.name))
        finally:
            begin.cancel()

    def _streamed(self, call: calls.Streamed[Answer]) -> AsyncSolutions:
        timeout = self._options.timeout if call.timeout is None else call.timeout
        answers = self._open("unary_stream", call.method)(
            call.request, timeout=timeout, metadata=self._options.metadata()
        )
        return AsyncSolutions(answers, call.read, self._options.address, timeout)


async def _send(
    images: Images,
    kb: str,
    entry: str,
    call: Any,
    slots: asyncio.Queue[Sent | ProofsightError | None],
) -> None:
    """Send the elements one after the other, each after its slot."""
    async for image in _each(images):
        # Files are read and messages built beside the loop.
        request = await asyncio.to_thread(element, image, kb, entry)
        if isinstance(request, bytes):
            await slots.put(SENT)
            await call.write(request)
        else:
            await slots.put(request)
    await call.done_writing()
    await slots.put(None)


async def _each(images: Images) -> AsyncIterator[ImageLike]:
    if isinstance(images, AsyncIterable):
        async for image in images:
            yield image
    else:
        for image in images:
            yield image


async def _next_slot(
    slots: asyncio.Queue[Sent | ProofsightError | None], sender: asyncio.Task[None]
) -> Sent | ProofsightError | None:
    """The next slot; where the sender has failed, what it failed with, after the last slot."""
    if slots.empty():
        waiting = asyncio.ensure_future(slots.get())
        try:
            await asyncio.wait((waiting, sender), return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
        finally:
            waiting.cancel()
    if slots.empty():
        sender.result()
        return None
    return slots.get_nowait()
