"""What callers get to see when a call fails."""

from __future__ import annotations

import pickle
import socket
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2

from proofsight import Client, ProofsightError, errors
from proofsight.failure import from_status

Ask = Callable[..., Any]
MakeStatus = Callable[..., Any]

# Every row of the service's error table, and what a caller catches.
TABLE = [
    (3, "INVALID_ARGUMENT", "BAD_IMAGE", errors.BadImage, ValueError),
    (3, "INVALID_ARGUMENT", "BAD_TENSOR", errors.BadTensor, ValueError),
    (3, "INVALID_ARGUMENT", "BAD_FACTS", errors.BadFacts, ValueError),
    (3, "INVALID_ARGUMENT", "BAD_GOAL", errors.BadGoal, ValueError),
    (3, "INVALID_ARGUMENT", "BAD_PROGRAM", errors.BadProgram, ValueError),
    (3, "INVALID_ARGUMENT", "BAD_OPTION", errors.InvalidArgument, ValueError),
    (7, "PERMISSION_DENIED", "UNSAFE_GOAL", errors.UnsafeGoal, PermissionError),
    (7, "PERMISSION_DENIED", "ROLE", errors.PermissionDenied, PermissionError),
    (16, "UNAUTHENTICATED", "NO_CREDENTIALS", errors.Unauthenticated, PermissionError),
    (5, "NOT_FOUND", "UNKNOWN_KB", errors.UnknownKnowledgeBase, LookupError),
    (5, "NOT_FOUND", "UNKNOWN_REVISION", errors.UnknownRevision, LookupError),
    (5, "NOT_FOUND", "UNKNOWN_RULE", errors.UnknownRule, LookupError),
    (5, "NOT_FOUND", "UNKNOWN_CLASS", errors.UnknownClass, LookupError),
    (10, "ABORTED", "STALE_ETAG", errors.Aborted, ProofsightError),
    (9, "FAILED_PRECONDITION", "BAD_WEIGHTS", errors.FailedPrecondition, ProofsightError),
    (8, "RESOURCE_EXHAUSTED", "OVERLOADED", errors.Overloaded, errors.ResourceExhausted),
    (8, "RESOURCE_EXHAUSTED", "INFERENCE_LIMIT", errors.InferenceLimit, errors.ResourceExhausted),
    (8, "RESOURCE_EXHAUSTED", "MEMORY_LIMIT", errors.MemoryLimit, MemoryError),
    (4, "DEADLINE_EXCEEDED", "TIME_LIMIT", errors.DeadlineExceeded, TimeoutError),
    (14, "UNAVAILABLE", "WORKER_LOST", errors.WorkerLost, ConnectionError),
    (14, "UNAVAILABLE", "NOT_READY", errors.Unavailable, ConnectionError),
    (14, "UNAVAILABLE", "DRAINING", errors.Unavailable, ConnectionError),
    (13, "INTERNAL", "INTERNAL", ProofsightError, Exception),
    (3, "INVALID_ARGUMENT", "A_REASON_OF_TOMORROW", errors.InvalidArgument, ValueError),
]


@pytest.mark.parametrize(("number", "code", "reason", "kind", "parent"), TABLE)
def test_each_cause_has_its_class_and_the_builtin_parent_one_expects(
    ask: Ask,
    server: Any,
    make_status: MakeStatus,
    number: int,
    code: str,
    reason: str,
    kind: type[ProofsightError],
    parent: type[Exception],
) -> None:
    server.failure = make_status(number, reason, "what was broken", name="x")
    with pytest.raises(parent) as caught:
        ask("why", b"png", "digits")
    error = caught.value
    assert type(error) is kind
    assert isinstance(error, ProofsightError)
    assert (str(error), error.code, error.reason) == ("what was broken", code, reason)
    assert error.metadata == {"name": "x"}


def test_a_query_fails_while_it_is_read(ask: Ask, server: Any, make_status: MakeStatus) -> None:
    server.failure = make_status(7, "UNSAFE_GOAL", "shell/1 may not be called", goal="shell(ls)")
    with pytest.raises(errors.UnsafeGoal, match="shell/1"):
        ask("query", "shell(ls)", b"png", "digits")


def test_a_busy_server_says_when_to_come_back(
    ask: Ask, server: Any, make_status: MakeStatus
) -> None:
    retry = error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=1, nanos=500_000))
    server.failure = make_status(8, "OVERLOADED", "the queue is full", retry)
    with pytest.raises(errors.Overloaded) as caught:
        ask("why", b"png", "digits")
    assert caught.value.retry_after == pytest.approx(1.0005)


def test_a_refused_program_says_where(ask: Ask, server: Any, make_status: MakeStatus) -> None:
    violation = error_details_pb2.BadRequest.FieldViolation
    places = error_details_pb2.BadRequest(
        field_violations=[
            violation(field="rules.pl", description="rules.pl:3:5: error: unexpected: ,"),
            violation(field="user.pl", description="user.pl: warning: empty"),
            violation(field="rules.pl", description="something else"),
        ]
    )
    server.failure = make_status(3, "BAD_PROGRAM", "2 errors", places)
    with pytest.raises(errors.BadProgram) as caught:
        ask("revision", "digits")
    first, second, third = caught.value.findings
    assert (first.path, first.line, first.column) == ("rules.pl", 3, 5)
    assert first.message == "unexpected: ,"
    assert (second.severity, second.line) == ("warning", 0)
    assert third.message == "something else"


def test_errors_survive_pickling(make_status: MakeStatus) -> None:
    error = from_status(make_status(8, "MEMORY_LIMIT", "too large", bytes="9"))
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is errors.MemoryLimit
    assert again.to_dict() == error.to_dict()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_server_that_is_not_there_is_named_with_the_remedy() -> None:
    port = free_port()
    with (
        Client(f"127.0.0.1:{port}") as client,
        pytest.raises(ConnectionError) as caught,
    ):
        client.knowledge_bases()
    assert str(caught.value) == (
        f"no server answers at 127.0.0.1:{port}; start one with `proofsight serve REPOSITORY "
        f"--port {port}`, or name another (--server HOST:PORT)"
    )
    assert isinstance(caught.value, errors.NoServer)


def test_a_host_that_nobody_knows_is_named() -> None:
    with (
        Client("no-such-host.invalid:50051") as client,
        pytest.raises(errors.NoServer, match=r"no server answers at no-such-host\.invalid:50051"),
    ):
        client.knowledge_bases()


def test_a_server_of_another_kind_is_told_from_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        port = plain.getsockname()[1]
        with (
            Client(f"127.0.0.1:{port}", timeout=0.3) as client,
            pytest.raises(
                errors.DeadlineExceeded, match="whether a Proofsight server listens there"
            ),
        ):
            client.knowledge_bases()


def test_an_error_without_details_keeps_its_code(ask: Ask, server: Any) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a bug")

    server.note = fail
    with pytest.raises(ProofsightError, match="a bug") as caught:
        ask("why", b"png", "digits")
    assert (caught.value.code, caught.value.reason) == ("UNKNOWN", "")
