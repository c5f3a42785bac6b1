"""The Explanations service: decisions, proofs, refutations, changes, and queries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from proofsight.v1 import explanations_pb2, explanations_pb2_grpc
from proofsight_server.errors import UnknownClass
from proofsight_server.reasoning.answer import Solution, Summary
from proofsight_server.reasoning.call import Question
from proofsight_server.reasoning.facts import FactsFrame
from proofsight_server.serving import answers, flips, subjects
from proofsight_server.serving.calls import Calls, deadline_of
from proofsight_server.serving.catalogue import Catalogue
from proofsight_server.serving.configuration import Configuration
from proofsight_server.serving.hosting import Host, Verdict
from proofsight_server.serving.interaction_sums import interaction_sums
from proofsight_server.serving.status import Context
from proofsight_server.serving.subjects import Box


class Explanations(explanations_pb2_grpc.ExplanationsServicer):
    """Answers questions with the programs of the catalogue."""

    def __init__(self, catalogue: Catalogue, settings: Configuration, calls: Calls) -> None:
        self._catalogue = catalogue
        self._settings = settings
        self._calls = calls

    async def Classify(
        self,
        request: explanations_pb2.ClassifyRequest,
        context: Context,
    ) -> explanations_pb2.ClassifyResponse:
        """What the network says and what the program says."""
        async with self._calls.call(context), self._catalogue.use(request.name) as host:
            subject = await subjects.subject(
                host,
                request.subject,
                regions=False,
                predictions=self._settings.predictions,
                entry=request.entry,
            )
            verdict = await asyncio.to_thread(host.decide, subject.values)
            return explanations_pb2.ClassifyResponse(
                revision=str(host.name),
                etag=host.etag,
                predictions=answers.predictions(subject.predictions),
                decision=answers.decision(verdict),
            )

    async def Explain(
        self,
        request: explanations_pb2.ExplainRequest,
        context: Context,
    ) -> explanations_pb2.ExplainResponse:
        """Why what was asked holds, or why it does not."""
        async with self._calls.call(context), self._catalogue.use(request.name) as host:
            subject = await subjects.subject(
                host,
                request.subject,
                regions=request.with_regions,
                predictions=self._settings.predictions,
                entry=request.entry,
            )
            answer = await host.pool.explain(
                subject.frame(),
                _question(request, host),
                deadline=deadline_of(context),
                max_nodes=request.max_nodes or None,
                whole=request.whole,
            )
            sums = await interaction_sums(host, request, subject.frame(), deadline_of(context))
            regions = subject.regions if request.with_regions else {}
            return explanations_pb2.ExplainResponse(
                revision=str(host.name),
                etag=host.etag,
                decision=answers.decision(_verdict(answer)),
                predictions=answers.predictions(subject.predictions),
                holds=answer["holds"],
                proof=answers.proof(host, answer, regions),
                facts=answers.facts(host, subject, named=True) if request.with_facts else None,
                interactions=sums,
            )

    async def Flip(
        self,
        request: explanations_pb2.FlipRequest,
        context: Context,
    ) -> explanations_pb2.FlipResponse:
        """The fewest propositions whose change alters the decision."""
        async with self._calls.call(context), self._catalogue.use(request.name) as host:
            if request.class_name:
                _known(request.class_name, host)
            subject = await subjects.subject(
                host,
                request.subject,
                regions=False,
                predictions=self._settings.predictions,
                entry=request.entry,
            )
            answer = await host.pool.flip(
                subject.frame(),
                request.class_name or None,
                deadline=deadline_of(context),
                max_steps=request.max_steps or None,
                max_inferences=request.max_inferences or None,
            )
            return flips.response(host, subject, answer)

    async def Query(
        self,
        request: explanations_pb2.QueryRequest,
        context: Context,
    ) -> AsyncIterator[explanations_pb2.QueryResponse]:
        """The solutions as they are found, then a summary."""
        async with self._calls.call(context), self._catalogue.use(request.name) as host:
            frame: FactsFrame | None = None
            regions: Mapping[str, Box] = {}
            if request.subject.WhichOneof("kind") is not None:
                subject = await subjects.subject(
                    host,
                    request.subject,
                    regions=False,
                    predictions=self._settings.predictions,
                    entry=request.entry,
                )
                frame, regions = subject.frame(), subject.regions
            query = host.pool.query(
                frame,
                request.goal,
                deadline=deadline_of(context),
                max_solutions=request.max_solutions or None,
                max_inferences=request.max_inferences or None,
                proofs=request.with_proofs,
            )
            async with aclosing(query) as found:
                async for answer in found:
                    yield (
                        _solution(host, answer, regions)
                        if isinstance(answer, Solution)
                        else _summary(host, answer)
                    )


def _question(request: explanations_pb2.ExplainRequest, host: Host) -> Question:
    target = request.WhichOneof("target")
    if target == "goal":
        return Question("goal", request.goal)
    if target == "class_name":
        return Question("class", _known(request.class_name, host))
    return Question("decision")


def _known(class_name: str, host: Host) -> str:
    if class_name not in host.revision.program.classes:
        raise UnknownClass(class_name, host.revision.program.classes)
    return class_name


def _verdict(answer: Mapping[str, Any]) -> Verdict:
    return Verdict(answer["decision"], answer["rule"], answer["default"])


def _solution(
    host: Host, answer: Solution, regions: Mapping[str, Box]
) -> explanations_pb2.QueryResponse:
    solution = explanations_pb2.Solution(
        bindings=[
            explanations_pb2.Binding(variable=variable, value=value)
            for variable, value in answer.bindings
        ]
    )
    if answer.proof is not None:
        solution.proof.CopyFrom(answers.proof(host, answer.proof, regions))
    return explanations_pb2.QueryResponse(solution=solution)


def _summary(host: Host, answer: Summary) -> explanations_pb2.QueryResponse:
    return explanations_pb2.QueryResponse(
        summary=explanations_pb2.QuerySummary(
            revision=str(host.name),
            etag=host.etag,
            solutions=answer.solutions,
            more=answer.more,
            inferences=answer.inferences,
        )
    )
