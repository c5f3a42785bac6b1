"""Errors on the wire: one table from causes to gRPC codes, and the details that go with each."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final, NoReturn, TypeAlias
from urllib.parse import quote

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from proofsight_server import errors
from proofsight_server.extraction.progress import Cancelled

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
DOMAIN: Final = "proofsight"
RETRY_SECONDS: Final = 1
_log = logging.getLogger("proofsight.serving")

CODES: Final[dict[type[errors.ProofsightError], int]] = {
    errors.BadImage: code_pb2.INVALID_ARGUMENT,
    errors.BadTensor: code_pb2.INVALID_ARGUMENT,
    errors.BadFacts: code_pb2.INVALID_ARGUMENT,
    errors.BadGoal: code_pb2.INVALID_ARGUMENT,
    errors.BadProgram: code_pb2.INVALID_ARGUMENT,
    errors.BadOption: code_pb2.INVALID_ARGUMENT,
    errors.BadTarget: code_pb2.INVALID_ARGUMENT,
    errors.BadDataset: code_pb2.FAILED_PRECONDITION,
    errors.BadRevision: code_pb2.FAILED_PRECONDITION,
    errors.BadModel: code_pb2.FAILED_PRECONDITION,
    errors.BadWeights: code_pb2.FAILED_PRECONDITION,
    errors.UnsafeGoal: code_pb2.PERMISSION_DENIED,
    errors.UnknownName: code_pb2.NOT_FOUND,
    errors.StaleEtag: code_pb2.ABORTED,
    errors.InferenceLimit: code_pb2.RESOURCE_EXHAUSTED,
    errors.MemoryLimit: code_pb2.RESOURCE_EXHAUSTED,
    errors.Overloaded: code_pb2.RESOURCE_EXHAUSTED,
    errors.TimeLimit: code_pb2.DEADLINE_EXCEEDED,
    Cancelled: code_pb2.CANCELLED,
    errors.WorkerLost: code_pb2.UNAVAILABLE,
    errors.NotReady: code_pb2.UNAVAILABLE,
    errors.Draining: code_pb2.UNAVAILABLE,
}
_RETRIED: Final = (errors.Overloaded, errors.NotReady, errors.Draining)
_FIELDS: Final[dict[type[errors.ProofsightError], str]] = {
    errors.BadImage: "subject.image",
    errors.BadTensor: "subject.image.tensor",
    errors.BadFacts: "subject.facts",
    errors.BadGoal: "goal",
    errors.BadProgram: "files",
    errors.BadTarget: "target",
}
# gRPC refuses trailing metadata beyond 8 KiB at random and beyond 16 KiB always; some is ours for
# the request's id.
MOST_BYTES: Final = 7_000
_LONGEST: Final = (4_000, 1_000, 300, 80)  # characters of one text, tried in turn
_ISSUE: Final = 100  # of which one finding is given so many
_STATUS_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


def code_of(error: errors.ProofsightError) -> int:
    """The `google.rpc.Code` of an error: its class's, or that of its nearest parent."""
    for parent in type(error).__mro__:
        if parent in CODES:
            return CODES[parent]
    return int(code_pb2.INTERNAL)


def status_of(error: Exception) -> status_pb2.Status:
    """The `google.rpc.Status` of any exception; what is not ours says nothing of itself.

    It fits into a call's trailing metadata: texts that are too long for that end with how long
    they were, and findings beyond what has room are counted.
    """
    if not isinstance(error, errors.ProofsightError):
        _log.error("internal error", exc_info=error)
        error = errors.ProofsightError("internal error; the server's log has the cause")
    for longest in _LONGEST:
        status = _status(error, longest)
        if _bytes(status) <= MOST_BYTES:
            break
    return status


def _status(error: errors.ProofsightError, longest: int) -> status_pb2.Status:
    message = _cut(error.message, longest)
    metadata = {key: _cut(value, longest) for key, value in error.metadata.items()}
    status = status_pb2.Status(code=code_of(error), message=message)
    _pack(
        status,
        error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata),
    )
    if isinstance(error, _RETRIED):
        _pack(
            status,
            error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=RETRY_SECONDS)),
        )
    if isinstance(error, errors.UnknownName):
        _pack(
            status,
            error_details_pb2.ResourceInfo(
                resource_type=error.noun, resource_name=metadata["name"], description=message
            ),
        )
    if isinstance(error, errors.BadProgram) and error.issues:
        _pack(status, _issues(error.issues, longest))
    elif type(error) in _FIELDS:
        field = metadata.get("field", _FIELDS[type(error)])
        _pack(status, _violations((field, message)))
    return status


def _issues(issues: Sequence[errors.Issue], longest: int) -> error_details_pb2.BadRequest:
    shown = issues[: max(1, longest // _ISSUE)]
    told = [(issue.file, _cut(str(issue), longest)) for issue in shown]
    if len(issues) > len(shown):
        rest = len(issues) - len(shown)
        told.append(("files", f"and {rest} more; CheckProgram tells them all"))
    return _violations(*told)


def _violations(*told: tuple[str, str]) -> error_details_pb2.BadRequest:
    return error_details_pb2.BadRequest(
        field_violations=[
            error_details_pb2.BadRequest.FieldViolation(field=field, description=description)
            for field, description in told
        ]
    )


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… ({len(text)} characters)"


def _bytes(status: status_pb2.Status) -> int:
    """What trailing metadata takes: the details in base64, the message percent-encoded."""
    return len(status.SerializeToString()) * 4 // 3 + len(quote(status.message))


def _pack(status: status_pb2.Status, *messages: Message) -> None:
    for message in messages:
        detail = any_pb2.Any()
        detail.Pack(message)
        status.details.append(detail)


async def abort(context: Context, error: Exception) -> NoReturn:
    """End the call with the error's status and details."""
    status = status_of(error)
    await context.abort(
        _STATUS_CODES[status.code],
        status.message,
        (("grpc-status-details-bin", status.SerializeToString()),),
    )
    raise AssertionError("abort returned")
