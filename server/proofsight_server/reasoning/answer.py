"""What Prolog answered, as values and as errors of ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from proofsight_server.errors import (
    BadFacts,
    BadGoal,
    BadProgram,
    Draining,
    InferenceLimit,
    Issue,
    MemoryLimit,
    ProofsightError,
    TimeLimit,
    UnknownClass,
    UnsafeGoal,
    WorkerLost,
)
from proofsight_server.reasoning.exchange import Cause, Died

Explanation = dict[str, Any]
"""The JSON object of `service_explain/5`: decision, rule, default, holds, root, cut_short,
inferences, nodes."""

Flip = dict[str, Any]
"""The JSON object of `service_flip/5`: wanted, from, to, status, changes, verified, lower_bound,
cut_short, steps, inferences."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a loaded program is about.

    `propositions` are the observable ones, in the order in which facts give their values;
    `derived` those that only rules decide; `user` the indicators of `user.pl` (`vehicle/1`);
    `warnings` what `check` has to say of a program that is sound.
    """

    propositions: tuple[str, ...]
    derived: tuple[str, ...]
    classes: tuple[str, ...]
    policy: str
    default: str | None
    rules: int
    user: tuple[str, ...]
    warnings: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Solution:
    """One solution of a query: its variables by name, as text that reads back, and its proof."""

    bindings: tuple[tuple[str, str], ...]
    proof: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Summary:
    """How a query ended: solutions handed out, whether there may be more, inferences spent."""

    solutions: int
    more: bool
    inferences: int


_ERRORS: dict[str, type[ProofsightError]] = {
    error.reason: error
    for error in (BadFacts, BadGoal, UnsafeGoal, InferenceLimit, TimeLimit, MemoryLimit)
}

_DEATHS: dict[Cause, tuple[type[ProofsightError], str]] = {
    Cause.TIME: (
        TimeLimit,
        "Prolog did not stop at its time limit, so its worker was stopped; ask a goal that "
        "takes less, or allow more time",
    ),
    Cause.CLOSED: (
        Draining,
        "the Prolog workers were stopped before the answer; ask again elsewhere or later",
    ),
    Cause.MEMORY: (
        MemoryLimit,
        "the goal outgrew the memory of its worker, which was stopped; ask a goal that "
        "holds less at a time",
    ),
}


def parse(payload: bytes) -> dict[str, Any]:
    """The JSON object that a worker sent.

    Raises
    ------
    ProofsightError
        Where it is none.
    """
    try:
        answer = json.loads(payload)
    except ValueError as error:
        raise ProofsightError(f"a worker's answer is not JSON: {error}") from error
    if not isinstance(answer, dict):
        raise ProofsightError("a worker's answer is not a JSON object")
    return answer


def accepted(payload: bytes, description: Description | None = None) -> dict[str, Any]:
    """The JSON object that a worker sent, unless it tells an error.

    Raises
    ------
    ProofsightError
        The error, as its own class.
    """
    answer = parse(payload)
    if "error" in answer:
        raise _error(answer["error"], description)
    return answer


def describe(answer: Mapping[str, Any]) -> Description:
    """What `service_load/4` says of the program."""
    return Description(
        propositions=tuple(answer["propositions"]),
        derived=tuple(answer["derived"]),
        classes=tuple(answer["classes"]),
        policy=answer["policy"],
        default=answer["default"],
        rules=answer["rules"],
        user=tuple(answer["user"]),
        warnings=tuple(map(_issue, answer.get("issues", ()))),
    )


def solution(payload: bytes) -> Solution:
    """What `service_query/6` emitted."""
    emitted = parse(payload)
    bindings = tuple((name, value) for name, value in emitted["bindings"])
    return Solution(bindings, emitted.get("proof"))


def summary(answer: Mapping[str, Any]) -> Summary:
    """What `service_query/6` answered."""
    return Summary(answer["solutions"], answer["more"], answer["inferences"])


def death(died: Died) -> ProofsightError:
    """The error for a request whose worker died."""
    if died.cause in _DEATHS:
        kind, message = _DEATHS[died.cause]
        return kind(message)
    status = "" if died.status is None else f" with exit status {died.status}"
    said = f"; its last words: {died.last_words}" if died.last_words else ""
    return WorkerLost(
        f"a Prolog worker {died.cause.value}{status}{said}; ask again",
        status=died.status,
        last_words=died.last_words,
    )


def _error(error: Mapping[str, Any], description: Description | None) -> ProofsightError:
    reason, message = error["reason"], error["message"]
    metadata = error.get("metadata", {})
    if reason == UnknownClass.reason and description is not None:
        return UnknownClass(metadata["name"], description.classes)
    if reason == BadProgram.reason:
        issues = [_issue(issue) for issue in error.get("issues", ())]
        return BadProgram(message, issues, **metadata)
    if reason in _ERRORS:
        return _ERRORS[reason](message, **metadata)
    return ProofsightError(message, reason=reason, **metadata)


def _issue(issue: Mapping[str, Any]) -> Issue:
    # By its name alone: the directory may be a copy, whose place means nothing to anyone.
    return Issue(
        severity=issue["severity"],
        code=issue["code"],
        file=PurePath(issue["file"]).name,
        line=issue["line"],
        column=issue["column"],
        message=issue["message"],
    )
