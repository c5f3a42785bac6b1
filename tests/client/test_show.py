"""The client and `show/1` print the same bytes, and their terms are the same terms."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proofsight import Count, Evidence, Kind, Node, Proof, Score, Status
from proofsight.prolog_home import prolog_home
from proofsight.rendering.atoms import quote
from proofsight.rendering.numbers import compared, number

OBSERVED = [
    "conv3_c8",
    "conv3_c12",
    "conv3_c26",
    "conv3_c26_t2",
    "conv3_c40_max_g2_r0c1",
    "fc1_u3",
    "fc1_u7",
]
# Values of both revisions, in that order: observed or, None, derived by rules.
IMAGES: list[list[float | None]] = [
    [0.25, 0.5, 3.0, 3.0, 0.5, -0.5, 0.75],
    [0.25, 0.41370999813079834, 3.0, 5.0, 1.5, 0.0, 0.25],
    [0.5, 0.41371002793312073, 2.0999999046325684, 4.0, 1.2000000476837158, -0.25, 0.5],
    [7.0, 9.0, 1e-05, 12345678.0, -3.0, -7.5, 1e10],
    [0.25, 0.5, 3.0, 3.0, 1.5, None, None],
    [0.75, 0.5, 5.0, 5.0, 1.5, None, None],
    [None, None, None, None, None, 0.0, 0.25],
]
GOALS = [
    "decision(Image, street)",
    "decision(Image, 'Free Way')",
    "decision(Image, driveway)",
    "class(Image, street)",
    "class(Image, driveway)",
    "ab(r1, Image)",
    "active(Image, fc1_u7_off)",
    r"\+ active(Image, fc1_u7)",
    "vehicle(Image)",
    "quiet(Image)",
    "reach(a, c)",
    "reach(c, a)",
    "odd(Image)",
    "busy(Image, 4)",
    "1 < 2",
]
# The same propositions, decided by points.
SCORE_GOALS = [
    "decision(Image, street)",
    "decision(Image, 'Free Way')",
    "decision(Image, driveway)",
    "class(Image, street)",
    "class(Image, driveway)",
    "score(Image, street, _)",
    "score(Image, 'Free Way', 99)",
    "points(Image, street, -2)",
    "points(Image, driveway, 3)",
    "vehicle(Image)",
    "strong(Image, street)",
    "margin(Image, 1)",
]
PROGRAMS = {"street": GOALS, "scores": SCORE_GOALS}
SETUP = """
:- use_module(library(proofsight)).
:- use_module(library(proofsight/service)).
:- use_module(library(http/json)).

% question(+KB, +Names, +Values, +Goal): one line of JSON: what the service
% says, what show/1 prints, and the term of proof/2.
question(KB, Names, Values, Text) :-
    compound_name_arguments(Row, values, Values),
    service_explain(KB, facts(img, Row, ['Free Way'-0.75]), goal(Text), [], Answer),
    retractall(KB:value(_, _, _)),
    retractall(KB:predicted(_, _, _)),
    forall(( nth1(I, Names, Name), nth1(I, Values, Value), Value \\== none ),
           assertz(KB:value(img, Name, Value))),
    assertz(KB:predicted(img, 'Free Way', 0.75)),
    term_string(Goal, Text, [variable_names(Bindings)]),
    ( memberchk('Image'=img, Bindings) -> true ; true ),
    proof(Goal, Proof),
    with_output_to(string(Shown), show(Proof)),
    format(string(Term), '~q', [Proof]),
    json_write_dict(current_output, _{answer:Answer, shown:Shown, term:Term}, [width(0)]), nl.

current(KB) :- proofsight_current:the_current(KB).
"""


def swipl(program: str, folder: Path, *goals: str) -> str:
    file = folder / "program.pl"
    file.write_text(program, encoding="utf-8")
    words = ["swipl", "-q", "-p", f"library={prolog_home()}", "-g", ",".join(goals), "-t", "halt"]
    done = subprocess.run(
        [*words, str(file)], capture_output=True, text=True, encoding="utf-8", timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def as_node(sent: dict[str, Any]) -> Node:
    """A node of the service's JSON as the wire has it."""
    evidence = None
    if "value" in sent:
        evidence = Evidence(
            sent["proposition"],
            sent["value"],
            sent["threshold"],
            sent["value"] - sent["threshold"],
        )
    return Node(
        sent["goal"],
        Kind(sent["kind"]),
        Status(sent["status"]),
        sent.get("rule", ""),
        tuple(sent.get("children", ())),
        evidence,
        Count(*sent["count"]) if "count" in sent else None,
        sent.get("class", ""),
        sent.get("label", ""),
        Score(**sent["score"]) if "score" in sent else None,
        sent.get("points"),
        sent.get("left_out", 0),
    )


def prolog_list(items: Iterator[str]) -> str:
    return f"[{','.join(items)}]"


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Proof, str, str]]:
    """For each image and goal: the client's proof, the text of `show/1`, the term of `proof/2`."""
    revisions = Path(__file__).parents[1] / "prolog" / "revisions"
    names = prolog_list(map(quote, OBSERVED))
    answers = []
    for program, questions in PROGRAMS.items():
        folder = tmp_path_factory.mktemp(program)
        shutil.copytree(revisions / program, folder / program)
        goals = [f"knowledge_base({quote(str(folder / program))})", "current(KB)"]
        for image in IMAGES:
            values = prolog_list("none" if v is None else repr(v) for v in image)
            goals += [f"question(KB,{names},{values},{json.dumps(goal)})" for goal in questions]
        for line in swipl(SETUP, folder, *goals).splitlines():
            document = json.loads(line)
            answer = json.loads(document["answer"])
            nodes = tuple(map(as_node, answer["nodes"]))
            proof = Proof(nodes, answer["root"], answer["cut_short"])
            answers.append((proof, document["shown"], document["term"]))
    assert len(answers) == len(IMAGES) * sum(map(len, PROGRAMS.values()))
    return answers


def test_both_print_the_same_bytes(explained: list[tuple[Proof, str, str]]) -> None:
    for proof, shown, _ in explained:
        assert proof.text() == shown


def test_the_golden_proofs_say_everything_there_is_to_say(
    explained: list[tuple[Proof, str, str]],
) -> None:
    said = {(node.kind, node.status) for proof, _, _ in explained for node in proof.nodes}
    statuses = (Status.PROVED, Status.ABSENT)
    once = {Kind.UNSPECIFIED, Kind.DEFAULT, Kind.ACTIVE, Kind.BUILTIN, Kind.RULE, Kind.SCORE}
    for kind in set(Kind) - once:
        for status in statuses:
            assert (kind, status) in said
    assert (Kind.DEFAULT, Status.FACT) in said
    assert (Kind.SCORE, Status.PROVED) in said
    for standing in ("more than", "less than", "comes later", "comes first"):
        assert any(standing in shown for _, shown, _ in explained)
    assert {(Kind.ACTIVE, status) for status in (*statuses, Status.FACT)} <= said
    assert any("more that do not hold" in shown for _, shown, _ in explained)
    assert any("(shown above)" in shown for _, shown, _ in explained)
    assert any("['left wall']" in shown for _, shown, _ in explained)


def test_prolog_reads_the_clients_term_as_its_own(
    explained: list[tuple[Proof, str, str]], tmp_path: Path
) -> None:
    program = "".join(f"pair({proof.to_prolog()},{term}).\n" for proof, _, term in explained)
    different = swipl(
        f":- style_check(-singleton).\n{program}",
        tmp_path,
        r"forall((pair(A,B), A \=@= B), (print(A), nl, print(B), nl))",
        "aggregate_all(count,pair(_,_),N), print(N)",
    )
    assert different == str(len(explained))


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=40, max_size=40)
)
def test_both_lay_numbers_out_alike(tmp_path: Path, values: list[float]) -> None:
    values += [0.0, -0.0, 9.9995, 99995.0, 1e-45, 3.4028234663852886e38, -0.00012345]
    program = (
        ":- use_module(library(proofsight/number_text)).\n"
        "each(V) :- forall(member(D, [4, 9, 17]), (number_text(V, D, T), writeln(T))).\n"
    )
    listed = prolog_list(repr(v) if "." in repr(v) else re.sub("e", ".0e", repr(v)) for v in values)
    printed = swipl(program, tmp_path, f"maplist(each,{listed})")
    assert printed.split() == [number(v, digits) for v in values for digits in (4, 9, 17)]
    assert compared(0.5, 0.5) == ("0.5", "0.5")
