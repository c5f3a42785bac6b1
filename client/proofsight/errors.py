"""Why a call failed: one small tree, one class per cause, each with the builtin parent one expects.

What the server refuses arrives with the reason and metadata of its `ErrorInfo`; what fails on the
way (no server, no answer in time) is told in the same form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from proofsight.knowledge import Finding


class ProofsightError(Exception):
    """The root of the tree.

    Attributes
    ----------
    message
        For people: the rule broken, the value seen, what to do.
    code
        The name of the gRPC status, e.g. `NOT_FOUND`.
    reason
        The cause in upper snake case, e.g. `UNKNOWN_CLASS`.
    metadata
        The dynamic parts of the message.
    retry_after
        Seconds after which the server expects to do better; None where it says nothing.
    """

    def __init__(
        self,
        message: str,
        code: str = "UNKNOWN",
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.message

    def to_dict(self) -> dict[str, object]:
        """What `--json` prints of it."""
        return {
            "code": self.code,
            "reason": self.reason,
            "message": self.message,
            "metadata": self.metadata,
        }


class InvalidArgument(ProofsightError, ValueError):
    """Something that was handed in breaks a rule."""


class BadImage(InvalidArgument):
    """Bytes that are not an image, or not within the server's limits."""


class BadTensor(InvalidArgument):
    """An array of the wrong rank, shape or type, or with non-finite values."""


class BadFacts(InvalidArgument):
    """Facts that do not fit the revision they are given to."""


class BadGoal(InvalidArgument):
    """A goal that does not parse, or that names what is not declared."""


class BadProgram(InvalidArgument):
    """Program text that is refused; `findings` says where and why."""

    findings: Sequence[Finding] = ()


class NotFound(ProofsightError, LookupError):
    """A name that nothing bears."""


class UnknownKnowledgeBase(NotFound):
    """No knowledge base of that name."""


class UnknownRevision(NotFound):
    """No revision of that number."""


class UnknownRule(NotFound):
    """No rule of that id."""


class UnknownClass(NotFound):
    """No class of that name."""


class UnknownLayer(NotFound):
    """No layer of that name among those that the program reads."""


class PermissionDenied(ProofsightError, PermissionError):
    """The caller may not do this."""


class UnsafeGoal(PermissionDenied):
    """A goal that calls what a question may not call."""


class Unauthenticated(PermissionDenied):
    """No credentials, or wrong ones."""


class FailedPrecondition(ProofsightError):
    """The server's files are not in a state to answer."""


class Aborted(ProofsightError):
    """What was to be changed has changed meanwhile."""


class ResourceExhausted(ProofsightError):
    """A limit of the server was reached."""


class InferenceLimit(ResourceExhausted):
    """A goal spent its inferences; the same on every machine."""


class MemoryLimit(ResourceExhausted, MemoryError):
    """A goal outgrew its memory."""


class Overloaded(ResourceExhausted):
    """The server's queue is full; `retry_after` says when to try again."""


class DeadlineExceeded(ProofsightError, TimeoutError):
    """There was no answer in time."""


class Cancelled(ProofsightError):
    """The call was ended before its answer."""


class Unavailable(ProofsightError, ConnectionError):
    """The server cannot answer now."""


class NoServer(Unavailable):
    """Nothing answers at the address."""


class WorkerLost(Unavailable):
    """A worker of the server died under the request, and so did its successor."""


class Unimplemented(ProofsightError):
    """The server does not know this call."""


class Closed(ProofsightError, RuntimeError):
    """The client has been closed."""


BY_REASON: Final[Mapping[str, type[ProofsightError]]] = {
    "BAD_IMAGE": BadImage,
    "BAD_TENSOR": BadTensor,
    "BAD_FACTS": BadFacts,
    "BAD_GOAL": BadGoal,
    "BAD_PROGRAM": BadProgram,
    "UNKNOWN_KB": UnknownKnowledgeBase,
    "UNKNOWN_REVISION": UnknownRevision,
    "UNKNOWN_RULE": UnknownRule,
    "UNKNOWN_CLASS": UnknownClass,
    "UNKNOWN_LAYER": UnknownLayer,
    "UNSAFE_GOAL": UnsafeGoal,
    "INFERENCE_LIMIT": InferenceLimit,
    "MEMORY_LIMIT": MemoryLimit,
    "OVERLOADED": Overloaded,
    "WORKER_LOST": WorkerLost,
}
BY_CODE: Final[Mapping[str, type[ProofsightError]]] = {
    "INVALID_ARGUMENT": InvalidArgument,
    "OUT_OF_RANGE": InvalidArgument,
    "NOT_FOUND": NotFound,
    "PERMISSION_DENIED": PermissionDenied,
    "UNAUTHENTICATED": Unauthenticated,
    "FAILED_PRECONDITION": FailedPrecondition,
    "ABORTED": Aborted,
    "RESOURCE_EXHAUSTED": ResourceExhausted,
    "DEADLINE_EXCEEDED": DeadlineExceeded,
    "CANCELLED": Cancelled,
    "UNAVAILABLE": Unavailable,
    "UNIMPLEMENTED": Unimplemented,
}


def class_of(code: str, reason: str) -> type[ProofsightError]:
    """The class for a status: by its reason, else by its code, else the root."""
    return BY_REASON.get(reason) or BY_CODE.get(code) or ProofsightError
