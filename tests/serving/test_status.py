from __future__ import annotations

import logging
from urllib.parse import quote

import pytest
from google.rpc import code_pb2, error_details_pb2

from proofsight_server import errors
from proofsight_server.serving.status import MOST_BYTES, code_of, status_of


def _every_error() -> list[type[errors.ProofsightError]]:
    found, queue = [], [errors.ProofsightError]
    while queue:
        parent = queue.pop()
        queue += parent.__subclasses__()
        found.append(parent)
    return [cause for cause in found if cause.__module__ == errors.__name__]


def _make(cause: type[errors.ProofsightError]) -> errors.ProofsightError:
    if issubclass(cause, errors.UnknownName):
        return cause("dgits", ["digits"])
    return cause("what is wrong and what to do", field="name", value="x")


@pytest.mark.parametrize("cause", _every_error())
def test_every_error_has_a_code_and_exactly_one_error_info(
    cause: type[errors.ProofsightError],
) -> None:
    error = _make(cause)
    status = status_of(error)
    infos = [
        detail for detail in status.details if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR)
    ]
    assert len(infos) == 1
    info = error_details_pb2.ErrorInfo()
    infos[0].Unpack(info)
    assert (info.domain, info.reason) == ("proofsight", cause.reason)
    assert dict(info.metadata) == error.metadata
    assert status.message == error.message


@pytest.mark.parametrize(
    "cause",
    [cause for cause in _every_error() if cause not in (errors.ProofsightError, errors.BadDataset)],
)
def test_only_causes_that_no_call_can_raise_are_internal(
    cause: type[errors.ProofsightError],
) -> None:
    assert code_of(_make(cause)) != code_pb2.INTERNAL


def test_a_strangers_exception_says_nothing_of_itself(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        status = status_of(RuntimeError("secret"))
    assert status.code == code_pb2.INTERNAL
    assert "secret" not in str(status)
    assert "secret" in caplog.text


def test_a_refused_program_tells_every_issue_with_its_place() -> None:
    issue = errors.Issue("error", "syntax_error", "rules.pl", 3, 7, "end of clause expected")
    status = status_of(errors.BadProgram("1 error", [issue], file="rules.pl"))
    request = error_details_pb2.BadRequest()
    assert any(detail.Unpack(request) for detail in status.details)
    assert request.field_violations[0].field == "rules.pl"
    assert "rules.pl:3:7" in request.field_violations[0].description


def test_a_status_fits_into_trailing_metadata_and_says_what_it_leaves_out() -> None:
    issues = [
        errors.Issue("error", "undeclared_proposition", "rules.pl", line, 7, f"no é{line}" * 9)
        for line in range(1, 501)
    ]
    status = status_of(errors.BadProgram("\n".join(map(str, issues)), issues))
    assert len(status.SerializeToString()) * 4 / 3 + len(quote(status.message)) <= MOST_BYTES
    assert status.message.startswith("rules.pl:1:7: ")
    request = error_details_pb2.BadRequest()
    assert any(detail.Unpack(request) for detail in status.details)
    *shown, rest = request.field_violations
    assert "rules.pl:1:7" in shown[0].description
    assert rest.description == f"and {500 - len(shown)} more; CheckProgram tells them all"


def test_an_overload_says_when_to_come_back() -> None:
    status = status_of(errors.Overloaded("queue full"))
    retry = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(retry) for detail in status.details)
    assert retry.retry_delay.seconds > 0
