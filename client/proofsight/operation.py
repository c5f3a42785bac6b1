"""Long work on a server: how far it is, and what it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from proofsight.errors import ProofsightError

LOOK_SECONDS = 0.5  # between two looks at how far it is
LEAVE_SECONDS = 2.0  # for the name of what was begun, so that it can be cancelled


@dataclass(frozen=True, slots=True)
class Operation:
    """A piece of long work.

    Attributes
    ----------
    name
        `operations/ID`.
    subject
        What it is about, for people.
    phase, done, total
        The step that it is at, and how many of that step's parts are done; empty and 0 while it
        waits for its turn.
    ended
        Whether it has ended, with a response or with `error`.
    cancel_requested
        Whether somebody has asked for it to be cancelled.
    created, end
        When it was begun, and when it ended; `end` is None before.
    error
        Why it failed; None where it did not.
    response
        What it found, packed; None before its end, and where it failed.
    """

    name: str
    subject: str
    phase: str
    done: int
    total: int
    ended: bool
    cancel_requested: bool
    created: datetime
    end: datetime | None
    error: ProofsightError | None = None
    response: Any = None

    def to_dict(self) -> dict[str, Any]:
        """JSON ready, without the response."""
        return {
            "name": self.name,
            "subject": self.subject,
            "phase": self.phase,
            "done": self.done,
            "total": self.total,
            "ended": self.ended,
            "cancel_requested": self.cancel_requested,
            "created": self.created.isoformat(),
            "end": None if self.end is None else self.end.isoformat(),
            "error": None if self.error is None else self.error.to_dict(),
        }


OperationProgress = Callable[[Operation], None]
"""Is given an operation whenever there is news of it."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """The kernels that compute a feature, as a server found and stored them.

    Attributes
    ----------
    name, id
        `knowledgeBases/{kb}/revisions/{n}/circuits/{id}`, and the id that its facts bear; empty
        for a collapse.
    target, criterion, keep
        What was asked for.
    effective_keep, kernels, total_kernels
        The share of kernels on a path from the image to the target, how many these are, and of
        how many.
    collapse
        Whether no path is left; nothing is stored then.
    files
        What was stored, relative to the revision's directory.
    report
        Settings and figures, as `proofsight circuit --json` prints them.
    """

    name: str
    id: str
    target: str
    criterion: str
    keep: float
    effective_keep: float
    kernels: int
    total_kernels: int
    collapse: bool
    files: tuple[str, ...]
    report: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON ready."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SharedKernels:
    """How many kernels of a layer two circuits share, and how many each has alone.

    `iou` is the share of those that either has; None where neither has any.
    """

    layer: str
    both: int
    first: int
    second: int
    iou: float | None


@dataclass(frozen=True, slots=True)
class CircuitComparison:
    """What two circuits share, as a server counted it.

    Attributes
    ----------
    revision
        `digits/3`.
    layers, total
        Per layer, and of all layers together.
    files
        What was stored, relative to the revision's directory: a page.
    report
        Figures, as `proofsight circuit --compare --json` prints them.
    """

    revision: str
    layers: tuple[SharedKernels, ...]
    total: SharedKernels
    files: tuple[str, ...]
    report: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON ready."""
        return asdict(self)
