"""The errors of the server side: one small tree, one class per cause.

Every error carries a `reason` (upper snake case, the one that goes over the wire)
and `metadata`, the dynamic parts of its message.  Each class also has the builtin
parent that a Python caller would expect.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar


class ProofsightError(Exception):
    """The root of the tree: something that was asked for cannot be done."""

    reason: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, **metadata: object) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = {key: str(value) for key, value in metadata.items()}


# --- what a caller hands in -------------------------------------------------


class BadImage(ProofsightError, ValueError):
    """Bytes that are not an image we can decode, or not within the limits."""

    reason = "BAD_IMAGE"


class BadTensor(ProofsightError, ValueError):
    """A tensor of the wrong rank, shape, type, or with non-finite values."""

    reason = "BAD_TENSOR"


class BadFacts(ProofsightError, ValueError):
    """Facts that do not fit the revision they are given to."""

    reason = "BAD_FACTS"


class BadDataset(ProofsightError, ValueError):
    """A data set that cannot be read, or that lacks what the work needs."""

    reason = "BAD_DATASET"


class BadModel(ProofsightError, ValueError):
    """A model name that cannot be built, or a factory that is not allowed."""

    reason = "BAD_MODEL"


class BadWeights(ProofsightError, ValueError):
    """Weights that cannot be read safely, or that do not fit the model."""

    reason = "BAD_WEIGHTS"


class BadOption(ProofsightError, ValueError):
    """An option out of its range, or in conflict with another."""

    reason = "BAD_OPTION"


class BadTarget(ProofsightError, ValueError):
    """A target of a circuit that is none, that is dead, or that the network cannot be cut at."""

    reason = "BAD_TARGET"


class BadRevision(ProofsightError, ValueError):
    """A revision directory that is incomplete, damaged, or of another schema."""

    reason = "BAD_REVISION"


class BadGoal(ProofsightError, ValueError):
    """A goal that does not parse, or that names what is not declared."""

    reason = "BAD_GOAL"


class UnsafeGoal(ProofsightError, PermissionError):
    """A goal that calls what a question may not call."""

    reason = "UNSAFE_GOAL"


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding about a program's text. `line` and `column` count from 1; 0 = unknown."""

    severity: str
    code: str
    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: " if self.line else f"{self.file}: "
        return f"{where}{self.severity}: {self.message}"


class BadProgram(ProofsightError, ValueError):
    """Program text that is refused; `issues` says where and why."""

    reason = "BAD_PROGRAM"

    def __init__(self, message: str, issues: Sequence[Issue] = (), **metadata: object) -> None:
        super().__init__(message, **metadata)
        self.issues = tuple(issues)


# --- names that nothing bears -----------------------------------------------


class UnknownName(ProofsightError, LookupError):
    """A name that is not known; the message gives the nearest ones."""

    noun: ClassVar[str] = "name"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = get_close_matches(name, names, n=3, cutoff=0.4) or names[:3]
        hint = f"; nearest: {', '.join(near)}" if near else ""
        super().__init__(f"no {self.noun} named {name!r}{hint}", name=name, nearest=", ".join(near))


class UnknownKnowledgeBase(UnknownName):
    """A knowledge base that the repository does not have."""

    reason = "UNKNOWN_KB"
    noun = "knowledge base"


class UnknownRevision(UnknownName):
    """A revision that the knowledge base does not have."""

    reason = "UNKNOWN_REVISION"
    noun = "revision"


class UnknownRule(UnknownName):
    """A rule that the program does not have."""

    reason = "UNKNOWN_RULE"
    noun = "rule"


class UnknownClass(UnknownName):
    """A class that the network does not have."""

    reason = "UNKNOWN_CLASS"
    noun = "class"


class UnknownLayer(UnknownName):
    """A layer that the network does not have."""

    reason = "UNKNOWN_LAYER"
    noun = "layer"


class UnknownChannel(UnknownName):
    """A channel that no proposition reads."""

    reason = "UNKNOWN_CHANNEL"
    noun = "channel"


class UnknownOperation(UnknownName):
    """An operation that the server does not have, or no longer."""

    reason = "UNKNOWN_OPERATION"
    noun = "operation"


class UnknownProposition(UnknownName):
    """A proposition that a rule's body does not have."""

    reason = "UNKNOWN_PROPOSITION"
    noun = "proposition"


# --- limits and life cycle --------------------------------------------------


class InferenceLimit(ProofsightError):
    """A goal spent its inferences; the same on every machine."""

    reason = "INFERENCE_LIMIT"


class TimeLimit(ProofsightError, TimeoutError):
    """The caller's time is over."""

    reason = "TIME_LIMIT"


class MemoryLimit(ProofsightError, MemoryError):
    """A goal outgrew its stack, or its worker the memory fence."""

    reason = "MEMORY_LIMIT"


class WorkerLost(ProofsightError):
    """A worker process died under the request, and so did its successor."""

    reason = "WORKER_LOST"


class Overloaded(ProofsightError):
    """The queue is full, or the caller has too many calls open."""

    reason = "OVERLOADED"


class StaleEtag(ProofsightError):
    """A change to a revision that is no longer as its author read it."""

    reason = "STALE_ETAG"


class NotReady(ProofsightError):
    """The revision is not loaded yet."""

    reason = "NOT_READY"


class Draining(ProofsightError):
    """The server is stopping and takes no new work."""

    reason = "DRAINING"
