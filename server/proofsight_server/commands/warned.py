"""What is logged as a warning while a command works, told as the command's own."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def warned() -> Iterator[None]:
    """Print warnings that are logged in the block on standard error, at its end."""
    log, kept = logging.getLogger("proofsight"), _Kept()
    log.addHandler(kept)
    try:
        yield
    finally:
        log.removeHandler(kept)
        for message in kept.messages:
            tell(message)


def tell(message: str) -> None:
    """Print a warning on standard error."""
    print(f"proofsight: warning: {message}", file=sys.stderr)


class _Kept(logging.Handler):
    """Keeps messages for when no bar of progress is in their way."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
