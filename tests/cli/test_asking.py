"""The subcommands that ask a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.rpc import error_details_pb2

from proofsight.v1 import knowledge_bases_pb2

Run = Callable[..., tuple[int, str, str]]
REVISION = "knowledgeBases/digits/revisions/3"


@pytest.mark.parametrize(
    "words",
    [
        ["kbs"],
        ["rules"],
        ["rules", "--class", "digit_7"],
        ["facts", "IMAGE"],
        ["facts", "IMAGE", "IMAGE"],
        ["classify", "IMAGE"],
        ["classify", "IMAGE", "IMAGE"],
        ["why", "IMAGE"],
        ["why", "IMAGE", "--goal", "class(Image, digit_7)"],
        ["why-not", "IMAGE", "--class", "digit_1"],
        ["flip", "IMAGE"],
        ["flip", "IMAGE", "--class", "digit_1"],
        ["query", "--goal", "class(Image, C)", "IMAGE"],
        ["query", "--goal", "member(X, [1])"],
    ],
)
def test_json_is_exactly_one_document_and_nothing_else_is_printed(
    run: Run, png: Path, words: list[str]
) -> None:
    code, out, err = run(*[png if word == "IMAGE" else word for word in words], "--json")
    assert (code, err) == (0, "")
    json.loads(out)
    assert out.endswith("\n")


def test_a_why_prints_the_tree(run: Run, png: Path) -> None:
    code, out, err = run("why", png, "--kb", "digits")
    assert (code, err) == (0, "")
    assert out == (
        "digit_7 was decided\n"
        "└─ digit_7 holds by rule r12\n"
        "   ├─ conv3_c12 is active: 4.312 > 2.1  ['left wall']\n"
        "   └─ 1 of 1 hold, 1 are needed\n"
        "      └─ ✓ conv3_c12 is active: 4.312 > 2.1  ['left wall']\n"
    )
    assert run("why", png, "--tree")[1] == out


def test_a_why_not_that_holds_says_so_first(run: Run, png: Path) -> None:
    _, out, _ = run("why-not", png, "--class", "digit_7")
    assert out.splitlines()[0] == "It does hold; this is why:"


def test_a_refutation_is_asked_for_whole(run: Run, server: Any, png: Path) -> None:
    for words in (["why", png], ["why-not", png, "--class", "digit_1"]):
        assert run(*words)[0] == 0
        assert not server.requests[-1].whole
        assert run(*words, "--whole")[0] == 0
        assert server.requests[-1].whole


def test_a_program_at_odds_with_its_network_is_told_of_on_standard_error(
    run: Run, server: Any, png: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {"values": {"conv3_c12": 1.0}, "revision": REVISION}
    png.write_text(json.dumps(facts))
    assert run("why", png)[2] == ""
    # The fake network says digit_7; a program that says nothing disagrees.
    monkeypatch.setattr("proofsight.parsing.decision", lambda _: SimpleNamespace(class_name=None))
    assert "the network itself says digit_7 (0.750)" in run("why", png)[2]


def test_a_class_is_asked_for_by_name_or_by_index(run: Run, server: Any, png: Path) -> None:
    for wanted in ("digit_7", "1"):
        assert run("why", png, "--class", wanted)[0] == 0
        assert server.requests[-1].class_name == "digit_7"
    code, out, err = run("why", png, "--class", "2")
    assert (code, out) == (1, "")
    assert err == (
        "proofsight: error: no class 2: digits has the classes 0..1 (digit_1, digit_7)\n"
    )


def test_a_class_whose_name_is_a_number_is_that_class(run: Run, server: Any, png: Path) -> None:
    revision = server.revision()
    del revision.classes[:]
    revision.classes.extend(["1", "0"])
    server.revision = lambda: revision
    run("why-not", png, "--class", "0")
    assert server.requests[-1].class_name == "0"


def test_the_only_knowledge_base_need_not_be_named(run: Run, server: Any, png: Path) -> None:
    assert run("why", png)[0] == 0
    assert server.requests[-1].name == "knowledgeBases/digits"


def test_one_of_several_must_be_named(run: Run, server: Any, png: Path) -> None:
    server.kbs.append(knowledge_bases_pb2.KnowledgeBase(name="knowledgeBases/mnist"))
    code, out, err = run("why", png)
    assert (code, out) == (2, "")
    assert "which knowledge base? pass --kb, one of: digits, mnist" in err
    assert run("why", png, "--kb", "mnist")[0] == 0


def test_a_server_without_knowledge_says_how_to_make_some(run: Run, server: Any) -> None:
    server.kbs.clear()
    code, _, err = run("rules")
    assert code == 2
    assert "has none yet; make one with `proofsight extract`" in err
    assert run("kbs")[:2] == (0, "")


def test_the_environment_names_server_knowledge_base_and_token(
    run: Run, server: Any, png: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROOFSIGHT_KB", "mnist/2")
    monkeypatch.setenv("PROOFSIGHT_TOKEN", "s3cret")
    assert run("why", png)[0] == 0
    assert server.requests[-1].name == "knowledgeBases/mnist/revisions/2"
    assert server.metadata[-1]["authorization"] == "Bearer s3cret"


def test_what_no_image_can_mend_ends_the_command(
    run: Run, server: Any, make_status: Any, png: Path
) -> None:
    server.failure = make_status(5, "UNKNOWN_KB", "no knowledge base named 'x'")
    code, out, err = run("classify", png, png, png, "--kb", "x")
    assert (code, out) == (1, "")
    assert err == "proofsight: error: no knowledge base named 'x'\n"


def test_solutions_are_lines_and_none_is_false(run: Run, server: Any, png: Path) -> None:
    code, out, err = run("query", png, "--goal", "class(Image, C)")
    assert (code, out) == (0, "C = digit_7\nC = 'it''s'\n")
    assert "there may be more than these 2 solutions; see --max-solutions" in err
    server.solutions = [[]]
    assert run("query", png, "--goal", "true")[1] == "true\n"
    server.solutions = []
    assert run("query", png, "--goal", "fail")[:2] == (0, "false\n")


def test_a_goal_that_is_false_since_it_does_not_speak_of_the_image_is_told(
    run: Run, server: Any, png: Path
) -> None:
    server.solutions = []
    meant = "write the variable `Image` where it is meant"
    assert meant in run("query", png, "--goal", "decision(image, C)")[2]
    assert "the image" not in run("query", png, "--goal", "decision(Image, street)")[2]
    assert "no image was given" in run("query", "--goal", "decision(Image, C)")[2]
    assert "image" not in run("query", "--goal", "policy(points)")[2]


def test_solutions_in_prolog_read_back(run: Run, png: Path) -> None:
    _, out, _ = run("query", png, "--goal", "class(Image, C)", "--prolog")
    assert out == "solution(['C'=(digit_7)]).\nsolution(['C'=('it''s')]).\n"


def test_rules_are_prolog_with_what_was_measured(run: Run) -> None:
    _, out, _ = run("rules")
    clause = "class(Image,digit_7) :- rule(r1,Image), active(Image,conv3_c12).\n"
    told = "    % support 412, confidence 0.981\n    % conv3_c12 'left wall'\n"
    assert out.startswith(f"{clause}{told}")
    _, out, _ = run("rules", "--prolog")
    assert out.startswith(f"{clause}rule_stats(r1, [support(412), confidence(0.981)]).\n")


def test_knowledge_bases_are_listed_in_three_ways(run: Run, server: Any) -> None:
    server.kbs.append(
        knowledge_bases_pb2.KnowledgeBase(name="knowledgeBases/mnist", problem="it's damaged")
    )
    assert run("kbs")[1] == (
        "digits/3  2 revisions  ready\nmnist     0 revisions  not ready: it's damaged\n"
    )
    assert run("kbs", "--prolog")[1] == (
        "knowledge_base(digits, [1, 3], ready).\n"
        "knowledge_base(mnist, [], problem('it\\'s damaged')).\n"
    )


def test_a_knowledge_base_tells_why_it_does_not_answer_as_it_is_now(run: Run, server: Any) -> None:
    server.kbs[:] = [
        knowledge_bases_pb2.KnowledgeBase(name="knowledgeBases/photos"),
        knowledge_bases_pb2.KnowledgeBase(
            name="knowledgeBases/signs", ready=True, problem="rules.pl:3: syntax error"
        ),
    ]
    assert run("kbs")[1] == (
        "photos  0 revisions  loading\n"
        "signs  0 revisions  ready, as it was before its files changed: rules.pl:3: syntax error\n"
    )
    assert run("kbs", "--prolog")[1] == (
        "knowledge_base(photos, [], loading).\n"
        "knowledge_base(signs, [], ready('rules.pl:3: syntax error')).\n"
    )


def test_a_refused_request_is_one_line_on_standard_error_and_exit_1(
    run: Run, server: Any, make_status: Any, png: Path
) -> None:
    server.failure = make_status(7, "UNSAFE_GOAL", "shell/1 may not be\ncalled", goal="shell(x)")
    code, out, err = run("query", png, "--kb", "digits", "--goal", "shell(x)")
    assert (code, out) == (1, "")
    assert err == "proofsight: error: shell/1 may not be called\n"


def test_a_refused_request_is_one_json_document_where_json_is_wanted(
    run: Run, server: Any, make_status: Any, png: Path
) -> None:
    server.failure = make_status(5, "UNKNOWN_CLASS", "no class named 'x'", name="x")
    code, out, err = run("why", png, "--kb", "digits", "--class", "x", "--json")
    assert code == 1
    assert err == "proofsight: error: no class named 'x'\n"
    assert json.loads(out) == {
        "error": {
            "code": "NOT_FOUND",
            "reason": "UNKNOWN_CLASS",
            "message": "no class named 'x'",
            "metadata": {"name": "x"},
        }
    }


def test_a_refused_program_is_told_of_finding_by_finding(
    run: Run, server: Any, make_status: Any
) -> None:
    violation = error_details_pb2.BadRequest.FieldViolation
    server.failure = make_status(
        3,
        "BAD_PROGRAM",
        "2 errors",
        error_details_pb2.BadRequest(
            field_violations=[
                violation(field="rules.pl", description="rules.pl:3:5: error: a"),
                violation(field="rules.pl", description="rules.pl:9:1: error: b"),
            ]
        ),
    )
    code, _, err = run("rules", "--kb", "digits")
    assert code == 1
    assert err == (
        "proofsight: error: rules.pl:3:5: error: a\nproofsight: error: rules.pl:9:1: error: b\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ["why"],
        ["why", "x.png", "--class", "c", "--goal", "g"],
        ["why", "x.png", "--json", "--tree"],
        ["why", "x.png", "--timeout", "0"],
        ["why", "x.png", "--timeout", "soon"],
        ["why", "x.png", "--max-nodes", "-1"],
        ["why-not", "x.png"],
        ["query"],
        ["facts"],
        ["nonsense"],
        [],
    ],
)
def test_wrong_usage_is_told_on_standard_error_and_exit_2(run: Run, words: list[str]) -> None:
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err.startswith("usage: proofsight")


def test_an_address_that_is_none_is_refused(run: Run) -> None:
    code, _, err = run("kbs", "--server", "localhost")
    assert code == 1
    assert "'localhost' is no server address; write HOST:PORT" in err
