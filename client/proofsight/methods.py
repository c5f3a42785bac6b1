"""Methods made of described calls, for the client that waits and for the one that awaits."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from proofsight.answers import QuerySummary, Solution
from proofsight.calls import Long, Paged, Streamed, Unary

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
S_co = TypeVar("S_co", covariant=True)
Answer = Solution | QuerySummary


class Transport(Protocol):
    """What carries calls and waits."""

    def _unary(self, call: Unary[R]) -> R: ...
    def _paged(self, call: Paged[T]) -> tuple[T, ...]: ...
    def _long(self, call: Long[R]) -> R: ...


class AsyncTransport(Protocol):
    """What carries calls and awaits."""

    async def _unary(self, call: Unary[R]) -> R: ...
    async def _paged(self, call: Paged[T]) -> tuple[T, ...]: ...
    async def _long(self, call: Long[R]) -> R: ...


class StreamTransport(Protocol[S_co]):
    """What opens streams of answers."""

    def _streamed(self, call: Streamed[Answer]) -> S_co: ...


def unary(build: Callable[P, Unary[R]]) -> Callable[Concatenate[Transport, P], R]:
    """A method that waits for the answer."""

    def method(self: Transport, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._unary(build(*args, **kwargs))

    return _adopt(method, build)


def paged(build: Callable[P, Paged[T]]) -> Callable[Concatenate[Transport, P], tuple[T, ...]]:
    """A method that waits for all pages."""

    def method(self: Transport, /, *args: P.args, **kwargs: P.kwargs) -> tuple[T, ...]:
        return self._paged(build(*args, **kwargs))

    return _adopt(method, build)


def long(build: Callable[P, Long[R]]) -> Callable[Concatenate[Transport, P], R]:
    """A method that watches an operation to its end."""

    def method(self: Transport, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._long(build(*args, **kwargs))

    return _adopt(method, build)


def async_unary(
    build: Callable[P, Unary[R]],
) -> Callable[Concatenate[AsyncTransport, P], Awaitable[R]]:
    """A method whose answer is awaited."""

    async def method(self: AsyncTransport, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._unary(build(*args, **kwargs))

    return _adopt(method, build)


def async_paged(
    build: Callable[P, Paged[T]],
) -> Callable[Concatenate[AsyncTransport, P], Awaitable[tuple[T, ...]]]:
    """A method all of whose pages are awaited."""

    async def method(self: AsyncTransport, /, *args: P.args, **kwargs: P.kwargs) -> tuple[T, ...]:
        return await self._paged(build(*args, **kwargs))

    return _adopt(method, build)


def async_long(
    build: Callable[P, Long[R]],
) -> Callable[Concatenate[AsyncTransport, P], Awaitable[R]]:
    """A method that watches an operation to its end, awaited."""

    async def method(self: AsyncTransport, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._long(build(*args, **kwargs))

    return _adopt(method, build)


def streamed(
    build: Callable[P, Streamed[Answer]],
) -> Callable[Concatenate[StreamTransport[S_co], P], S_co]:
    """A method whose answers are iterated over."""

    def method(self: StreamTransport[S_co], /, *args: P.args, **kwargs: P.kwargs) -> S_co:
        return self._streamed(build(*args, **kwargs))

    return _adopt(method, build)


M = TypeVar("M", bound=Callable[..., object])


def _adopt(method: M, build: Callable[..., object]) -> M:
    """`method` under the name, documentation and parameters of the call that it makes."""
    signature = inspect.signature(build)
    receiver = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    described: dict[str, object] = {
        "__name__": build.__name__,
        "__qualname__": build.__qualname__,
        "__doc__": build.__doc__,
        "__signature__": signature.replace(
            parameters=[receiver, *signature.parameters.values()],
            return_annotation=inspect.Signature.empty,
        ),
    }
    for name, value in described.items():
        setattr(method, name, value)
    return method
