"""The shapes that calls have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from proofsight.errors import DeadlineExceeded
from proofsight.operation import Operation, OperationProgress

R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unary(Generic[R]):
    """One request, one answer. `timeout` in seconds; None: the client's own."""

    method: str
    request: bytes
    read: Callable[[bytes], R]
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Paged(Generic[T]):
    """A list that comes in pages; `request` and `read` take and give the page's token."""

    method: str
    request: Callable[[str], bytes]
    read: Callable[[bytes], tuple[list[T], str]]
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Streamed(Generic[T]):
    """One request, many answers."""

    method: str
    request: bytes
    read: Callable[[bytes], T]
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Long(Generic[R]):
    """A call that begins an operation, which is then watched to its end.

    `read` takes the packed response; `timeout` in seconds is for the whole, None: no limit.
    """

    start: Unary[Operation]
    read: Callable[[Any], R]
    progress: OperationProgress | None = None
    timeout: float | None = None

    def tell(self, operation: Operation) -> None:
        """Pass on how far it is."""
        if self.progress is not None:
            self.progress(operation)

    def result(self, operation: Operation) -> R:
        """What an operation that has ended found. Raises its error."""
        if operation.error is not None:
            raise operation.error
        return self.read(operation.response)

    def late(self) -> DeadlineExceeded:
        """The error for one that took longer than it may."""
        return DeadlineExceeded(
            f"it took longer than the {self.timeout:g} s allowed and was cancelled; allow more",
            "DEADLINE_EXCEEDED",
            "TIME_LIMIT",
        )
