"""From a failed gRPC call to a `ProofsightError`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2

from proofsight.address import Address
from proofsight.errors import (
    BadProgram,
    DeadlineExceeded,
    NoServer,
    ProofsightError,
    ResourceExhausted,
    Unavailable,
    Unimplemented,
    class_of,
)
from proofsight.knowledge import Finding

_DETAILS: Final = "grpc-status-details-bin"
_PLACE: Final = re.compile(
    r"(?P<path>[^:]*):(?:(?P<line>\d+):(?P<column>\d+):)? (?P<severity>error|warning): "
    r"(?P<message>.*)",
    re.DOTALL,
)
_UNREACHED: Final = re.compile(
    r"failed to connect|connection refused|connection attempt|DNS resolution|domain name"
    r"|no route|unreachable|name resolution|tcp handshaker shutdown|http1|settings frame",
    re.IGNORECASE,
)
# grpc.aio's word for a message that could not be sent, since the server has ended the call.
_AIO_WRITE_FAILED: Final = "Internal error from Core"
_TOO_LARGE: Final = re.compile(r"message larger than max \((\d+) vs\. (\d+)\)")


def from_call(error: grpc.RpcError, address: Address, timeout: float | None) -> ProofsightError:
    """The error of a call that failed; `timeout` is the one it was given, in seconds."""
    call: Any = error  # both transports give the status by these methods
    code = call.code().name
    details = call.details() or ""
    for key, value in call.trailing_metadata() or ():
        if key == _DETAILS:
            try:
                return from_status(status_pb2.Status.FromString(value))
            except DecodeError:
                break
    return _on_the_way(code, details, address, timeout)


def from_status(status: status_pb2.Status) -> ProofsightError:
    """The error that a `google.rpc.Status` tells of."""
    code = code_pb2.Code.Name(status.code) if status.code in code_pb2.Code.values() else "UNKNOWN"
    info = error_details_pb2.ErrorInfo()
    request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    after: float | None = None
    for detail in status.details:
        if detail.Unpack(retry):
            after = retry.retry_delay.ToTimedelta().total_seconds()
        else:
            detail.Unpack(info) or detail.Unpack(request)
    error = class_of(code, info.reason)(
        status.message, code, info.reason, dict(info.metadata), after
    )
    if isinstance(error, BadProgram):
        error.findings = tuple(_findings(request.field_violations, error))
    return error


def from_element(code: int, reason: str, message: str) -> ProofsightError:
    """The error of one element of a stream."""
    name = code_pb2.Code.Name(code) if code in code_pb2.Code.values() else "UNKNOWN"
    return class_of(name, reason)(message, name, reason)


def _findings(
    violations: Iterable[error_details_pb2.BadRequest.FieldViolation], error: ProofsightError
) -> Iterable[Finding]:
    for violation in violations:
        place = _PLACE.fullmatch(violation.description)
        if place is None:
            yield Finding("error", "", violation.field, 0, 0, violation.description)
        else:
            yield Finding(
                place["severity"],
                "",
                place["path"],
                int(place["line"] or 0),
                int(place["column"] or 0),
                place["message"],
            )


def _on_the_way(
    code: str, details: str, address: Address, timeout: float | None
) -> ProofsightError:
    """The error of a call that the server did not answer in its own words."""
    metadata = {"server": str(address), "details": details}
    if code == "DEADLINE_EXCEEDED":
        waited = "" if timeout is None else f" within {timeout:g} s"
        return DeadlineExceeded(
            f"no answer from {address}{waited}; wait longer (--timeout SECONDS, or timeout= in "
            "Python), or see whether a Proofsight server listens there",
            code,
            "DEADLINE",
            metadata,
        )
    if code == "UNAVAILABLE" and _UNREACHED.search(details):
        return NoServer(
            f"no server answers at {address}; {address.remedy}", code, "NO_SERVER", metadata
        )
    if code == "UNAVAILABLE" or details == _AIO_WRITE_FAILED:
        return Unavailable(
            f"the connection to {address} broke ({details}); ask again",
            "UNAVAILABLE",
            "BROKEN",
            metadata,
        )
    if code == "UNIMPLEMENTED":
        return Unimplemented(
            f"the server at {address} does not know this call ({details}); is it Proofsight, and "
            "as new as this client?",
            code,
            "UNIMPLEMENTED",
            metadata,
        )
    large = _TOO_LARGE.search(details)
    if code == "RESOURCE_EXHAUSTED" and large:
        return ResourceExhausted(
            f"the request has {large[1]} bytes, and the server at {address} takes {large[2]}; send "
            "a smaller image, or smaller batches",
            code,
            "TOO_LARGE",
            metadata,
        )
    return class_of(code, "")(f"{address}: {details or code}", code, "", metadata)
