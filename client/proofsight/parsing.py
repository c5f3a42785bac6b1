"""From messages to the values that callers see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf.struct_pb2 import ListValue, Struct, Value

from proofsight.answers import Classification, Decision, InteractionSum, QuerySummary, Solution
from proofsight.facts import Facts, Prediction, Region
from proofsight.flip import Change, Direction, Flip, FlipStatus
from proofsight.knowledge import (
    CheckReport,
    CreatedRevision,
    Finding,
    KnowledgeBase,
    Layer,
    Program,
    Proposition,
    Revision,
    Rule,
)
from proofsight.proof import Count, Evidence, Kind, Node, Proof, Score, Status
from proofsight.v1 import (
    explanations_pb2,
    facts_pb2,
    knowledge_bases_pb2,
    proof_pb2,
)

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


# --- facts ------------------------------------------------------------------


def predictions(messages: Iterable[facts_pb2.Prediction]) -> tuple[Prediction, ...]:
    """The network's classes by falling probability."""
    return tuple(Prediction(message.class_name, message.probability) for message in messages)


def region(message: facts_pb2.Region) -> Region:
    """A rectangle of the input."""
    return Region(message.left, message.top, message.right, message.bottom)


def facts(message: facts_pb2.ImageFacts) -> Facts:
    """What the network saw in one image."""
    return Facts(
        propositions=tuple(message.propositions),
        values=tuple(message.values),
        predictions=predictions(message.predictions),
        regions=tuple(map(region, message.regions)),
        revision=message.revision,
        quantiser_etag=message.quantiser_etag,
        measured=tuple(zip(message.measured_propositions, message.measured_values, strict=True)),
    )


def facts_message(value: Facts) -> facts_pb2.ImageFacts:
    """The inverse of `facts`."""
    return facts_pb2.ImageFacts(
        revision=value.revision,
        quantiser_etag=value.quantiser_etag,
        propositions=value.propositions,
        values=value.values,
        predictions=[
            facts_pb2.Prediction(class_name=name, probability=share)
            for name, share in value.predictions
        ],
        regions=[
            facts_pb2.Region(left=r.left, top=r.top, right=r.right, bottom=r.bottom)
            for r in value.regions
        ],
        measured_propositions=[name for name, _ in value.measured],
        measured_values=[number for _, number in value.measured],
    )


# --- proofs and answers -----------------------------------------------------


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


# --- knowledge --------------------------------------------------------------


def knowledge_base(message: knowledge_bases_pb2.KnowledgeBase) -> KnowledgeBase:
    """A named line of revisions."""
    return KnowledgeBase(
        message.name,
        message.latest_revision,
        tuple(message.revisions),
        message.ready,
        message.problem,
    )


def revision(message: knowledge_bases_pb2.Revision) -> Revision:
    """A model, its quantiser, its program, and what was measured of them."""
    return Revision(
        name=message.name,
        etag=message.etag,
        quantiser_etag=message.quantiser_etag,
        classes=tuple(message.classes),
        layers=tuple(
            Layer(layer.atom, layer.module, layer.kind, layer.size, layer.reads)
            for layer in message.layers
        ),
        propositions=tuple(
            Proposition(p.name, p.layer, p.feature, p.threshold, p.label, p.derived_only)
            for p in message.propositions
        ),
        policy=message.policy,
        default_class=message.default_class or None,
        rule_count=message.rule_count,
        edited_since_measured=message.edited_since_measured,
        figures=json_object(message.figures),
        input_shape=tuple(message.input_shape),
        base_points={name: message.base_points[name] for name in sorted(message.base_points)},
    )


def rule(message: knowledge_bases_pb2.Rule) -> Rule:
    """One clause."""
    return Rule(
        message.name,
        message.rule_id,
        message.class_name,
        message.text,
        json_object(message.stats),
        {name: message.labels[name] for name in sorted(message.labels)},
    )


def program(message: knowledge_bases_pb2.ExportProgramResponse) -> Program:
    """The files of a program."""
    return Program(message.revision, message.etag, {file.path: file.text for file in message.files})


def check_report(message: knowledge_bases_pb2.CheckProgramResponse) -> CheckReport:
    """What a check found."""
    return CheckReport(
        message.ok,
        tuple(
            Finding(f.severity, f.code, f.path, f.line, f.column, f.message)
            for f in message.findings
        ),
    )


def created_revision(message: knowledge_bases_pb2.CreateRevisionResponse) -> CreatedRevision:
    """What became of a changed program."""
    return CreatedRevision(
        message.name,
        message.etag,
        message.basis,
        message.why,
        json_object(message.figures),
        json_object(message.comparison),
        tuple(message.warnings),
    )


def json_object(message: Struct) -> dict[str, Any]:
    """The object of a JSON message, its members by name."""
    return {key: _plain(message.fields[key]) for key in sorted(message.fields)}


def _plain(value: Value) -> Any:
    """The value of a JSON message; whole numbers, which it cannot tell from others, as int."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return json_object(value.struct_value)
    if kind == "list_value":
        items: ListValue = value.list_value
        return [_plain(item) for item in items.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return None if kind in (None, "null_value") else getattr(value, kind)
