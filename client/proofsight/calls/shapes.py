"""The shapes that calls have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

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
