"""Telling how far a command is: a bar on a terminal, otherwise a plain line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proofsight_server.extraction.progress import Progress

QUIET_SECONDS = 5.0  # between two plain lines about one phase


@contextmanager
def shown() -> Iterator[Progress]:
    """A progress report on standard error, for the length of a block."""
    if sys.stderr.isatty():
        with _bars() as progress:
            yield progress
    else:
        yield _Lines()


class _Lines:
    """A line when a phase begins, every few seconds while it lasts, and when it ends."""

    def __init__(self) -> None:
        self._phase = ""
        self._told = 0.0
        self._last = ("", 0, 0)

    def __call__(self, phase: str, done: int, total: int) -> None:
        if (phase, done, total) == self._last:
            return  # whoever watches from afar sees the same step several times
        self._last = (phase, done, total)
        now = time.monotonic()
        begins, ends = phase != self._phase, done >= total
        if begins or ends or now - self._told >= QUIET_SECONDS:
            self._phase, self._told = ("" if ends else phase), now
            if total > 1:
                self._say(f"{phase}: {done}/{total}")
            elif begins and not ends:
                self._say(phase)

    @staticmethod
    def _say(line: str) -> None:
        print(f"proofsight: {line}", file=sys.stderr, flush=True)


@contextmanager
def _bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks = {}

        def progress(phase: str, done: int, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task(phase, total=total)
            bars.update(tasks[phase], completed=done, total=total)

        yield progress
