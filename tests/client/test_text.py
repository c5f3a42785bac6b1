"""Proofs as text for people."""

from __future__ import annotations

import pytest

from proofsight import Count, Decision, Evidence, Kind, Node, Proof, Score, Status, Why
from proofsight.rendering.messages import messages
from proofsight.rendering.text import render


def leaf(kind: Kind, status: Status, goal: str = "g(img)", **details: object) -> Proof:
    return Proof((Node(goal, kind, status, **details),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("proof", "line"),
    [
        (leaf(Kind.DECISION, Status.PROVED, class_name="car"), "car was decided"),
        (leaf(Kind.DECISION, Status.ABSENT, class_name="car"), "car was not decided"),
        (leaf(Kind.DECISION, Status.ABSENT), "no class was decided"),
        (
            leaf(Kind.DEFAULT, Status.FACT, class_name="car"),
            "no rule fires, so the default car applies",
        ),
        (leaf(Kind.CLASS, Status.PROVED, class_name="a b", rule="r3"), "a b holds by rule r3"),
        (
            leaf(Kind.CLASS, Status.ABSENT, class_name="car"),
            "car does not hold: no rule concludes it",
        ),
        (
            leaf(Kind.CLASS, Status.PROVED, class_name="car"),
            "car holds, since it was decided",
        ),
        (
            leaf(Kind.SCORE, Status.PROVED, class_name="car", score=Score(14, 3, True, "a b", 5)),
            "car scores 14 from base 3, 5 more than a b",
        ),
        (
            leaf(Kind.SCORE, Status.PROVED, class_name="car", score=Score(-2, 0, False, "bus", 5)),
            "car scores -2 from base 0, 5 less than bus",
        ),
        (
            leaf(Kind.SCORE, Status.PROVED, class_name="car", score=Score(1, 0, True, "bus", 0)),
            "car scores 1 from base 0, as does bus, which comes later",
        ),
        (
            leaf(Kind.SCORE, Status.PROVED, class_name="car", score=Score(1, 0, False, "bus", 0)),
            "car scores 1 from base 0, as does bus, which comes first",
        ),
        (
            leaf(Kind.SCORE, Status.PROVED, class_name="car", score=Score(1, 1, True)),
            "car scores 1 from base 1",
        ),
        (leaf(Kind.POINTS, Status.PROVED, rule="p1", points=4), "+4 by p1"),
        (leaf(Kind.POINTS, Status.PROVED, rule="p1", points=0), "0 by p1"),
        (leaf(Kind.POINTS, Status.ABSENT, rule="p1", points=-4), "no -4 by p1"),
        (leaf(Kind.RULE, Status.PROVED, rule="r3"), "rule r3 fires"),
        (leaf(Kind.RULE, Status.ABSENT, rule="r3"), "rule r3 does not fire"),
        (
            leaf(Kind.ACTIVE, Status.FACT, evidence=Evidence("p", 0.5, 0.25, 0.25)),
            "p is active: 0.5 > 0.25",
        ),
        (
            leaf(Kind.ACTIVE, Status.ABSENT, evidence=Evidence("p", 0.25, 0.25, 0.0)),
            "p is not active: 0.25 ≤ 0.25",
        ),
        (
            leaf(Kind.ACTIVE, Status.FACT, evidence=Evidence("p", 2, 1, 1), label="left wall"),
            "p is active: 2 > 1  ['left wall']",
        ),
        (leaf(Kind.ACTIVE, Status.PROVED, "active(img,p)", rule="d1"), "p is active by rule d1"),
        (
            leaf(Kind.ACTIVE, Status.ABSENT, r"active(img,'it\'s')"),
            "it's is not active: no rule derives it",
        ),
        (
            leaf(Kind.AT_LEAST, Status.PROVED, count=Count(2, 3, 4)),
            "3 of 4 hold, 2 are needed",
        ),
        (
            leaf(Kind.AT_LEAST, Status.ABSENT, count=Count(2, 1, 4)),
            "only 1 of 4 hold, 2 are needed",
        ),
        (
            leaf(Kind.EXCEPTION, Status.PROVED, "ab(r12,img)", rule="r12_1"),
            "an exception of r12 applies by rule r12_1",
        ),
        (leaf(Kind.EXCEPTION, Status.ABSENT, "ab(r12,img)"), "no exception of r12 applies"),
        (leaf(Kind.USER, Status.PROVED, rule="user.pl:3"), "g(img) holds by user.pl:3"),
        (leaf(Kind.BUILTIN, Status.FACT, "1<2"), "1<2 holds"),
        (
            Proof((Node("g", Kind.NOT, Status.CUT_SHORT),), cut_short="nodes"),
            "g is left out: the proof has reached its most nodes",
        ),
        (leaf(Kind.USER, Status.ABSENT, "a\x1b[31m\nb"), "a [31m b does not hold"),
        (leaf(Kind.UNSPECIFIED, Status.UNSPECIFIED, "of_tomorrow"), "of_tomorrow"),
    ],
)
def test_each_kind_of_goal_has_its_words(proof: Proof, line: str) -> None:
    assert proof.text() == f"{line}\n"


def test_of_literals_that_are_counted_each_says_whether_it_holds() -> None:
    def active(name: str, status: Status, value: float) -> Node:
        evidence = Evidence(name, value, 0.5, value - 0.5)
        return Node(f"active(img,{name})", Kind.ACTIVE, status, evidence=evidence)

    proof = Proof(
        (
            Node("g", Kind.AT_LEAST, Status.PROVED, children=(1, 2, 3, 5), count=Count(2, 2, 4)),
            active("p", Status.FACT, 1),
            active("q", Status.ABSENT, 0.25),
            Node(r"\+q", Kind.NOT, Status.PROVED, children=(2,)),
            active("r", Status.FACT, 1),
            Node(r"\+r", Kind.NOT, Status.ABSENT, children=(4,)),
        )
    )
    assert proof.text().splitlines() == [
        "2 of 4 hold, 2 are needed",
        "├─ ✓ p is active: 1 > 0.5",
        "├─ ✗ q is not active: 0.25 ≤ 0.5",
        "├─ ✓ q is not active: 0.25 ≤ 0.5",
        "└─ ✗ r is active: 1 > 0.5",
    ]


def test_branches_show_what_is_beneath_what() -> None:
    node = [Node(f"g{n}", Kind.BUILTIN, Status.FACT) for n in range(7)]

    def over(number: int, *children: int) -> Node:
        return Node(f"g{number}", Kind.USER, Status.ABSENT, children=children)

    proof = Proof((over(0, 1, 4), over(1, 2, 3), node[2], node[3], over(4, 5, 6), *node[5:]))
    assert proof.text() == (
        "g0 does not hold\n"
        "├─ g1 does not hold\n"
        "│  ├─ g2 holds\n"
        "│  └─ g3 holds\n"
        "└─ g4 does not hold\n"
        "   ├─ g5 holds\n"
        "   └─ g6 holds\n"
    )


def test_a_line_of_points_stands_before_its_one_literal_and_above_several() -> None:
    def points(status: Status, number: int, *children: int) -> Node:
        return Node("g", Kind.POINTS, status, f"p{number}", children, points=number)

    proof = Proof(
        (
            Node("score(img,car,3)", Kind.SCORE, Status.PROVED, children=(1, 2, 3),
                 score=Score(3, 0, True), class_name="car"),
            points(Status.PROVED, 1, 4),
            points(Status.PROVED, 2, 5, 6),
            points(Status.ABSENT, 3, 5),
            Node("\\+g4", Kind.NOT, Status.PROVED, children=(6,)),
            Node("g5", Kind.BUILTIN, Status.FACT),
            Node("g6", Kind.USER, Status.ABSENT, children=(5,)),
        )
    )  # fmt: skip
    assert proof.text() == (
        "car scores 3 from base 0\n"
        "├─ +1 by p1: g6 does not hold\n"
        "│  └─ g5 holds\n"
        "├─ +2 by p2\n"
        "│  ├─ g5 holds\n"
        "│  └─ g6 does not hold (shown above)\n"
        "└─ no +3 by p3: g5 holds\n"
    )


def test_a_line_of_points_that_was_cut_short_says_so() -> None:
    node = Node("points(img,car,3)", Kind.POINTS, Status.CUT_SHORT, "p1", points=3)
    assert Proof((node,), cut_short="nodes").text() == (
        "points(img,car,3) is left out: the proof has reached its most nodes\n"
    )


def test_a_negation_gives_its_place_to_what_it_denies() -> None:
    proof = Proof(
        (
            Node("class(img,car)", Kind.CLASS, Status.PROVED, "r1", (1, 3), class_name="car"),
            Node(r"\+ab(r1,img)", Kind.NOT, Status.PROVED, children=(2,)),
            Node("ab(r1,img)", Kind.EXCEPTION, Status.ABSENT, children=(4,)),
            Node(r"\+ab(r1,img)", Kind.NOT, Status.PROVED, children=(2,)),
            Node("1<2", Kind.BUILTIN, Status.FACT),
        )
    )
    assert proof.text() == (
        "car holds by rule r1\n"
        "├─ no exception of r1 applies\n"
        "│  └─ 1<2 holds\n"
        "└─ no exception of r1 applies (shown above)\n"
    )


def why(asked: str, holds: bool) -> Why:
    proof = leaf(Kind.CLASS, Status.PROVED, class_name="car", rule="r1")
    return Why("r", "e", Decision("car"), (), holds, proof, asked=asked)  # type: ignore[arg-type]


def test_a_heading_stands_above_an_answer_that_was_not_expected() -> None:
    assert why("why", True).text() == "car holds by rule r1\n"
    assert why("why_not", False).text() == "car holds by rule r1\n"
    assert why("why", False).text().startswith("There is no proof; this is why not:\ncar")
    assert why("why_not", True).text().startswith("It does hold; this is why:\ncar")
    assert str(why("why", True)) == "car holds by rule r1"


def test_a_proof_deeper_than_the_stack_of_python_can_be_shown() -> None:
    nodes = [Node("g", Kind.USER, Status.ABSENT, children=(n + 1,)) for n in range(3000)]
    deep = Proof((*nodes, Node("g", Kind.BUILTIN, Status.FACT)))
    assert deep.text().count("\n") == 3001


def test_an_empty_proof_has_no_lines() -> None:
    assert render(Proof(())) == ""


def test_a_language_without_a_table_is_refused_with_those_that_have_one() -> None:
    with pytest.raises(LookupError, match="no messages in 'xx'; there are: en"):
        messages("xx")
    assert messages("en")["rule.proved"]


def test_what_is_left_out_of_a_refutation_is_counted_after_what_is_shown() -> None:
    rule = Node("class(img,car)", Kind.RULE, Status.ABSENT, "r1")
    refuted = Node(
        "class(img,car)", Kind.CLASS, Status.ABSENT, children=(1,), class_name="car", left_out=4
    )
    assert Proof((refuted, rule)).text() == (
        "car does not hold\n├─ rule r1 does not fire\n└─ and 4 more, farther from firing\n"
    )
    assert Proof((refuted, rule)).to_dict()["nodes"][0]["left_out"] == 4


def test_a_class_that_holds_and_comes_later_is_told_with_the_one_that_comes_first() -> None:
    def answer(own: Status) -> str:
        return Proof(
            (
                Node("d", Kind.DECISION, Status.ABSENT, children=(1, 2), class_name="car"),
                Node("c", Kind.CLASS, own, "r2", class_name="car"),
                Node("e", Kind.DECISION, Status.PROVED, class_name="bus", left_out=3),
            )
        ).text()

    assert answer(Status.PROVED) == (
        "car was not decided: it holds, but bus, which comes first, does too\n"
        "├─ car holds by rule r2\n"
        "└─ bus was decided\n"
        "   └─ rules that come first and do not fire: 3\n"
    )
    assert answer(Status.ABSENT).startswith("car was not decided\n├─ car does not hold: no rule")
