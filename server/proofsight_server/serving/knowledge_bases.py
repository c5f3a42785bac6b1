"""The KnowledgeBases service: what there is, its rules, its files, and whether text would do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from google.protobuf import struct_pb2

from proofsight.v1 import knowledge_bases_pb2, knowledge_bases_pb2_grpc
from proofsight_server.errors import BadOption, UnknownClass
from proofsight_server.knowledge.revision import EDITABLE_FILES, Revision, check_files
from proofsight_server.knowledge.source import feature_term, rule_text
from proofsight_server.rules.program import ClassHead, ExceptionHead, PointsHead, Rule
from proofsight_server.serving.calls import Calls
from proofsight_server.serving.catalogue import Catalogue
from proofsight_server.serving.configuration import Configuration
from proofsight_server.serving.hosting import Host
from proofsight_server.serving.names import RevisionName
from proofsight_server.serving.paging import page
from proofsight_server.serving.publishing import Change, Publisher
from proofsight_server.serving.status import Context


class KnowledgeBases(knowledge_bases_pb2_grpc.KnowledgeBasesServicer):
    """Tells what the catalogue holds."""

    def __init__(self, catalogue: Catalogue, settings: Configuration, calls: Calls) -> None:
        self._catalogue = catalogue
        self._calls = calls
        self._publisher = Publisher(catalogue, settings)

    async def ListKnowledgeBases(
        self,
        request: knowledge_bases_pb2.ListKnowledgeBasesRequest,
        context: Context,
    ) -> knowledge_bases_pb2.ListKnowledgeBasesResponse:
        """The knowledge bases of the repository, by name."""
        async with self._calls.call(context):
            names = await asyncio.to_thread(self._catalogue.repository.knowledge_bases)
            here, token = page(names, size=request.page_size, token=request.page_token)
            return knowledge_bases_pb2.ListKnowledgeBasesResponse(
                knowledge_bases=[await self._knowledge_base(name) for name in here],
                next_page_token=token,
            )

    async def _knowledge_base(self, kb: str) -> knowledge_bases_pb2.KnowledgeBase:
        revisions = await asyncio.to_thread(self._catalogue.repository.revisions, kb)
        latest = RevisionName(kb, max(revisions, default=None))
        return knowledge_bases_pb2.KnowledgeBase(
            name=f"knowledgeBases/{kb}",
            latest_revision=str(latest) if revisions else "",
            revisions=revisions,
            ready=latest.number is not None and self._catalogue.serves(kb) == latest.number,
            problem=self._catalogue.problem(kb),
        )

    async def GetRevision(
        self,
        request: knowledge_bases_pb2.GetRevisionRequest,
        context: Context,
    ) -> knowledge_bases_pb2.Revision:
        """One revision."""
        async with self._calls.call(context), self._catalogue.use(request.name) as host:
            return _revision(host)

    async def ListRules(
        self,
        request: knowledge_bases_pb2.ListRulesRequest,
        context: Context,
    ) -> knowledge_bases_pb2.ListRulesResponse:
        """The rules of a revision, in the order of the program."""
        async with self._calls.call(context), self._catalogue.use(request.parent) as host:
            rules = _rules_of(host.revision, request.class_name)
            here, token = page(
                rules,
                size=request.page_size,
                token=request.page_token,
                stamp=f"{host.etag}/{request.class_name}",
            )
            return knowledge_bases_pb2.ListRulesResponse(
                rules=[_rule(host, rule) for rule in here], next_page_token=token
            )

    async def ExportProgram(
        self,
        request: knowledge_bases_pb2.ExportProgramRequest,
        context: Context,
    ) -> knowledge_bases_pb2.ExportProgramResponse:
        """The files that this server loaded."""
        async with self._calls.call(context), self._catalogue.use(request.name) as host:
            files = await asyncio.to_thread(host.files)
            return knowledge_bases_pb2.ExportProgramResponse(
                revision=str(host.name),
                etag=host.etag,
                files=[
                    knowledge_bases_pb2.ProgramFile(path=path, text=text)
                    for path, text in files.items()
                ],
            )

    async def CheckProgram(
        self,
        request: knowledge_bases_pb2.CheckProgramRequest,
        context: Context,
    ) -> knowledge_bases_pb2.CheckProgramResponse:
        """What a check of the revision's files finds, with the given ones in their places."""
        async with self._calls.call(context), self._catalogue.use(request.name) as host:
            files = await asyncio.to_thread(host.files)
            files.update(_edited(request.files))
            encoded = {path: text.encode() for path, text in files.items()}
            source = await asyncio.to_thread(check_files, Path(), encoded, host.network.classes)
            issues = source.issues
            ranked = sorted(issues, key=lambda i: (i.severity != "error", i.file, i.line, i.column))
            return knowledge_bases_pb2.CheckProgramResponse(
                ok=all(issue.severity != "error" for issue in issues),
                findings=[
                    knowledge_bases_pb2.Finding(
                        severity=issue.severity,
                        code=issue.code,
                        path=issue.file,
                        line=issue.line,
                        column=issue.column,
                        message=issue.message,
                    )
                    for issue in ranked
                ],
            )

    async def CreateRevision(
        self,
        request: knowledge_bases_pb2.CreateRevisionRequest,
        context: Context,
    ) -> knowledge_bases_pb2.CreateRevisionResponse:
        """The next revision, which answers as soon as it is loaded."""
        async with self._calls.call(context):
            change = Change(
                RevisionName.parse(request.parent),
                _edited(request.files),
                request.etag,
                request.author,
                request.note,
                publish=not request.validate_only,
            )
            revised = await self._publisher(change)
            made = revised.revision
            return knowledge_bases_pb2.CreateRevisionResponse(
                name=str(RevisionName(change.parent.kb, int(made.directory.name))) if made else "",
                etag=made.etag if made else "",
                basis=revised.basis,
                why=revised.why,
                figures=_struct(revised.figures),
                comparison=_struct(revised.comparison.to_json()),
                warnings=revised.warnings,
            )


def _edited(files: Iterable[knowledge_bases_pb2.ProgramFile]) -> dict[str, str]:
    """Edited files by name. Raises BadOption for what is no file to edit, or comes twice."""
    texts: dict[str, str] = {}
    for file in files:
        if file.path not in EDITABLE_FILES or file.path in texts:
            told = "comes twice" if file.path in texts else "is no file of a program"
            raise BadOption(
                f"{file.path!r} {told}; use each of {', '.join(EDITABLE_FILES)} at most once",
                field="files",
                path=file.path,
            )
        texts[file.path] = file.text
    return texts


def _revision(host: Host) -> knowledge_bases_pb2.Revision:
    revision = host.revision
    return knowledge_bases_pb2.Revision(
        name=str(host.name),
        etag=host.etag,
        quantiser_etag=revision.quantiser_etag,
        classes=host.network.classes,
        layers=[
            knowledge_bases_pb2.Layer(
                atom=layer.atom,
                module=layer.module,
                kind=layer.kind,
                size=layer.size,
                reads=layer.reads,
            )
            for layer in revision.quantisation.layers
        ],
        propositions=[
            knowledge_bases_pb2.Proposition(
                name=proposition.name,
                layer=proposition.layer,
                feature=feature_term(proposition),
                threshold=proposition.threshold or 0.0,
                label=revision.labels.get(proposition.name, ""),
                derived_only=proposition.feature is None,
            )
            for proposition in revision.quantisation.propositions
        ],
        policy=revision.program.policy,
        default_class=revision.program.default or "",
        rule_count=len(revision.program.rules),
        edited_since_measured=revision.edited_since_measured,
        figures=None if revision.edited_since_measured else _struct(revision.manifest.figures),
        input_shape=host.network.input_shape,
        base_points=dict(revision.program.bases),
    )


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(values)
    return struct


def _rules_of(revision: Revision, class_name: str) -> list[Rule]:
    """All rules, or those of one class with their exceptions, in the order of the program."""
    rules = revision.program.rules
    if not class_name:
        return list(rules)
    if class_name not in revision.program.classes:
        raise UnknownClass(class_name, revision.program.classes)
    wanted = {rule.id for rule in rules if _class_of(rule) == class_name}
    grown = True
    while grown:
        more = {
            rule.id
            for rule in rules
            if isinstance(rule.head, ExceptionHead) and rule.head.rule in wanted
        }
        grown = not more <= wanted
        wanted |= more
    return [rule for rule in rules if rule.id in wanted]


def _class_of(rule: Rule) -> str:
    """The class that a rule concludes or gives points; empty for other rules."""
    return rule.head.name if isinstance(rule.head, ClassHead | PointsHead) else ""


def _rule(host: Host, rule: Rule) -> knowledge_bases_pb2.Rule:
    return knowledge_bases_pb2.Rule(
        name=f"{host.name}/rules/{rule.id}",
        rule_id=rule.id,
        class_name=_class_of(rule),
        text=rule_text(rule),
        stats=_struct(dict(rule.stats)),
        labels={
            literal.proposition: host.revision.labels[literal.proposition]
            for literal in rule.literals()
            if literal.proposition in host.revision.labels
        },
    )
