"""What would change a decision, as messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from proofsight.v1 import explanations_pb2
from proofsight_server.serving import answers
from proofsight_server.serving.hosting import Host, Verdict
from proofsight_server.serving.subjects import Subject

STATUSES: Final = {
    "FOUND": explanations_pb2.FLIP_STATUS_FOUND,
    "IMPOSSIBLE": explanations_pb2.FLIP_STATUS_IMPOSSIBLE,
    "CUT_SHORT": explanations_pb2.FLIP_STATUS_CUT_SHORT,
}
DIRECTIONS: Final = {
    "above": explanations_pb2.CHANGE_DIRECTION_ABOVE,
    "at_most": explanations_pb2.CHANGE_DIRECTION_AT_MOST,
}


def response(
    host: Host, subject: Subject, answer: Mapping[str, Any]
) -> explanations_pb2.FlipResponse:
    """A worker's answer as a message."""
    return explanations_pb2.FlipResponse(
        revision=str(host.name),
        etag=host.etag,
        decision=_decision(answer["from"]),
        predictions=answers.predictions(subject.predictions),
        status=STATUSES[answer["status"]],
        flipped=_decision(answer["to"]),
        changes=[_change(change) for change in answer["changes"]],
        verified=answer["verified"],
        lower_bound=answer["lower_bound"],
        cut_short=answer["cut_short"],
        steps=answer["steps"],
        inferences=answer["inferences"],
    )


def _decision(winner: Mapping[str, Any]) -> explanations_pb2.Decision:
    return answers.decision(Verdict(winner["class"], winner["rule"], winner["default"]))


def _change(change: Mapping[str, Any]) -> explanations_pb2.Change:
    return explanations_pb2.Change(
        proposition=change["proposition"],
        active_before=change["from"],
        active_after=change["to"],
        value=change["value"],
        threshold=change["threshold"],
        direction=DIRECTIONS[change["direction"]],
        limit=change.get("limit"),
        label=change.get("label", ""),
    )
