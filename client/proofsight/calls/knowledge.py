"""What the server knows, and whether it lives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from grpc_health.v1 import health_pb2

from proofsight import parsing
from proofsight.calls.shapes import Paged, Unary
from proofsight.knowledge import (
    CheckReport,
    CreatedRevision,
    KnowledgeBase,
    Program,
    Revision,
    Rule,
)
from proofsight.names import resource
from proofsight.v1 import knowledge_bases_pb2

KNOWLEDGE_BASES: Final = "/proofsight.v1.KnowledgeBases"


def knowledge_bases(*, timeout: float | None = None) -> Paged[KnowledgeBase]:
    """The knowledge bases of the server, by name."""

    def request(token: str) -> bytes:
        message = knowledge_bases_pb2.ListKnowledgeBasesRequest(page_token=token)
        return message.SerializeToString()

    def read(data: bytes) -> tuple[list[KnowledgeBase], str]:
        page = knowledge_bases_pb2.ListKnowledgeBasesResponse.FromString(data)
        return list(map(parsing.knowledge_base, page.knowledge_bases)), page.next_page_token

    return Paged(f"{KNOWLEDGE_BASES}/ListKnowledgeBases", request, read, timeout)


def revision(kb: str, *, timeout: float | None = None) -> Unary[Revision]:
    """A revision of a knowledge base: `digits` (its newest) or `digits/3`.

    Raises UnknownKnowledgeBase and UnknownRevision; InvalidArgument for what is no name of one, as
    every call does that takes `kb`.
    """
    message = knowledge_bases_pb2.GetRevisionRequest(name=resource(kb))
    return Unary(
        f"{KNOWLEDGE_BASES}/GetRevision",
        message.SerializeToString(),
        lambda data: parsing.revision(knowledge_bases_pb2.Revision.FromString(data)),
        timeout,
    )


def rules(kb: str, class_name: str | None = None, *, timeout: float | None = None) -> Paged[Rule]:
    """The rules of a revision in the order of the program; of one class, with their exceptions.

    Raises UnknownKnowledgeBase, UnknownRevision and UnknownClass.
    """
    parent = resource(kb)

    def request(token: str) -> bytes:
        return knowledge_bases_pb2.ListRulesRequest(
            parent=parent, page_token=token, page_size=1000, class_name=class_name or ""
        ).SerializeToString()

    def read(data: bytes) -> tuple[list[Rule], str]:
        page = knowledge_bases_pb2.ListRulesResponse.FromString(data)
        return list(map(parsing.rule, page.rules)), page.next_page_token

    return Paged(f"{KNOWLEDGE_BASES}/ListRules", request, read, timeout)


def export(kb: str, *, timeout: float | None = None) -> Unary[Program]:
    """The files of a revision's program, as they were loaded.

    Raises UnknownKnowledgeBase and UnknownRevision.
    """
    message = knowledge_bases_pb2.ExportProgramRequest(name=resource(kb))
    return Unary(
        f"{KNOWLEDGE_BASES}/ExportProgram",
        message.SerializeToString(),
        lambda data: parsing.program(knowledge_bases_pb2.ExportProgramResponse.FromString(data)),
        timeout,
    )


def check(
    kb: str, files: Mapping[str, str | Path], *, timeout: float | None = None
) -> Unary[CheckReport]:
    """Whether program text would be accepted in the place of a revision's own; changes nothing.

    `files` maps `rules.pl`, `labels.pl` or `user.pl` to their text, or to the path of a file.
    Text that would be refused is an answer, with `ok` False.

    Raises UnknownKnowledgeBase, UnknownRevision, InvalidArgument for a file of another name, and
    OSError for a path that cannot be read.
    """
    message = knowledge_bases_pb2.CheckProgramRequest(
        name=resource(kb),
        files=_program_files(files),
    )
    return Unary(
        f"{KNOWLEDGE_BASES}/CheckProgram",
        message.SerializeToString(),
        lambda data: parsing.check_report(
            knowledge_bases_pb2.CheckProgramResponse.FromString(data)
        ),
        timeout,
    )


def create_revision(
    kb: str,
    files: Mapping[str, str | Path],
    *,
    etag: str = "",
    author: str = "",
    note: str = "",
    validate_only: bool = False,
    timeout: float | None = None,
) -> Unary[CreatedRevision]:
    """Publish program text in the place of a revision's own as the next revision.

    It is checked first, and measured where the server can open the data. `files` is as `check`
    takes it; `etag`, that of the revision as it was read, has the call fail where somebody
    changed it meanwhile; `validate_only` checks and measures, and publishes nothing.

    Raises BadProgram, whose `findings` say where; Aborted for a stale etag; InvalidArgument
    where nothing was changed; and as `check` does.
    """
    message = knowledge_bases_pb2.CreateRevisionRequest(
        parent=resource(kb),
        files=_program_files(files),
        etag=etag,
        author=author,
        note=note,
        validate_only=validate_only,
    )
    return Unary(
        f"{KNOWLEDGE_BASES}/CreateRevision",
        message.SerializeToString(),
        lambda data: parsing.created_revision(
            knowledge_bases_pb2.CreateRevisionResponse.FromString(data)
        ),
        timeout,
    )


def _program_files(files: Mapping[str, str | Path]) -> list[knowledge_bases_pb2.ProgramFile]:
    return [
        knowledge_bases_pb2.ProgramFile(
            path=name,
            text=content if isinstance(content, str) else content.read_text(encoding="utf-8"),
        )
        for name, content in files.items()
    ]


def health(service: str = "", *, timeout: float | None = None) -> Unary[bool]:
    """Whether the server lives or, with a service's full name, whether that service is ready.

    Services are `proofsight.v1.Explanations` and its like. Raises NotFound for one that the
    server does not have, and Unavailable where there is no server.
    """
    return Unary(
        "/grpc.health.v1.Health/Check",
        health_pb2.HealthCheckRequest(service=service).SerializeToString(),
        lambda data: (
            health_pb2.HealthCheckResponse.FromString(data).status
            == health_pb2.HealthCheckResponse.SERVING
        ),
        timeout,
    )
