"""Every call of both clients, over a real channel."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proofsight import AsyncClient, Client, Facts, Kind, Status, calls
from proofsight.calls.subjects import SUBJECT_FIELD
from proofsight.errors import Closed, DeadlineExceeded, InvalidArgument, Unavailable
from proofsight.v1 import explanations_pb2, facts_pb2, knowledge_bases_pb2

Ask = Callable[..., Any]
REVISION = "knowledgeBases/digits/revisions/3"
FACTS = Facts(("a", "b"), (1.5, -2.0), revision=REVISION, quantiser_etag="q1")


def test_both_clients_have_the_same_calls_with_the_same_parameters() -> None:
    names = {name for name in vars(Client) if not name.startswith("_")} - {"server", "close"}
    assert names == {name for name in vars(AsyncClient) if name[0] != "_"} - {"server", "close"}
    assert "facts_stream" in names
    for name in names:
        one, other = getattr(Client, name), getattr(AsyncClient, name)
        assert list(inspect.signature(one).parameters) == list(inspect.signature(other).parameters)
        assert one.__doc__
        assert one.__name__ == name


def test_every_method_path_is_one_of_the_contract() -> None:
    known = {
        f"/{service.full_name}/{method.name}"
        for module in (explanations_pb2, facts_pb2, knowledge_bases_pb2)
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    used = {
        calls.knowledge_bases().method,
        calls.revision("d").method,
        calls.rules("d").method,
        calls.export("d").method,
        calls.check("d", {}).method,
        calls.create_revision("d", {}).method,
        calls.facts(b"x", "d").method,
        calls.classify(FACTS).method,
        calls.why(FACTS).method,
        calls.flip(FACTS).method,
        calls.query("g", FACTS).method,
        "/proofsight.v1.Facts/TranslateImages",
    }
    assert used == known


def test_every_question_has_its_subject_in_the_field_that_facts_are_encoded_for() -> None:
    for message in ("ClassifyRequest", "ExplainRequest", "FlipRequest", "QueryRequest"):
        fields = explanations_pb2.DESCRIPTOR.message_types_by_name[message].fields_by_name
        assert fields["subject"].number == SUBJECT_FIELD
        assert fields["subject"].message_type == explanations_pb2.Subject.DESCRIPTOR


def test_a_why_is_typed_and_nested(ask: Ask, server: Any) -> None:
    why = ask("why", b"png", kb="digits")
    assert (why.revision, why.etag, why.holds, why.facts) == (REVISION, "e1", True, None)
    assert str(why.decision) == "digit_7 by rule r12"
    assert why.predictions[0] == ("digit_7", 0.75)
    assert why.tree.kind is Kind.DECISION
    assert [leaf.status for leaf in why.tree.children[0].children] == [Status.FACT, Status.PROVED]
    leaf = why.tree.children[0].children[0]
    assert leaf.label == "left wall"
    assert leaf.evidence.region == (0, 0.25, 0.5, 1)
    assert server.requests[0] == explanations_pb2.ExplainRequest(
        name="knowledgeBases/digits",
        subject=explanations_pb2.Subject(image={"encoded": b"png"}),
    )


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"class_name": "digit_7"}, ("class_name", "digit_7")),
        ({"goal": "class(Image, digit_7)"}, ("goal", "class(Image, digit_7)")),
        ({"max_nodes": 7}, ("max_nodes", 7)),
        ({"with_facts": True}, ("with_facts", True)),
        ({"with_regions": True}, ("with_regions", True)),
    ],
)
def test_what_is_asked_crosses_the_wire(
    ask: Ask, server: Any, options: dict[str, Any], field: tuple[str, Any]
) -> None:
    why = ask("why", b"png", "digits/3", **options)
    assert server.requests[0].name == REVISION
    assert getattr(server.requests[0], field[0]) == field[1]
    assert (why.facts is not None) == ("with_facts" in options)


def test_why_not_asks_for_the_class_and_remembers_that_it_did(ask: Ask, server: Any) -> None:
    why = ask("why_not", b"png", "digit_1", "digits")
    assert why.asked == "why_not"
    assert server.requests[0].class_name == "digit_1"
    assert why.text().splitlines()[0] == "It does hold; this is why:"


def test_facts_stand_for_their_image_and_name_their_revision(ask: Ask, server: Any) -> None:
    for _ in range(2):
        ask("why", FACTS)
    ask("classify", FACTS, "digits")
    sent = server.requests[1]
    assert sent == server.requests[0]
    assert sent.name == REVISION
    assert list(sent.subject.facts.values) == [1.5, -2.0]
    assert list(sent.subject.facts.propositions) == ["a", "b"]
    assert server.requests[2].name == "knowledgeBases/digits"


def test_an_image_needs_a_knowledge_base(ask: Ask) -> None:
    with pytest.raises(InvalidArgument, match="pass kb="):
        ask("why", b"png")
    with pytest.raises(ValueError, match="names no knowledge base"):
        ask("why", b"png", "No Such Name")
    with pytest.raises(InvalidArgument, match="not both"):
        ask("why", b"png", "digits", "digit_7", "true")


def test_a_classification_says_whether_network_and_program_agree(ask: Ask) -> None:
    answer = ask("classify", b"png", "digits")
    assert answer.agrees is True
    assert answer.to_dict()["decision"] == {
        "class": "digit_7",
        "rule": "r12",
        "by_default": False,
    }


def test_facts_come_back_as_they_are(ask: Ask, server: Any) -> None:
    facts = ask("facts", b"png", "digits", with_regions=True)
    assert facts["conv3_c12"] == 4.3125
    assert facts.quantiser_etag == "q1"
    assert server.requests[0].with_regions


def test_rules_come_from_all_pages(ask: Ask, server: Any) -> None:
    rules = ask("rules", "digits", "digit_7")
    assert [rule.rule_id for rule in rules] == ["r1", "r2", "r3", "r4", "r5"]
    assert rules[0].stats == {"support": 412, "confidence": 0.981}
    assert [request.page_token for request in server.requests] == ["", "2", "4"]
    assert {request.class_name for request in server.requests} == {"digit_7"}


def test_a_revision_tells_its_propositions_and_figures(ask: Ask) -> None:
    revision = ask("revision", "digits")
    assert revision.observable == ("conv3_c12", "conv3_c40")
    assert revision.figures == {"test": {"fidelity": 0.975, "images": 450}, "rules": 26}
    assert revision.default_class == "digit_1"
    assert revision.propositions[0].label == "left wall"


def test_knowledge_bases_are_listed(ask: Ask) -> None:
    (base,) = ask("knowledge_bases")
    assert (base.kb, base.revisions, base.ready) == ("digits", (1, 3), True)


def test_an_exported_program_is_written_byte_by_byte(ask: Ask, tmp_path: Path) -> None:
    program = ask("export", "digits")
    program.write(tmp_path)
    assert (tmp_path / "rules.pl").read_bytes() == b"r\r\n"
    assert (tmp_path / "user.pl").read_bytes() == "ü\n".encode()


def test_a_file_name_that_leads_elsewhere_is_refused(ask: Ask, server: Any, tmp_path: Path) -> None:
    server.files = {"rules.pl": "fine", "../evil.pl": "x"}
    with pytest.raises(Exception, match=r"'\.\./evil\.pl', which is no plain file name"):
        ask("export", "digits").write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_check_sends_files_and_tells_findings(ask: Ask, server: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.pl").write_text("x.\n")
    report = ask("check", "digits", {"rules.pl": "y.", "user.pl": tmp_path / "mine.pl"})
    assert not report.ok
    assert str(report.findings[0]) == "rules.pl:3:5: error: unexpected end of clause"
    assert {f.path: f.text for f in server.requests[0].files} == {
        "rules.pl": "y.",
        "user.pl": "x.\n",
    }


def test_a_changed_program_goes_out_and_what_became_of_it_comes_back(
    ask: Ask, server: Any, tmp_path: Path
) -> None:
    (tmp_path / "mine.pl").write_text("x.\n")
    created = ask(
        "create_revision", "digits/3", {"user.pl": tmp_path / "mine.pl"},
        etag="e3", author="ada", note="why", validate_only=True,
    )  # fmt: skip
    request = server.requests[0]
    assert (request.parent, request.etag) == ("knowledgeBases/digits/revisions/3", "e3")
    assert (request.author, request.note, request.validate_only) == ("ada", "why", True)
    assert [(file.path, file.text) for file in request.files] == [("user.pl", "x.\n")]
    assert (created.name, created.etag) == ("knowledgeBases/digits/revisions/4", "e4")
    assert created.figures == {"rules": 3, "test": {"fidelity": 0.5}}
    assert (created.basis, created.why, created.warnings) == ("measured", "", ("w",))
    assert created.to_dict()["comparison"] == {"parent": "digits/3"}


def test_health_is_of_the_process_or_of_a_service(ask: Ask) -> None:
    assert ask("health") is True
    assert ask("health", "proofsight.v1.Explanations") is False
    with pytest.raises(LookupError):
        ask("health", "no.such.Service")


def test_solutions_are_mappings_in_order(ask: Ask, server: Any) -> None:
    found = ask("query", "class(Image, C)", b"png", "digits", max_solutions=5, with_proofs=True)
    assert [solution["C"] for solution in found] == ["digit_7", "'it''s'"]
    assert str(found[0]) == "C = digit_7"
    assert found[0].proof.tree.goal == "decision(img,digit_7)"
    assert server.requests[0].max_solutions == 5


def test_a_query_without_an_image_sends_none(ask: Ask, server: Any) -> None:
    ask("query", "member(X, [1])", kb="digits")
    assert not server.requests[0].HasField("subject")


def test_solutions_are_lazy_and_their_summary_comes_last(server: Any) -> None:
    with Client(server.address) as client:
        solutions = client.query("class(Image, C)", b"png", "digits")
        assert next(solutions)["C"] == "digit_7"
        assert solutions.summary is None
        assert len(list(solutions)) == 1
        assert solutions.summary is not None
        assert (solutions.summary.more, solutions.summary.inferences) == (True, 99)
        assert list(solutions) == []


def test_a_query_that_ends_without_its_summary_is_no_success(ask: Ask, server: Any) -> None:
    server.cut_query = True
    with pytest.raises(Unavailable, match="without a summary"):
        ask("query", "g", b"png", "digits")


@pytest.mark.parametrize("token", ["s3cret", lambda: "s3cret"])
def test_a_token_goes_with_every_call(ask: Ask, server: Any, token: Any) -> None:
    ask("knowledge_bases", client={"token": token})
    assert server.metadata[0]["authorization"] == "Bearer s3cret"


def test_without_a_token_nothing_is_sent(ask: Ask, server: Any) -> None:
    ask("knowledge_bases")
    assert "authorization" not in server.metadata[0]


def test_a_call_may_have_less_time_than_its_client(ask: Ask, server: Any) -> None:
    server.block = threading.Event()
    with pytest.raises(DeadlineExceeded, match=r"no answer from 127\.0\.0\.1:\d+ within 0\.05 s"):
        ask("why", b"png", "digits", timeout=0.05)
    with pytest.raises(TimeoutError):
        ask("why", b"png", "digits", client={"timeout": 0.05})


@pytest.mark.parametrize("timeout", [0, -1.0])
def test_a_timeout_is_above_zero(timeout: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Client(timeout=timeout)
    Client(timeout=0.001).close()


def test_a_closed_client_says_so(server: Any) -> None:
    client = Client(server.address)
    client.close()
    with pytest.raises(Closed, match="make a new one"):
        client.knowledge_bases()

    async def closed() -> None:
        other = AsyncClient(server.address)
        await other.close()
        with pytest.raises(Closed):
            await other.knowledge_bases()

    asyncio.run(closed())


@pytest.mark.parametrize("address", ["localhost", "localhost:", "localhost:0", "a:99999", "::1"])
def test_an_address_without_host_or_port_is_refused(address: str) -> None:
    with pytest.raises(InvalidArgument, match="write HOST:PORT"):
        Client(address)


@pytest.mark.parametrize("address", ["localhost:1", "[::1]:50051", "a.b-c.example:65535"])
def test_an_address_with_host_and_port_is_taken(address: str) -> None:
    Client(address).close()
