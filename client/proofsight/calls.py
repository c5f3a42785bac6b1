"""Every call, described once: how its request is built and how its answer is read.

The functions here are pure. `Client` and `AsyncClient` turn each into a method of the same name
and parameters; they differ only in how bytes travel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

from grpc_health.v1 import health_pb2

from proofsight import parsing
from proofsight.answers import Classification, QuerySummary, Solution, Why
from proofsight.errors import InvalidArgument
from proofsight.facts import Facts
from proofsight.image import ImageLike, Subject, image_message
from proofsight.knowledge import CheckReport, KnowledgeBase, Program, Revision, Rule
from proofsight.names import resource
from proofsight.v1 import explanations_pb2, facts_pb2, knowledge_bases_pb2

R = TypeVar("R")
T = TypeVar("T")

EXPLANATIONS = "/proofsight.v1.Explanations"
FACTS = "/proofsight.v1.Facts"
KNOWLEDGE_BASES = "/proofsight.v1.KnowledgeBases"
_LENGTH_DELIMITED = 2


@dataclass(frozen=True, slots=True)
class Unary(Generic[R]):
    """One request, one answer. `timeout` in seconds; None: the client's own."""

    method: str
    request: bytes
    read: Callable[[bytes], R]
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Paged(Generic[T]):
    """A list that comes in pages; `request` and `read` take and give the page's token."""

    method: str
    request: Callable[[str], bytes]
    read: Callable[[bytes], tuple[list[T], str]]
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Streamed(Generic[T]):
    """One request, many answers."""

    method: str
    request: bytes
    read: Callable[[bytes], T]
    timeout: float | None = None


# --- knowledge bases --------------------------------------------------------


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

    Raises UnknownKnowledgeBase and UnknownRevision.
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
    """The files of a revision's program, as they are. Raises UnknownKnowledgeBase."""
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
    """
    message = knowledge_bases_pb2.CheckProgramRequest(
        name=resource(kb),
        files=[
            knowledge_bases_pb2.ProgramFile(
                path=name,
                text=content if isinstance(content, str) else content.read_text(encoding="utf-8"),
            )
            for name, content in files.items()
        ],
    )
    return Unary(
        f"{KNOWLEDGE_BASES}/CheckProgram",
        message.SerializeToString(),
        lambda data: parsing.check_report(
            knowledge_bases_pb2.CheckProgramResponse.FromString(data)
        ),
        timeout,
    )


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


# --- facts ------------------------------------------------------------------


def facts(
    image: ImageLike, kb: str, *, with_regions: bool = False, timeout: float | None = None
) -> Unary[Facts]:
    """The facts of one image. Raises BadImage, BadTensor and UnknownKnowledgeBase."""
    message = facts_pb2.TranslateImageRequest(
        name=resource(kb), image=image_message(image), with_regions=with_regions
    )
    return Unary(
        f"{FACTS}/TranslateImage",
        message.SerializeToString(),
        lambda data: parsing.facts(facts_pb2.TranslateImageResponse.FromString(data).facts),
        timeout,
    )


# --- explanations -----------------------------------------------------------


def classify(
    image: Subject, kb: str | None = None, *, timeout: float | None = None
) -> Unary[Classification]:
    """What the network says and what the program says of an image, without a proof.

    `kb` may be left out with facts, which name their own revision.
    Raises BadImage, BadTensor, BadFacts and UnknownKnowledgeBase.
    """
    message = explanations_pb2.ClassifyRequest(name=_name(kb, image))
    return Unary(
        f"{EXPLANATIONS}/Classify",
        message.SerializeToString() + _subject(image),
        lambda data: parsing.classification(explanations_pb2.ClassifyResponse.FromString(data)),
        timeout,
    )


def why(
    image: Subject,
    kb: str | None = None,
    class_name: str | None = None,
    goal: str | None = None,
    *,
    max_nodes: int = 0,
    with_facts: bool = False,
    with_regions: bool = False,
    timeout: float | None = None,
) -> Unary[Why]:
    """Why the program decided as it did, why a class holds, or why a ground goal holds.

    Where it does not hold, the answer has `holds` False and the refutation as its proof.

    Parameters
    ----------
    image
        A path, the bytes of a PNG, JPEG or WebP file, an array (uint8 pixels or float32
        network input), or facts of an earlier answer.
    kb
        `digits` (its newest revision) or `digits/3`; with facts it may be left out.
    class_name, goal
        What to explain, one of them at most; the variable `Image` of a goal is the image.
        Neither: the program's own decision.
    max_nodes
        Most nodes of the proof; 0: the server's limit.
    with_facts
        Whether the answer carries the facts, for further questions without the image.
    with_regions
        Whether evidence says where in the image a value comes from.

    Raises
    ------
    UnknownClass, UnknownKnowledgeBase, UnknownRevision
        A name that the server does not have.
    BadGoal, UnsafeGoal
        A goal that does not parse, or that calls what it may not.
    BadImage, BadTensor, BadFacts
        An image or facts that do not fit.
    """
    if class_name is not None and goal is not None:
        raise InvalidArgument(
            f"why takes class_name ({class_name!r}) or goal ({goal!r}), not both",
            "INVALID_ARGUMENT",
            "BAD_OPTION",
            {"field": "target"},
        )
    return _explain(
        "why", image, kb, class_name, goal, max_nodes, with_facts, with_regions, timeout
    )


def why_not(
    image: Subject,
    class_name: str,
    kb: str | None = None,
    *,
    max_nodes: int = 0,
    with_facts: bool = False,
    with_regions: bool = False,
    timeout: float | None = None,
) -> Unary[Why]:
    """Why a class was not inferred: its refutation. As `why`, but for the heading of the text."""
    return _explain(
        "why_not", image, kb, class_name, None, max_nodes, with_facts, with_regions, timeout
    )


def _explain(
    asked: Literal["why", "why_not"],
    image: Subject,
    kb: str | None,
    class_name: str | None,
    goal: str | None,
    max_nodes: int,
    with_facts: bool,
    with_regions: bool,
    timeout: float | None,
) -> Unary[Why]:
    message = explanations_pb2.ExplainRequest(
        name=_name(kb, image),
        class_name=class_name,
        goal=goal,
        max_nodes=max_nodes,
        with_facts=with_facts,
        with_regions=with_regions,
    )

    def read(data: bytes) -> Why:
        answer = explanations_pb2.ExplainResponse.FromString(data)
        return Why(
            answer.revision,
            answer.etag,
            parsing.decision(answer.decision),
            parsing.predictions(answer.predictions),
            answer.holds,
            parsing.proof(answer.proof),
            parsing.facts(answer.facts) if answer.HasField("facts") else None,
            asked,
        )

    return Unary(
        f"{EXPLANATIONS}/Explain", message.SerializeToString() + _subject(image), read, timeout
    )


def query(
    goal: str,
    image: Subject | None = None,
    kb: str | None = None,
    *,
    max_solutions: int = 0,
    max_inferences: int = 0,
    with_proofs: bool = False,
    timeout: float | None = None,
) -> Streamed[Solution | QuerySummary]:
    """The solutions of a Prolog goal, one by one as they are found.

    Parameters
    ----------
    goal
        Without the final full stop; the variable `Image` is the image.
    image
        As in `why`; None for goals that need no image.
    max_solutions, max_inferences
        0: the server's limits, which also bound them from above.
    with_proofs
        Whether each solution comes with its proof.

    Raises
    ------
    BadGoal, UnsafeGoal, InferenceLimit, MemoryLimit, DeadlineExceeded
        While solutions are read, not before.
    """
    message = explanations_pb2.QueryRequest(
        name=_name(kb, image),
        goal=goal,
        max_solutions=max_solutions,
        max_inferences=max_inferences,
        with_proofs=with_proofs,
    )

    def read(data: bytes) -> Solution | QuerySummary:
        answer = explanations_pb2.QueryResponse.FromString(data)
        if answer.HasField("summary"):
            return parsing.summary(answer.summary)
        return parsing.solution(answer.solution)

    subject = b"" if image is None else _subject(image)
    return Streamed(f"{EXPLANATIONS}/Query", message.SerializeToString() + subject, read, timeout)


# --- what a question is about -----------------------------------------------


def _name(kb: str | None, image: Subject | None) -> str:
    if kb is not None:
        return resource(kb)
    if isinstance(image, Facts) and image.revision:
        return image.revision
    raise InvalidArgument(
        "which knowledge base? pass kb=, such as kb='digits'; only facts that a server gave name "
        "their own",
        "INVALID_ARGUMENT",
        "BAD_OPTION",
        {"field": "kb"},
    )


def _subject(image: Subject) -> bytes:
    """The encoded field `subject` of a request, to be appended to the rest of the message.

    Messages that follow each other merge, says the encoding; so a large image is not copied
    from message to message, and facts are encoded once, however often they are asked about.
    """
    if not isinstance(image, Facts):
        return _field(2, explanations_pb2.Subject(image=image_message(image)))
    if not image._encoded:
        subject = explanations_pb2.Subject(facts=parsing.facts_message(image))
        object.__setattr__(image, "_encoded", _field(2, subject))
    return image._encoded


def _field(number: int, message: explanations_pb2.Subject) -> bytes:
    body = message.SerializeToString()
    head = bytearray([number << 3 | _LENGTH_DELIMITED])
    size = len(body)
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    head.append(size)
    return bytes(head) + body
