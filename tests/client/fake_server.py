"""A small server, real gRPC over a real socket, that answers what a test tells it to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import any_pb2, struct_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from proofsight.v1 import (
    explanations_pb2 as explanations,
)
from proofsight.v1 import (
    explanations_pb2_grpc,
    facts_pb2_grpc,
    knowledge_bases_pb2_grpc,
    proof_pb2,
)
from proofsight.v1 import (
    facts_pb2 as facts,
)
from proofsight.v1 import (
    knowledge_bases_pb2 as knowledge,
)

REVISION = "knowledgeBases/digits/revisions/3"
PREDICTIONS = [
    facts.Prediction(class_name="digit_7", probability=0.75),
    facts.Prediction(class_name="digit_1", probability=0.25),
]


class FakeServer:
    """Records requests; answers with its attributes, or fails with `failure`."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.metadata: list[dict[str, Any]] = []
        self.failure: status_pb2.Status | None = None
        self.block: threading.Event | None = None
        self.under_way = 0
        self.most_under_way = 0
        self.kbs = [
            knowledge.KnowledgeBase(
                name="knowledgeBases/digits",
                latest_revision=REVISION,
                revisions=[1, 3],
                ready=True,
            )
        ]
        self.rules = [
            knowledge.Rule(
                name=f"{REVISION}/rules/r{n}",
                rule_id=f"r{n}",
                class_name="digit_7",
                text=f"class(Image,digit_7) :- rule(r{n},Image), active(Image,conv3_c12).",
                stats=struct({"support": 412, "confidence": 0.981}),
                labels={"conv3_c12": "left wall"},
            )
            for n in range(1, 6)
        ]
        self.page = 2
        self.values = {"conv3_c12": 4.3125, "conv3_c40": 0.1}
        self.proof = proof_message()
        self.holds = True
        self.flip = flip_message()
        self.solutions = [[("C", "digit_7")], [("C", "'it''s'")]]
        self.cut_query = False
        self.files = {"quantiser.pl": "q\n", "rules.pl": "r\r\n", "user.pl": "ü\n"}
        self.port = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def note(self, request: Any, context: grpc.ServicerContext) -> None:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        if self.block is not None:
            self.block.wait(5)
        if self.failure is not None:
            context.set_trailing_metadata(
                (("grpc-status-details-bin", self.failure.SerializeToString()),)
            )
            code = next(c for c in grpc.StatusCode if c.value[0] == self.failure.code)
            context.abort(code, self.failure.message)

    def revision(self) -> knowledge.Revision:
        return knowledge.Revision(
            name=REVISION,
            etag="e1",
            quantiser_etag="q1",
            classes=["digit_1", "digit_7"],
            layers=[
                knowledge.Layer(atom="conv3", module="features.6", kind="conv", size=64, reads="x")
            ],
            propositions=[
                knowledge.Proposition(
                    name="conv3_c12",
                    layer="conv3",
                    feature="channel(conv3,12,l1)",
                    threshold=2.1,
                    label="left wall",
                ),
                knowledge.Proposition(name="conv3_c40", layer="conv3", threshold=0.41),
                knowledge.Proposition(name="fc1_u7", layer="fc1", derived_only=True),
            ],
            policy="ordered",
            default_class="digit_1",
            rule_count=5,
            figures=struct({"test": {"fidelity": 0.975, "images": 450}, "rules": 26}),
            input_shape=[1, 8, 8],
        )

    def facts(self, *, named: bool = True, value: float | None = None) -> facts.ImageFacts:
        values = list(self.values.values())
        return facts.ImageFacts(
            revision=REVISION,
            quantiser_etag="q1",
            propositions=self.values if named else (),
            values=values if value is None else [value, *values[1:]],
            predictions=PREDICTIONS,
        )


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(values)
    return message


def proof_message() -> proof_pb2.Proof:
    node = proof_pb2.ProofNode
    return proof_pb2.Proof(
        nodes=[
            node(
                goal="decision(img,digit_7)",
                kind="GOAL_KIND_DECISION",
                status="PROOF_STATUS_PROVED",
                class_name="digit_7",
                children=[1],
            ),
            node(
                goal="class(img,digit_7)",
                kind="GOAL_KIND_CLASS",
                status="PROOF_STATUS_PROVED",
                class_name="digit_7",
                rule="r12",
                children=[2, 3],
            ),
            node(
                goal="active(img,conv3_c12)",
                kind="GOAL_KIND_ACTIVE",
                status="PROOF_STATUS_FACT",
                label="left wall",
                evidence=proof_pb2.Evidence(
                    proposition="conv3_c12",
                    value=4.3125,
                    threshold=2.1,
                    margin=2.2125,
                    region=facts.Region(left=0, top=0.25, right=0.5, bottom=1),
                ),
            ),
            node(
                goal="at_least(1,[active(img,conv3_c12)])",
                kind="GOAL_KIND_AT_LEAST",
                status="PROOF_STATUS_PROVED",
                children=[2],
                count=proof_pb2.Count(needed=1, holding=1, total=1),
            ),
        ]
    )


def flip_message() -> explanations.FlipResponse:
    change = explanations.Change
    return explanations.FlipResponse(
        revision=REVISION,
        etag="e1",
        decision=explanations.Decision(class_name="digit_7", rule="r12"),
        predictions=PREDICTIONS,
        status=explanations.FLIP_STATUS_FOUND,
        flipped=explanations.Decision(class_name="digit_1", by_default=True),
        changes=[
            change(
                proposition="conv3_c12",
                active_before=True,
                value=4.3125,
                threshold=2.1,
                direction=explanations.CHANGE_DIRECTION_AT_MOST,
                limit=0.5,
                label="left wall",
            ),
            change(
                proposition="conv3_c40",
                active_after=True,
                value=0.1,
                threshold=0.41,
                direction=explanations.CHANGE_DIRECTION_ABOVE,
            ),
        ],
        verified=True,
        lower_bound=2,
        steps=3,
        inferences=99,
    )


def status(
    code: int, reason: str, message: str = "no", *details: Any, **metadata: str
) -> status_pb2.Status:
    """A status as the server sends it."""
    info = error_details_pb2.ErrorInfo(reason=reason, domain="proofsight", metadata=metadata)
    packed = []
    for detail in (info, *details):
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    return status_pb2.Status(code=code, message=message, details=packed)


class FakeExplanations(explanations_pb2_grpc.ExplanationsServicer):
    def __init__(self, server: FakeServer) -> None:
        self._server = server

    def Classify(self, request: Any, context: Any) -> Any:
        self._server.note(request, context)
        return explanations.ClassifyResponse(
            revision=REVISION,
            etag="e1",
            predictions=PREDICTIONS,
            decision=explanations.Decision(class_name="digit_7", rule="r12"),
        )

    def Explain(self, request: Any, context: Any) -> Any:
        self._server.note(request, context)
        return explanations.ExplainResponse(
            revision=REVISION,
            etag="e1",
            decision=explanations.Decision(class_name="digit_7", rule="r12"),
            predictions=PREDICTIONS,
            holds=self._server.holds,
            proof=self._server.proof,
            facts=self._server.facts() if request.with_facts else None,
        )

    def Flip(self, request: Any, context: Any) -> Any:
        self._server.note(request, context)
        return self._server.flip

    def Query(self, request: Any, context: Any) -> Iterator[Any]:
        self._server.note(request, context)
        for bindings in self._server.solutions:
            yield explanations.QueryResponse(
                solution=explanations.Solution(
                    bindings=[explanations.Binding(variable=v, value=x) for v, x in bindings],
                    proof=self._server.proof if request.with_proofs else None,
                )
            )
        if not self._server.cut_query:
            yield explanations.QueryResponse(
                summary=explanations.QuerySummary(
                    revision=REVISION,
                    etag="e1",
                    solutions=len(self._server.solutions),
                    more=True,
                    inferences=99,
                )
            )


class FakeFacts(facts_pb2_grpc.FactsServicer):
    """An image whose bytes are a number has it as its value; `bad` is refused."""

    def __init__(self, server: FakeServer) -> None:
        self._server = server

    def TranslateImage(self, request: Any, context: Any) -> Any:
        self._server.note(request, context)
        return facts.TranslateImageResponse(facts=self._server.facts())

    def TranslateImages(self, requests: Any, context: Any) -> Iterator[Any]:
        for request in requests:
            self._server.note(request, context)
            if request.image.encoded == b"end":
                return
            yield self._answer(request)

    def _answer(self, request: Any) -> Any:
        named = not request.omit_propositions
        if request.image.encoded == b"bad":
            error = facts.StreamError(code=3, reason="BAD_IMAGE", message="no image at all")
            return facts.TranslateImagesResponse(error=error)
        if request.image.HasField("tensor"):
            values = range(request.image.tensor.shape[0])
            return facts.TranslateImagesResponse(
                facts=[self._server.facts(named=named, value=value) for value in values]
            )
        value = float(request.image.encoded)
        return facts.TranslateImagesResponse(facts=[self._server.facts(named=named, value=value)])


class FakeKnowledge(knowledge_bases_pb2_grpc.KnowledgeBasesServicer):
    def __init__(self, server: FakeServer) -> None:
        self._server = server

    def ListKnowledgeBases(self, request: Any, context: Any) -> Any:
        self._server.note(request, context)
        return knowledge.ListKnowledgeBasesResponse(knowledge_bases=self._server.kbs)

    def GetRevision(self, request: Any, context: Any) -> Any:
        self._server.note(request, context)
        return self._server.revision()

    def ListRules(self, request: Any, context: Any) -> Any:
        self._server.note(request, context)
        start = int(request.page_token or 0)
        stop = start + self._server.page
        return knowledge.ListRulesResponse(
            rules=self._server.rules[start:stop],
            next_page_token=str(stop) if stop < len(self._server.rules) else "",
        )

    def ExportProgram(self, request: Any, context: Any) -> Any:
        self._server.note(request, context)
        files = [knowledge.ProgramFile(path=p, text=t) for p, t in self._server.files.items()]
        return knowledge.ExportProgramResponse(revision=REVISION, etag="e1", files=files)

    def CheckProgram(self, request: Any, context: Any) -> Any:
        self._server.note(request, context)
        finding = knowledge.Finding(
            severity="error",
            code="syntax_error",
            path="rules.pl",
            line=3,
            column=5,
            message="unexpected end of clause",
        )
        return knowledge.CheckProgramResponse(ok=False, findings=[finding])

    def CreateRevision(self, request: Any, context: Any) -> Any:
        self._server.note(request, context)
        answer = knowledge.CreateRevisionResponse(
            name="knowledgeBases/digits/revisions/4", etag="e4", basis="measured", warnings=["w"]
        )
        answer.figures.update({"test": {"fidelity": 0.5}, "rules": 3})
        answer.comparison.update({"parent": "digits/3"})
        return answer


@contextmanager
def serving() -> Iterator[FakeServer]:
    """The server, listening on a free port."""
    fake = FakeServer()
    real = grpc.server(ThreadPoolExecutor(8))
    explanations_pb2_grpc.add_ExplanationsServicer_to_server(FakeExplanations(fake), real)
    facts_pb2_grpc.add_FactsServicer_to_server(FakeFacts(fake), real)
    knowledge_bases_pb2_grpc.add_KnowledgeBasesServicer_to_server(FakeKnowledge(fake), real)
    lives = health.HealthServicer()
    lives.set("", health_pb2.HealthCheckResponse.SERVING)
    lives.set("proofsight.v1.Explanations", health_pb2.HealthCheckResponse.NOT_SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(lives, real)
    fake.port = real.add_insecure_port("127.0.0.1:0")
    real.start()
    try:
        yield fake
    finally:
        if fake.block is not None:
            fake.block.set()
        real.stop(0).wait()
