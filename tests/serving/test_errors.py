"""The error table of the service, each row through a real channel."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from PIL import Image

from proofsight.v1 import (
    explanations_pb2,
    explanations_pb2_grpc,
    facts_pb2,
    facts_pb2_grpc,
    image_pb2,
    knowledge_bases_pb2,
    knowledge_bases_pb2_grpc,
)

from .conftest import KB


def refusal(call: Callable[[], object]) -> tuple[str, str, str, dict[str, str]]:
    """Code, reason, message and metadata of a refused call."""
    with pytest.raises(grpc.RpcError) as caught:
        answer = call()
        if hasattr(answer, "__iter__"):
            list(answer)
    status = rpc_status.from_call(caught.value)  # type: ignore[arg-type]
    assert status is not None
    infos = []
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            infos.append(info)
    assert len(infos) == 1
    assert infos[0].domain == "proofsight"
    assert "Traceback" not in status.message
    return (
        caught.value.code().name,
        infos[0].reason,
        status.message,
        dict(infos[0].metadata),
    )


def translate(channel: grpc.Channel, image: image_pb2.Image, name: str = KB) -> object:
    return facts_pb2_grpc.FactsStub(channel).TranslateImage(
        facts_pb2.TranslateImageRequest(name=name, image=image)
    )


def tensor(shape: tuple[int, ...], data: bytes, kind: int = 2) -> image_pb2.Image:
    return image_pb2.Image(tensor=image_pb2.Tensor(data_type=kind, shape=shape, data=data))  # type: ignore[arg-type]


def bomb() -> bytes:
    """A PNG of a few hundred bytes that says it is 30,000 x 30,000."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def gif() -> bytes:
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "GIF")
    return file.getvalue()


@pytest.mark.parametrize(
    "encoded",
    [b"", b"not an image", bomb(), gif()],
    ids=["empty", "noise", "bomb", "another format"],
)
def test_a_bad_image_is_refused(channel: grpc.Channel, encoded: bytes) -> None:
    code, reason, message, _ = refusal(lambda: translate(channel, image_pb2.Image(encoded=encoded)))
    assert (code, reason) == ("INVALID_ARGUMENT", "BAD_IMAGE")
    assert len(message) > 20


def test_a_truncated_image_is_refused_and_the_whole_one_taken(
    channel: grpc.Channel, png: bytes
) -> None:
    assert translate(channel, image_pb2.Image(encoded=png))
    code, reason, _, _ = refusal(
        lambda: translate(channel, image_pb2.Image(encoded=png[: len(png) // 2]))
    )
    assert (code, reason) == ("INVALID_ARGUMENT", "BAD_IMAGE")


@pytest.mark.parametrize(
    "image",
    [
        tensor((8, 8), bytes(256)),
        tensor((1, 8, 8), bytes(255)),
        tensor((1, 7, 8), bytes(224)),
        tensor((3, 8, 8), bytes(768)),
        tensor((0, 8, 8), b""),
        tensor((-1, 8, 8), bytes(256)),
        tensor((1, 8, 8), bytes(256), kind=0),
        tensor((8, 8, 3), bytes(192), kind=1),
        tensor((2, 1, 8, 8), bytes(512)),
        tensor((1, 8, 8), struct.pack("<64f", *[float("nan")] * 64)),
    ],
    ids=["rank", "bytes", "shape", "channels", "zero", "negative", "type", "mode", "batch", "nan"],
)
def test_a_bad_tensor_is_refused(channel: grpc.Channel, image: image_pb2.Image) -> None:
    code, reason, _, metadata = refusal(lambda: translate(channel, image))
    assert (code, reason) == ("INVALID_ARGUMENT", "BAD_TENSOR")
    assert metadata


def test_the_nearest_good_tensors_are_taken(channel: grpc.Channel) -> None:
    assert translate(channel, tensor((1, 8, 8), bytes(256)))
    assert translate(channel, tensor((8, 8, 1), bytes(64), kind=1))


def test_an_unset_image_is_refused(channel: grpc.Channel) -> None:
    assert refusal(lambda: translate(channel, image_pb2.Image()))[1] == "BAD_IMAGE"


def test_an_unknown_knowledge_base_names_the_nearest(channel: grpc.Channel, png: bytes) -> None:
    code, reason, message, metadata = refusal(
        lambda: translate(channel, image_pb2.Image(encoded=png), "knowledgeBases/digit")
    )
    assert (code, reason) == ("NOT_FOUND", "UNKNOWN_KB")
    assert "digits" in message
    assert metadata["name"] == "digit"


def test_an_unknown_revision_is_not_found(channel: grpc.Channel, png: bytes) -> None:
    code, reason, _, _ = refusal(
        lambda: translate(channel, image_pb2.Image(encoded=png), f"{KB}/revisions/99")
    )
    assert (code, reason) == ("NOT_FOUND", "UNKNOWN_REVISION")


def test_a_name_of_no_resource_is_an_invalid_argument(channel: grpc.Channel, png: bytes) -> None:
    image = image_pb2.Image(encoded=png)
    for name in ("digits", "knowledgeBases/" + "x" * 300):
        code, reason, _, _ = refusal(partial(translate, channel, image, name))
        assert (code, reason) == ("INVALID_ARGUMENT", "BAD_OPTION")


def explain(channel: grpc.Channel, facts: facts_pb2.ImageFacts, **target: str) -> object:
    return explanations_pb2_grpc.ExplanationsStub(channel).Explain(
        explanations_pb2.ExplainRequest(
            name=KB,
            subject=explanations_pb2.Subject(facts=facts),
            **target,  # type: ignore[arg-type]
        )
    )


def query(channel: grpc.Channel, facts: facts_pb2.ImageFacts, goal: str, **more: int) -> object:
    return explanations_pb2_grpc.ExplanationsStub(channel).Query(
        explanations_pb2.QueryRequest(
            name=KB,
            subject=explanations_pb2.Subject(facts=facts),
            goal=goal,
            **more,  # type: ignore[arg-type]
        )
    )


def test_an_unknown_class_names_the_nearest(
    channel: grpc.Channel, facts: facts_pb2.ImageFacts
) -> None:
    code, reason, message, _ = refusal(lambda: explain(channel, facts, class_name="digit7"))
    assert (code, reason) == ("NOT_FOUND", "UNKNOWN_CLASS")
    assert "digit_7" in message


@pytest.mark.parametrize("goal", ["decision(Image", "no_such_predicate(Image)", "", "a. b"])
def test_a_goal_that_does_not_parse_or_names_nothing_is_bad(
    channel: grpc.Channel, facts: facts_pb2.ImageFacts, goal: str
) -> None:
    code, reason, _, _ = refusal(lambda: query(channel, facts, goal))
    assert (code, reason) == ("INVALID_ARGUMENT", "BAD_GOAL")


def test_an_empty_goal_is_no_question(channel: grpc.Channel, facts: facts_pb2.ImageFacts) -> None:
    code, reason, message, _ = refusal(lambda: explain(channel, facts, goal=""))
    assert (code, reason) == ("INVALID_ARGUMENT", "BAD_GOAL")
    assert "syntax error" in message


def test_a_refusal_arrives_however_long_the_words_it_repeats(
    channel: grpc.Channel, facts: facts_pb2.ImageFacts
) -> None:
    code, reason, _, _ = refusal(lambda: query(channel, facts, "é" * 30_000))
    assert (code, reason) == ("INVALID_ARGUMENT", "BAD_GOAL")
    code, reason, _, metadata = refusal(lambda: explain(channel, facts, class_name="x" * 30_000))
    assert (code, reason) == ("NOT_FOUND", "UNKNOWN_CLASS")
    assert metadata["name"].endswith("(30000 characters)")
    broken = "".join(
        f"class(Image, digit_0) :- rule(z{i}, Image), active(Image, nope_{i}).\n"
        for i in range(300)
    )
    code, reason, _, _ = refusal(
        lambda: knowledge_bases_pb2_grpc.KnowledgeBasesStub(channel).CreateRevision(
            knowledge_bases_pb2.CreateRevisionRequest(
                parent=KB,
                files=[knowledge_bases_pb2.ProgramFile(path="rules.pl", text=broken)],
            )
        )
    )
    assert (code, reason) == ("INVALID_ARGUMENT", "BAD_PROGRAM")


@pytest.mark.parametrize(
    "goal",
    ["shell(ls)",
     "open('/etc/passwd', read, S)", "assertz(x)", "catch(decision(Image, C), _, true)",
     "user:decision(Image, C)", "halt", "X = shell(ls), call(X)"],
)  # fmt: skip
def test_an_unsafe_goal_is_not_permitted(
    channel: grpc.Channel, facts: facts_pb2.ImageFacts, goal: str
) -> None:
    code, reason, _, _ = refusal(lambda: query(channel, facts, goal))
    assert (code, reason) == ("PERMISSION_DENIED", "UNSAFE_GOAL")


def test_an_endless_goal_spends_its_inferences(
    channel: grpc.Channel, facts: facts_pb2.ImageFacts
) -> None:
    code, reason, _, _ = refusal(
        lambda: query(channel, facts, "between(1, inf, X), X < 0", max_inferences=10_000)
    )
    assert (code, reason) == ("RESOURCE_EXHAUSTED", "INFERENCE_LIMIT")


def test_a_goal_that_eats_memory_is_stopped_and_the_next_answers(
    channel: grpc.Channel, facts: facts_pb2.ImageFacts
) -> None:
    code, reason, _, _ = refusal(lambda: query(channel, facts, "length(L, 100000000)"))
    assert (code, reason) == ("RESOURCE_EXHAUSTED", "MEMORY_LIMIT")
    assert explain(channel, facts)


def test_facts_of_another_quantiser_are_refused(
    channel: grpc.Channel, facts: facts_pb2.ImageFacts
) -> None:
    other = facts_pb2.ImageFacts()
    other.CopyFrom(facts)
    other.quantiser_etag = "0" * 16
    code, reason, _, metadata = refusal(lambda: explain(channel, other))
    assert (code, reason) == ("INVALID_ARGUMENT", "BAD_FACTS")
    assert metadata["given"] == "0" * 16


def test_facts_that_do_not_fit_are_refused(
    channel: grpc.Channel, facts: facts_pb2.ImageFacts
) -> None:
    short = facts_pb2.ImageFacts()
    short.CopyFrom(facts)
    del short.values[-1]
    assert refusal(lambda: explain(channel, short))[1] == "BAD_FACTS"
    named = facts_pb2.ImageFacts()
    named.CopyFrom(facts)
    named.propositions[0] = "conv99_c0"
    assert refusal(lambda: explain(channel, named))[1] == "BAD_FACTS"
    partly = facts_pb2.ImageFacts()
    partly.CopyFrom(facts)
    del partly.propositions[0], partly.values[0]
    assert refusal(lambda: explain(channel, partly))[1] == "BAD_FACTS"
    infinite = facts_pb2.ImageFacts()
    infinite.CopyFrom(facts)
    infinite.values[0] = float("inf")
    assert refusal(lambda: explain(channel, infinite))[1] == "BAD_FACTS"


def test_a_file_that_is_none_of_a_programs_is_refused(channel: grpc.Channel) -> None:
    stub = knowledge_bases_pb2_grpc.KnowledgeBasesStub(channel)
    request = knowledge_bases_pb2.CheckProgramRequest(
        name=KB, files=[knowledge_bases_pb2.ProgramFile(path="../manifest.json", text="{}")]
    )
    code, reason, _, _ = refusal(lambda: stub.CheckProgram(request))
    assert (code, reason) == ("INVALID_ARGUMENT", "BAD_OPTION")


def test_a_deadline_that_passes_ends_the_call(
    channel: grpc.Channel, facts: facts_pb2.ImageFacts
) -> None:
    stub = explanations_pb2_grpc.ExplanationsStub(channel)
    request = explanations_pb2.QueryRequest(
        name=KB,
        subject=explanations_pb2.Subject(facts=facts),
        goal="between(1, inf, X), X < 0",
    )
    with pytest.raises(grpc.RpcError) as caught:
        list(stub.Query(request, timeout=0.05))
    assert caught.value.code().name == "DEADLINE_EXCEEDED"
    assert explain(channel, facts)
