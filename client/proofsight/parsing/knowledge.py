"""What a server has: knowledge bases, revisions, programs, findings."""

from __future__ import annotations

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
from proofsight.parsing.structs import json_object
from proofsight.v1 import knowledge_bases_pb2


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
