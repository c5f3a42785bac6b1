"""The answers to a query, as they come."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import grpc

from proofsight.address import Address
from proofsight.answers import QuerySummary, Solution
from proofsight.errors import ProofsightError, Unavailable
from proofsight.failure import from_call

Answer = Solution | QuerySummary


class _Stream:
    """A stream of answers; after its last solution, `summary` says how it ended."""

    __slots__ = ("_address", "_answers", "_read", "_timeout", "summary")

    def __init__(
        self,
        answers: Any,
        read: Callable[[bytes], Answer],
        address: Address,
        timeout: float | None,
    ) -> None:
        self._answers = answers
        self._read = read
        self._address = address
        self._timeout = timeout
        self.summary: QuerySummary | None = None

    def close(self) -> None:
        """End the query; the server stops looking for solutions."""
        self._answers.cancel()

    def _take(self, data: bytes) -> Solution | None:
        """The solution in an answer, or None where it is the summary, which is kept."""
        answer = self._read(data)
        if isinstance(answer, QuerySummary):
            self.summary = answer
            return None
        return answer

    def _cut_off(self) -> Unavailable:
        return Unavailable(
            f"{self._address} ended the query without a summary, so solutions may be missing; "
            "ask again",
            "UNAVAILABLE",
            "BROKEN",
            {"server": str(self._address)},
        )

    def _failed(self, error: grpc.RpcError) -> ProofsightError:
        return from_call(error, self._address, self._timeout)


class Solutions(_Stream):
    """The solutions of a query: an iterator, and a context manager that ends the query."""

    __slots__ = ()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Solution:
        if self.summary is not None:
            raise StopIteration
        try:
            solution = self._take(next(self._answers))
        except StopIteration:
            raise self._cut_off() from None
        except grpc.RpcError as error:
            raise self._failed(error) from error
        if solution is None:
            raise StopIteration
        return solution

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class AsyncSolutions(_Stream):
    """The solutions of a query: an asynchronous iterator and context manager."""

    __slots__ = ()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Solution:
        if self.summary is not None:
            raise StopAsyncIteration
        try:
            data = await self._answers.read()
        except grpc.RpcError as error:
            raise self._failed(error) from error
        if data is grpc.aio.EOF:
            raise self._cut_off()
        solution = self._take(data)
        if solution is None:
            raise StopAsyncIteration
        return solution

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
