"""How work tells how far it is, and how it is asked to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from proofsight_server.errors import ProofsightError


class Cancelled(ProofsightError):
    """The work was stopped because whoever asked for it no longer wants it."""

    reason = "CANCELLED"


class Progress(Protocol):
    """Takes the phase of the work, and how much of it is done."""

    def __call__(self, phase: str, done: int, total: int, /) -> None:
        """`done` of `total` steps of `phase`; a phase ends where they are equal."""
        ...


def silent(phase: str, done: int, total: int) -> None:
    """Tell nobody."""


def never() -> bool:
    """Nobody asks to stop."""
    return False


@dataclass(frozen=True, slots=True)
class Watch:
    """Whom work reports to, and who may stop it between two steps."""

    progress: Progress = silent
    cancelled: Callable[[], bool] = never

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Report a step. Raises Cancelled if the work is no longer wanted."""
        self.progress(phase, done, total)
        self.check()

    def check(self) -> None:
        """Go on, or raise Cancelled."""
        if self.cancelled():
            raise Cancelled("cancelled; nothing was published")

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Report a phase of one step, which the block is."""
        self(name, 0, 1)
        yield
        self.progress(name, 1, 1)

    def phase(self, name: str) -> Callable[[int, int], None]:
        """The report of one phase, as probes and training take it."""
        return lambda done, total: self(name, done, total)
