"""Facts and proofs as Prolog terms that read back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from proofsight.errors import BadFacts
from proofsight.facts import Facts
from proofsight.node import Kind, Node, Score
from proofsight.proof import Proof
from proofsight.rendering.atoms import comment, float_text, quote
from proofsight.rendering.text import proposition

# Goals of these kinds may be operators, such as `1<2`; as arguments they stand in parentheses.
_OPEN_GOALS: Final = (Kind.USER, Kind.BUILTIN, Kind.NOT, Kind.UNSPECIFIED)


def fact_lines(facts: Facts, image: str) -> Iterator[str]:
    """The facts as `value/3`, `measured/3` and `predicted/3` about the atom `image`, in that order.

    Comments before them say what they are of.

    Raises BadFacts where the facts do not name their propositions.
    """
    if facts.values and not facts.propositions:
        raise BadFacts(
            "these facts do not name their propositions; ask the server for them again",
            "INVALID_ARGUMENT",
            "BAD_FACTS",
        )
    atom = quote(image)
    if facts.revision:
        yield comment(f"revision: {facts.revision}")
    if facts.quantiser_etag:
        yield comment(f"quantiser_etag: {facts.quantiser_etag}")
    for name, value in zip(facts.propositions, facts.values, strict=True):
        yield f"value({atom}, {quote(name)}, {float_text(value)})."
    for name, value in facts.measured:
        yield f"measured({atom}, {quote(name)}, {float_text(value)})."
    for name, probability in facts.predictions:
        yield f"predicted({atom}, {quote(name)}, {float_text(probability)})."


def proof_term(proof: Proof) -> str:
    """The proof as `proof(Nodes, CutShort)`, the term that `proof/2` gives and `show/1` takes."""
    nodes = _from_root(proof)
    return f"proof([{','.join(map(_node, nodes))}],{quote(proof.cut_short)})"


def _from_root(proof: Proof) -> tuple[Node, ...]:
    """The nodes with the root as number 0, as Prolog has them."""
    nodes, root = proof.nodes, proof.root
    if root == 0:
        return nodes
    order = [root, *(number for number in range(len(nodes)) if number != root)]
    place = {number: index for index, number in enumerate(order)}
    return tuple(
        replace(nodes[number], children=tuple(place[child] for child in nodes[number].children))
        for number in order
    )


def _node(node: Node) -> str:
    goal = f"({node.goal})" if node.kind in _OPEN_GOALS else node.goal
    children = ",".join(map(str, node.children))
    return (
        f"node({goal},{node.kind.value},{quote(node.status.value)},[{children}],"
        f"[{','.join(_details(node))}])"
    )


def _details(node: Node) -> Iterator[str]:
    if node.class_name:
        yield f"class({quote(node.class_name)})"
    if node.kind is Kind.ACTIVE:
        yield f"proposition({quote(proposition(node))})"
    if node.label:
        yield f"label({quote(node.label)})"
    if node.evidence is not None:
        yield f"threshold({float_text(node.evidence.threshold)})"
        yield f"value({float_text(node.evidence.value)})"
    if node.rule:
        yield f"rule({quote(node.rule)})"
    if node.points is not None:
        yield f"points({node.points})"
    if node.count is not None:
        yield f"count({node.count.needed},{node.count.holding},{node.count.total})"
    if node.score is not None:
        yield f"score({node.score.points},{node.score.base},{_against(node.score)})"
    if node.left_out:
        yield f"left_out({node.left_out})"


def _against(score: Score) -> str:
    if not score.rival:
        return "none"
    return f"{'ahead' if score.won else 'behind'}({quote(score.rival)},{score.margin})"
