"""Answers of the Prolog workers, and facts, as messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from proofsight.v1 import explanations_pb2, facts_pb2, proof_pb2
from proofsight_server.serving.hosting import Host, Verdict
from proofsight_server.serving.subjects import Box, Subject

KINDS: Final = {
    "decision": proof_pb2.GOAL_KIND_DECISION,
    "class": proof_pb2.GOAL_KIND_CLASS,
    "rule": proof_pb2.GOAL_KIND_RULE,
    "active": proof_pb2.GOAL_KIND_ACTIVE,
    "not": proof_pb2.GOAL_KIND_NOT,
    "at_least": proof_pb2.GOAL_KIND_AT_LEAST,
    "exception": proof_pb2.GOAL_KIND_EXCEPTION,
    "user": proof_pb2.GOAL_KIND_USER,
    "builtin": proof_pb2.GOAL_KIND_BUILTIN,
    "default": proof_pb2.GOAL_KIND_DEFAULT,
    "score": proof_pb2.GOAL_KIND_SCORE,
    "points": proof_pb2.GOAL_KIND_POINTS,
}
STATUSES: Final = {
    "PROVED": proof_pb2.PROOF_STATUS_PROVED,
    "FACT": proof_pb2.PROOF_STATUS_FACT,
    "ABSENT": proof_pb2.PROOF_STATUS_ABSENT,
    "CUT_SHORT": proof_pb2.PROOF_STATUS_CUT_SHORT,
}


def proof(host: Host, answer: Mapping[str, Any], regions: Mapping[str, Box]) -> proof_pb2.Proof:
    """The proof in a worker's answer."""
    return proof_pb2.Proof(
        nodes=[_node(host, node, regions) for node in answer["nodes"]],
        root=answer["root"],
        cut_short=answer["cut_short"],
    )


def _node(host: Host, node: Mapping[str, Any], regions: Mapping[str, Box]) -> proof_pb2.ProofNode:
    message = proof_pb2.ProofNode(
        goal=node["goal"],
        kind=KINDS[node["kind"]],
        status=STATUSES[node["status"]],
        rule=node.get("rule", ""),
        children=node.get("children", ()),
        class_name=node.get("class", ""),
        label=node.get("label", ""),
        circuit=node.get("circuit", ""),
        points=node.get("points", 0),
        left_out=node.get("left_out", 0),
    )
    if "score" in node:
        message.score.CopyFrom(proof_pb2.Score(**node["score"]))
    if "value" in node:
        _fill_evidence(host, message.evidence, node, regions)
    if "count" in node:
        needed, holding, total = node["count"]
        message.count.needed, message.count.holding, message.count.total = needed, holding, total
    return message


def _fill_evidence(
    host: Host,
    evidence: proof_pb2.Evidence,
    node: Mapping[str, Any],
    regions: Mapping[str, Box],
) -> None:
    name = node["proposition"]
    margin = node["value"] - node["threshold"]
    evidence.proposition = name
    evidence.value = node["value"]
    evidence.threshold = node["threshold"]
    evidence.margin = margin
    scale = host.scale(name)
    if scale:
        evidence.deviations = margin / scale
    if name in regions:
        evidence.region.CopyFrom(region(regions[name]))


def region(box: Box) -> facts_pb2.Region:
    """A box as a message."""
    left, top, right, bottom = box
    return facts_pb2.Region(left=left, top=top, right=right, bottom=bottom)


def predictions(ranked: Sequence[tuple[str, float]]) -> list[facts_pb2.Prediction]:
    """The network's classes as messages."""
    return [
        facts_pb2.Prediction(class_name=name, probability=probability)
        for name, probability in ranked
    ]


def facts(host: Host, subject: Subject, *, named: bool) -> facts_pb2.ImageFacts:
    """A subject as a message; what was not observed is left out."""
    observed = ~np.isnan(subject.values)
    whole = bool(observed.all())
    names: Sequence[str] = host.propositions
    if not whole:
        names = [name for name, here in zip(names, observed, strict=True) if here]
    message = facts_pb2.ImageFacts(
        revision=str(host.name),
        quantiser_etag=host.revision.quantiser_etag,
        propositions=names if named or not whole else (),
        values=(subject.values if whole else subject.values[observed]).tolist(),
        predictions=predictions(subject.predictions),
        measured_propositions=[name for name, _ in subject.measured],
        measured_values=[value for _, value in subject.measured],
    )
    if subject.regions:
        message.regions.extend(region(subject.regions[name]) for name in names)
    return message


def decision(verdict: Verdict) -> explanations_pb2.Decision:
    """The program's decision as a message."""
    return explanations_pb2.Decision(
        class_name=verdict.class_name or "",
        rule=verdict.rule or "",
        by_default=verdict.by_default,
    )
