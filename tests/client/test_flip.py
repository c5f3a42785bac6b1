"""What would change a decision, as both clients have it and as Prolog prints it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proofsight import Change, Decision, Direction, Flip, FlipStatus
from proofsight.rendering.atoms import quote
from proofsight.v1 import explanations_pb2
from tests.client.test_show import IMAGES, OBSERVED, prolog_list, swipl

Ask = Callable[..., Any]
REVISIONS = Path(__file__).parents[1] / "prolog" / "revisions"
WANTED = (None, "street", "Free Way", "driveway")
LIMITS = ("[]", "[inferences(600)]")
SETUP = """
:- use_module(library(proofsight)).
:- use_module(library(proofsight/flip)).
:- use_module(library(proofsight/flip_answer)).
:- use_module(library(proofsight/facts)).
:- use_module(library(proofsight/json)).
:- use_module(library(proofsight/truth)).
:- use_module(library(http/json)).

% asked(+KB, +Values, +Target, +Limits): one line of JSON: what the service
% says, what flip/2 prints, and the term.
asked(KB, Values, Target, Limits) :-
    compound_name_arguments(Row, values, Values),
    carry(KB, img, Row, []),
    about(KB, img, About),
    flip(About, Target, Limits, Flip),
    flip_json(KB, Target, Flip, Members),
    json_text(object(Members), Answer),
    flip_lines(KB, Target, Flip, Lines),
    flip_terms(KB, Flip, Terms),
    Flip = flip(Status, _, To, _, _, Bound, _, _),
    ( winning(To, Class) -> true ; Class = none() ),
    format(string(Term), '~q', [flip(Status, Class, Terms, Bound)]),
    json_write_dict(current_output, _{answer:Answer, lines:Lines, term:Term}, [width(0)]), nl.

current(KB) :- proofsight_current:the_current(KB).
"""


def as_flip(sent: dict[str, Any]) -> Flip:
    """The service's JSON as the wire has it."""

    def decision(winner: dict[str, Any]) -> Decision:
        return Decision(winner["class"], winner["rule"], winner["default"])

    return Flip(
        "",
        "",
        sent["wanted"],
        decision(sent["from"]),
        (),
        FlipStatus(sent["status"]),
        decision(sent["to"]),
        tuple(
            Change(
                change["proposition"],
                change["from"],
                change["to"],
                change["value"],
                change["threshold"],
                Direction(change["direction"]),
                change.get("limit"),
                change.get("label", ""),
            )
            for change in sent["changes"]
        ),
        sent["verified"],
        sent["lower_bound"],
        sent["cut_short"],
        sent["steps"],
    )


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Flip, list[str], str]]:
    """For each image and wanted class: the client's answer, the lines of `flip/2`, the term."""
    answers = []
    for program in ("street", "scores"):
        goals = [f"knowledge_base({quote(str(REVISIONS / program))})", "current(KB)"]
        for image in IMAGES:
            values = prolog_list("none" if v is None else repr(v) for v in image)
            for wanted in WANTED:
                target = "other()" if wanted is None else f"class({quote(wanted)})"
                goals += [f"asked(KB,{values},{target},{limits})" for limits in LIMITS]
        for line in swipl(SETUP, tmp_path_factory.mktemp(program), *goals).splitlines():
            document = json.loads(line)
            answer = as_flip(json.loads(document["answer"]))
            answers.append((answer, document["lines"], document["term"]))
    assert len(answers) == 2 * len(IMAGES) * len(WANTED) * len(LIMITS)
    return answers


def test_both_print_the_same_bytes(asked: list[tuple[Flip, list[str], str]]) -> None:
    assert len(OBSERVED) == len(IMAGES[0])
    for flip, lines, _ in asked:
        assert flip.text().splitlines() == lines
        assert flip.text().endswith("\n")
    said = "\n".join(line for _, lines, _ in asked for line in lines)
    for words in (
        "nothing needs to change",
        "if one proposition changes",
        "if 2 propositions change:",
        "no change of the observed propositions has",
        "but stays above",
        "but not above",
        "['left wall']",
        "the limit on inferences ended the search",
    ):
        assert words in said


def test_prolog_reads_the_clients_term_as_its_own(
    asked: list[tuple[Flip, list[str], str]], tmp_path: Path
) -> None:
    program = "".join(f"pair({flip.to_prolog()},{term}).\n" for flip, _, term in asked)
    different = swipl(
        program,
        tmp_path,
        r"forall((pair(A,B), A \== B), (print(A), nl, print(B), nl))",
        "aggregate_all(count,pair(_,_),N), print(N)",
    )
    assert different == str(len(asked))


def test_what_a_search_that_was_cut_short_says() -> None:
    decided, other = Decision("cat", "r1"), Decision(None)
    change = Change("p", True, False, 2.0, 1.0, Direction.AT_MOST)
    flip = Flip(
        "", "", None, decided, (), FlipStatus.CUT_SHORT, other, (change,) * 2, True, 1, "seconds"
    )
    assert flip.text() == (
        "no decision instead of cat, if 2 propositions change; the limit on seconds ended the "
        "search before it was known whether 1 are enough:\n"
        "├─ p becomes inactive: its value falls from 2 to 1 or less\n"
        "└─ p becomes inactive: its value falls from 2 to 1 or less\n"
    )


def test_a_flip_is_typed(ask: Ask, server: Any) -> None:
    flip = ask("flip", b"png", "digits", "digit_1", max_steps=9, entry="conv3")
    assert (flip.status, flip.wanted, flip.verified) == (FlipStatus.FOUND, "digit_1", True)
    assert (str(flip.decision), str(flip.flipped)) == ("digit_7 by rule r12", "digit_1 by default")
    assert flip.lower_bound == 2
    first, second = flip.changes
    assert (first.direction, first.limit, first.label) == (Direction.AT_MOST, 0.5, "left wall")
    assert (first.active_before, first.active_after) == (True, False)
    assert (second.direction, second.limit, second.label) == (Direction.ABOVE, None, "")
    assert str(flip) == flip.text().rstrip("\n")
    json.dumps(flip.to_dict())
    assert flip.to_dict()["changes"][1] == {
        "proposition": "conv3_c40",
        "from": False,
        "to": True,
        "value": 0.1,
        "threshold": 0.41,
        "direction": "above",
    }
    assert server.requests[0] == explanations_pb2.FlipRequest(
        name="knowledgeBases/digits",
        subject=explanations_pb2.Subject(image={"encoded": b"png"}),
        class_name="digit_1",
        max_steps=9,
        entry="conv3",
    )


def test_a_bound_that_is_not_sent_is_no_number(ask: Ask, server: Any) -> None:
    server.flip.ClearField("lower_bound")
    assert ask("flip", b"png", "digits").lower_bound is None
