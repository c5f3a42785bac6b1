"""Proofs as values."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsight import Count, Evidence, Kind, Node, Proof, Region, Score, Status, Tree


def node(*children: int, goal: str = "g", status: Status = Status.PROVED) -> Node:
    return Node(goal, Kind.USER, status, children=children)


SHARED = Proof((node(1, 2, goal="a"), node(2, goal="b"), node(3, goal="c"), node(goal="d")))


def test_the_second_mention_of_a_node_with_children_is_marked() -> None:
    tree = SHARED.tree
    first, second = tree.children[0].children[0], tree.children[1]
    assert (first.status, len(first.children)) == (Status.PROVED, 1)
    assert (second.status, second.children, second.goal) == (Status.REPEATED, (), "c")
    assert second.node is first.node


def test_a_leaf_is_never_marked() -> None:
    tree = Proof((node(1, 1), node())).tree
    assert [child.status for child in tree.children] == [Status.PROVED, Status.PROVED]


def nested(proof: Proof) -> Tree:
    """The slow twin of `Proof.tree`, by the definition."""
    met: set[int] = set()

    def build(number: int) -> Tree:
        found = proof.nodes[number]
        if found.children and number in met:
            return Tree(found, Status.REPEATED, ())
        met.add(number)
        return Tree(found, found.status, tuple(build(child) for child in found.children))

    return build(proof.root)


@st.composite
def graphs(draw: st.DrawFn) -> Proof:
    count = draw(st.integers(1, 8))
    later = [
        draw(st.lists(st.integers(min(n + 1, count - 1), count - 1), max_size=3))
        for n in range(count)
    ]
    later[-1] = []
    return Proof(
        tuple(node(*children, goal=f"g{n}") for n, children in enumerate(later)),
    )


@given(graphs())
def test_the_nested_view_is_the_graph_in_reading_order(proof: Proof) -> None:
    assert proof.tree == nested(proof)
    assert next(tree.goal for tree in proof.tree.walk()) == "g0"


def test_a_proof_deeper_than_the_stack_of_python_can_be_read() -> None:
    deep = Proof((*(node(n + 1) for n in range(20_000)), node()))
    assert sum(1 for _ in deep.tree.walk()) == 20_001


def test_a_graph_that_runs_in_a_circle_still_ends() -> None:
    circle = Proof((node(1), node(0)))
    assert [tree.status for tree in circle.tree.walk()] == ["PROVED", "PROVED", "REPEATED"]


def test_nodes_are_read_when_they_are_first_asked_for() -> None:
    read: list[int] = []

    def load() -> tuple[Node, ...]:
        read.append(1)
        return (node(),)

    proof = Proof(load)
    assert proof.root == 0
    assert read == []
    assert proof.nodes == proof.nodes == (node(),)
    assert read == [1]


def test_a_proof_is_a_frozen_value() -> None:
    again = pickle.loads(pickle.dumps(SHARED))
    assert again == SHARED
    assert hash(again) == hash(SHARED)
    assert again != Proof(SHARED.nodes, 1)
    change: Any = SHARED
    with pytest.raises(AttributeError, match="frozen"):
        change.root = 1


def test_json_has_the_graph_and_only_what_there_is() -> None:
    full = Node(
        "active(img,p)",
        Kind.ACTIVE,
        Status.FACT,
        evidence=Evidence("p", 1.5, 1.0, 0.5, 2.0, Region(0, 0, 0.5, 1)),
        label="wall",
    )
    counted = Node("at_least(1,[])", Kind.AT_LEAST, Status.ABSENT, count=Count(1, 0, 0))
    scored = Node(
        "score(img,a,1)",
        Kind.SCORE,
        Status.PROVED,
        class_name="a",
        score=Score(1, 2, False, "b", 3),
    )
    given = Node("points(img,a,0)", Kind.POINTS, Status.PROVED, "p1", points=0)
    proof = Proof((node(1, 2), full, counted, scored, given), cut_short="nodes")
    document = json.loads(json.dumps(proof.to_dict()))
    assert document["cut_short"] == "nodes"
    assert document["nodes"] == [
        {"goal": "g", "kind": "user", "status": "PROVED", "children": [1, 2]},
        {
            "goal": "active(img,p)",
            "kind": "active",
            "status": "FACT",
            "label": "wall",
            "evidence": {
                "proposition": "p",
                "value": 1.5,
                "threshold": 1.0,
                "margin": 0.5,
                "deviations": 2.0,
                "region": [0, 0, 0.5, 1],
            },
            "children": [],
        },
        {
            "goal": "at_least(1,[])",
            "kind": "at_least",
            "status": "ABSENT",
            "count": {"needed": 1, "holding": 0, "total": 0},
            "children": [],
        },
        {
            "goal": "score(img,a,1)",
            "kind": "score",
            "status": "PROVED",
            "class": "a",
            "score": {"points": 1, "base": 2, "won": False, "rival": "b", "margin": 3},
            "children": [],
        },
        {
            "goal": "points(img,a,0)",
            "kind": "points",
            "status": "PROVED",
            "rule": "p1",
            "points": 0,
            "children": [],
        },
    ]
