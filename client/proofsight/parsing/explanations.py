"""What a server explained: decisions, proofs, changes, solutions."""

from __future__ import annotations

from proofsight.answers import Classification, Decision, InteractionSum, QuerySummary, Solution
from proofsight.flip import Change, Direction, Flip, FlipStatus
from proofsight.node import Count, Evidence, Kind, Node, Score, Status
from proofsight.parsing.images import predictions, region
from proofsight.proof import Proof
from proofsight.v1 import explanations_pb2, proof_pb2

_KINDS = {
    number: Kind(name.removeprefix("GOAL_KIND_").lower())
    for name, number in proof_pb2.GoalKind.items()
}
_STATUSES = {
    number: Status(name.removeprefix("PROOF_STATUS_"))
    for name, number in proof_pb2.ProofStatus.items()
}
_FLIP_STATUSES = {
    number: FlipStatus(name.removeprefix("FLIP_STATUS_"))
    for name, number in explanations_pb2.FlipStatus.items()
}
_DIRECTIONS = {
    number: Direction(name.removeprefix("CHANGE_DIRECTION_").lower())
    for name, number in explanations_pb2.ChangeDirection.items()
}


def node(message: proof_pb2.ProofNode) -> Node:
    """One goal, and what became of it."""
    evidence: Evidence | None = None
    if message.HasField("evidence"):
        sent = message.evidence
        evidence = Evidence(
            sent.proposition,
            sent.value,
            sent.threshold,
            sent.margin,
            sent.deviations,
            region(sent.region) if sent.HasField("region") else None,
        )
    count: Count | None = None
    if message.HasField("count"):
        count = Count(message.count.needed, message.count.holding, message.count.total)
    return Node(
        message.goal,
        _KINDS.get(message.kind, Kind.UNSPECIFIED),
        _STATUSES.get(message.status, Status.UNSPECIFIED),
        message.rule,
        tuple(message.children),
        evidence,
        count,
        message.class_name,
        message.label,
        _score(message.score) if message.HasField("score") else None,
        message.points if message.kind == proof_pb2.GOAL_KIND_POINTS else None,
        message.left_out,
        message.circuit,
    )


def _score(message: proof_pb2.Score) -> Score:
    return Score(message.points, message.base, message.won, message.rival, message.margin)


def proof(message: proof_pb2.Proof) -> Proof:
    """A proof; its nodes are read when they are first asked for."""
    return Proof(lambda: tuple(map(node, message.nodes)), message.root, message.cut_short)


def interaction_sum(message: explanations_pb2.InteractionSum) -> InteractionSum:
    """How a score is the sum of interactions."""
    return InteractionSum(
        message.network,
        message.image_id,
        message.class_name,
        message.score,
        message.baseline,
        message.verdict,
        proof(message.proof),
    )


def decision(message: explanations_pb2.Decision) -> Decision:
    """The program's one answer."""
    return Decision(message.class_name or None, message.rule or None, message.by_default)


def flip(message: explanations_pb2.FlipResponse, wanted: str | None) -> Flip:
    """What would change the decision."""
    return Flip(
        message.revision,
        message.etag,
        wanted,
        decision(message.decision),
        predictions(message.predictions),
        _FLIP_STATUSES.get(message.status, FlipStatus.UNSPECIFIED),
        decision(message.flipped),
        tuple(map(_change, message.changes)),
        message.verified,
        message.lower_bound if message.HasField("lower_bound") else None,
        message.cut_short,
        message.steps,
        message.inferences,
    )


def _change(message: explanations_pb2.Change) -> Change:
    return Change(
        message.proposition,
        message.active_before,
        message.active_after,
        message.value,
        message.threshold,
        _DIRECTIONS.get(message.direction, Direction.UNSPECIFIED),
        message.limit if message.HasField("limit") else None,
        message.label,
    )


def classification(message: explanations_pb2.ClassifyResponse) -> Classification:
    """Two decisions."""
    return Classification(
        message.revision,
        message.etag,
        predictions(message.predictions),
        decision(message.decision),
    )


def solution(message: explanations_pb2.Solution) -> Solution:
    """Values for the goal's variables."""
    return Solution(
        {binding.variable: binding.value for binding in message.bindings},
        proof(message.proof) if message.HasField("proof") else None,
    )


def summary(message: explanations_pb2.QuerySummary) -> QuerySummary:
    """How a query ended."""
    return QuerySummary(
        message.revision, message.etag, message.solutions, message.more, message.inferences
    )
