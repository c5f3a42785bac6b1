"""What a revision has stored of an image's interactions, found by its pixels, with proofs."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from proofsight.rendering.atoms import unquote
from proofsight.v1 import explanations_pb2
from proofsight_server.errors import BadOption
from proofsight_server.extraction.pixel_digest import digest_pixels
from proofsight_server.reasoning.answer import Solution
from proofsight_server.reasoning.call import Question
from proofsight_server.reasoning.facts import FactsFrame
from proofsight_server.serving import answers
from proofsight_server.serving.hosting import Host

_STORED = (
    "interaction_info(Stored, pixels, '{digest}'), bias(Net, Stored, Class, _), "
    "regions(Stored, N), K is (1 << N) - 1, decides(Net, Stored, Class, K, Verdict), "
    "interaction_info(Stored, score, Score), interaction_info(Stored, baseline, Baseline)"
)


async def interaction_sums(
    host: Host,
    request: explanations_pb2.ExplainRequest,
    frame: FactsFrame,
    deadline: float | None,
) -> list[explanations_pb2.InteractionSum]:
    """The sums that are stored of the image, if they are asked for.

    Raises
    ------
    BadOption
        They are, and the subject is no encoded image.
    """
    if not request.with_interactions:
        return []
    image = request.subject.image
    if image.WhichOneof("kind") != "encoded":
        raise BadOption(
            "interactions are found by the pixels of an image; ask with an image file, not with "
            "facts or a tensor",
            field="with_interactions",
        )
    digest = digest_pixels(await asyncio.to_thread(host.decoded, image.encoded))
    found: list[dict[str, str]] = []
    query = host.pool.query(frame, _STORED.format(digest=digest), deadline=deadline)
    async with aclosing(query) as solutions:
        async for solution in solutions:
            if isinstance(solution, Solution):
                found.append(dict(solution.bindings))
    return [await _sum(host, request, frame, deadline, one) for one in found]


async def _sum(
    host: Host,
    request: explanations_pb2.ExplainRequest,
    frame: FactsFrame,
    deadline: float | None,
    found: dict[str, str],
) -> explanations_pb2.InteractionSum:
    """One of them, whose terms are Prolog text, with its proof."""
    goal = "decides({Net}, {Stored}, {Class}, {K}, {Verdict})".format_map(found)
    answer = await host.pool.explain(
        frame,
        Question("goal", goal),
        deadline=deadline,
        max_nodes=request.max_nodes or None,
        whole=request.whole,
    )
    return explanations_pb2.InteractionSum(
        network=unquote(found["Net"]),
        image_id=unquote(found["Stored"]),
        class_name=unquote(found["Class"]),
        score=unquote(found["Score"]),
        baseline=unquote(found["Baseline"]),
        verdict=found["Verdict"],
        proof=answers.proof(host, answer, {}),
    )
