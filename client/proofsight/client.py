"""The client that waits for its answers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar, overload

import grpc

from proofsight import calls
from proofsight.address import DEFAULT_SERVER, Address
from proofsight.errors import Closed, ProofsightError
from proofsight.facts import Facts
from proofsight.failure import from_call
from proofsight.image import ImageLike
from proofsight.methods import Answer, long, paged, streamed, unary
from proofsight.operation import LEAVE_SECONDS, LOOK_SECONDS, Operation
from proofsight.options import ClientOptions, Token
from proofsight.solutions import Solutions
from proofsight.translation import IN_FLIGHT, METHOD, Namer, Outbox, cut_off, failed, read_element

R = TypeVar("R")
T = TypeVar("T")


class Client:
    r"""A connection to a Proofsight server; safe to share between threads.

    Parameters
    ----------
    server
        `HOST:PORT`. The connection is made with the first call.
    token
        A bearer token, or a function that gives the current one; sent with every call.
    timeout
        Seconds that a call may take unless it is given its own; None: no limit.

    Raises
    ------
    InvalidArgument
        `server` is no `HOST:PORT`, or `timeout` is not above 0.

    Examples
    --------
    >>> with Client("127.0.0.1:50051") as client:  # doctest: +SKIP
    ...     why = client.why("seven.png", kb="digits")
    ...     print(why.decision, why.text(), sep="\n")
    """

    knowledge_bases = paged(calls.knowledge_bases)
    revision = unary(calls.revision)
    rules = paged(calls.rules)
    export = unary(calls.export)
    check = unary(calls.check)
    create_revision = unary(calls.create_revision)
    health = unary(calls.health)
    facts = unary(calls.facts)
    classify = unary(calls.classify)
    why = unary(calls.why)
    why_not = unary(calls.why_not)
    flip = unary(calls.flip)
    extract_circuit = long(calls.extract_circuit)
    compare_circuits = long(calls.compare_circuits)
    extract_interactions = long(calls.extract_interactions)
    operations = paged(calls.operations)
    operation = unary(calls.operation)
    cancel_operation = unary(calls.cancel_operation)
    query = streamed(calls.query)

    def __init__(
        self,
        server: str = DEFAULT_SERVER,
        *,
        token: Token = None,
        timeout: float | None = 10.0,
    ) -> None:
        self._options: Final = ClientOptions(Address.parse(server), token, timeout)
        self._channel: Final = grpc.insecure_channel(server, self._options.channel)
        self._callables: Final[dict[str, Callable[..., Any]]] = {}
        self._closed = False

    @property
    def server(self) -> str:
        """`HOST:PORT`."""
        return str(self._options.address)

    @overload
    def facts_stream(
        self,
        images: Iterable[ImageLike],
        kb: str,
        *,
        return_errors: Literal[False] = False,
        in_flight: int = ...,
        entry: str = ...,
        timeout: float | None = ...,
    ) -> Generator[Facts]: ...

    @overload
    def facts_stream(
        self,
        images: Iterable[ImageLike],
        kb: str,
        *,
        return_errors: bool,
        in_flight: int = ...,
        entry: str = ...,
        timeout: float | None = ...,
    ) -> Generator[Facts | ProofsightError]: ...

    def facts_stream(
        self,
        images: Iterable[ImageLike],
        kb: str,
        *,
        return_errors: bool = False,
        in_flight: int = IN_FLIGHT,
        entry: str = "",
        timeout: float | None = None,
    ) -> Generator[Facts | ProofsightError]:
        """The facts of many images, in their order, over one stream.

        Parameters
        ----------
        images
            As in `why`; taken from another thread, ahead of the answers. An array may hold
            several images along a first axis, and is answered by as many facts.
        return_errors
            Whether a refused image gives its error in its place. Else it is raised, and the
            stream ends there.
        in_flight
            Most elements of `images` that are under way at a time.
        entry
            As in `why`; refused elements are those of a layer that is not known.
        timeout
            Seconds for the whole stream; None: no limit.

        Raises
        ------
        ProofsightError
            What the first refused image was refused for, unless `return_errors`: also a path
            that cannot be read, as BadImage.
        InvalidArgument
            `in_flight` is below 1.
        """
        outbox = Outbox(images, kb, in_flight, entry)
        call = self._open("stream_stream", METHOD)(
            iter(outbox), timeout=timeout, metadata=self._options.metadata()
        )
        call.add_done_callback(lambda _: outbox.finish())
        namer = Namer()
        try:
            for sent in outbox.slots():
                answer = sent if isinstance(sent, ProofsightError) else read_element(next(call))
                if isinstance(answer, ProofsightError):
                    if not return_errors:
                        raise answer
                    yield answer
                    continue
                for facts in answer:
                    asked = namer.asks(facts)
                    if asked:
                        namer.learn(self.revision(asked))
                    yield namer.named(facts)
        except StopIteration:
            raise cut_off(self.server) from None
        except grpc.RpcError as error:
            raise failed(error, self._options.address, timeout) from error
        finally:
            outbox.close()
            call.cancel()

    def close(self) -> None:
        """End the connection, and what is under way on it."""
        self._closed = True
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # --- how bytes travel ---------------------------------------------------

    def _open(self, shape: str, method: str) -> Callable[..., Any]:
        """The channel's callable for a method; bytes go in and come out."""
        if self._closed:
            raise Closed("this client is closed; make a new one", reason="CLOSED")
        if method not in self._callables:
            self._callables[method] = getattr(self._channel, shape)(method)
        return self._callables[method]

    def _unary(self, call: calls.Unary[R]) -> R:
        timeout = self._options.timeout if call.timeout is None else call.timeout
        send = self._open("unary_unary", call.method)
        try:
            answer = send(call.request, timeout=timeout, metadata=self._options.metadata())
        except grpc.RpcError as error:
            raise from_call(error, self._options.address, timeout) from error
        return call.read(answer)

    def _begin(self, call: calls.Unary[Operation]) -> grpc.Future[bytes]:
        """The call that begins an operation, under way."""
        method: Any = self._open("unary_unary", call.method)
        timeout = self._options.timeout if call.timeout is None else call.timeout
        begin: grpc.Future[bytes] = method.future(
            call.request, timeout=timeout, metadata=self._options.metadata()
        )
        return begin

    def _paged(self, call: calls.Paged[T]) -> tuple[T, ...]:
        items: list[T] = []
        token = ""
        while True:
            page = calls.Unary(call.method, call.request(token), call.read, call.timeout)
            new, token = self._unary(page)
            items += new
            if not token:
                return tuple(items)

    def _long(self, call: calls.Long[R]) -> R:
        """Watch an operation to its end; cancel it where the wait ends early."""
        limit = float("inf") if call.timeout is None else time.monotonic() + call.timeout
        begin = self._begin(call.start)
        try:
            try:
                operation = call.start.read(begin.result())
            except grpc.RpcError as error:
                raise from_call(error, self._options.address, self._options.timeout) from error
            while not operation.ended:
                call.tell(operation)
                if time.monotonic() >= limit:
                    raise call.late()
                wait = calls.operation(operation.name, wait=LOOK_SECONDS)
                operation = self._unary(wait)
        except BaseException:
            self._leave(call.start, begin)
            raise
        call.tell(operation)
        return call.result(operation)

    def _leave(self, start: calls.Unary[Operation], begin: grpc.Future[bytes]) -> None:
        """Cancel what was begun, by its name.

        A server that is slow to say it hears that nobody waits any more, and does not begin.
        """
        try:
            with contextlib.suppress(ProofsightError, grpc.RpcError, grpc.FutureTimeoutError):
                operation = start.read(begin.result(timeout=LEAVE_SECONDS))
                self._unary(calls.cancel_operation(operation.name))
        finally:
            begin.cancel()

    def _streamed(self, call: calls.Streamed[Answer]) -> Solutions:
        timeout = self._options.timeout if call.timeout is None else call.timeout
        answers = self._open("unary_stream", call.method)(
            call.request, timeout=timeout, metadata=self._options.metadata()
        )
        return Solutions(answers, call.read, self._options.address, timeout)
