"""A proof as a tree of lines, the same bytes as the Prolog `show/1` prints.

The rules are those in the `_comment` of `prolog/messages/en.json`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from proofsight.node import Kind, Node, Score, Status
from proofsight.proof import Proof
from proofsight.rendering.atoms import unquote
from proofsight.rendering.messages import messages
from proofsight.rendering.numbers import compared

_SLOT: Final = re.compile(r"\{(\w+)\}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a tree, in its parts: `branches` and `text` and what follows them."""

    branches: str
    text: str
    label: str
    shown_above: str
    status: Status

    def __str__(self) -> str:
        return f"{self.branches}{self.text}{self.label}{self.shown_above}"


def render(proof: Proof, language: str = "en") -> str:
    """The proof for people; every line ends with a newline."""
    return "".join(f"{line}\n" for line in lines(proof, language))


def lines(proof: Proof, language: str = "en") -> Iterator[Line]:
    """The lines of a proof, in reading order. An empty proof has none."""
    table = messages(language)
    nodes = proof.nodes
    if not nodes:
        return
    printed: set[int] = set()
    # Without recursion, since proofs may be deeper than Python's stack.
    # An entry is a node to print, or one whose left-out children are to be told.
    stack = [(proof.root, "", "", False)]
    counted = {Status.PROVED: table["counted"], Status.FACT: table["counted"]}
    counted[Status.ABSENT] = table["not_counted"]
    while stack:
        number, branches, beneath, told = stack.pop()
        node = nodes[number]
        if told:
            slots = {"left_out": str(node.left_out)}
            kind = "undecided" if _undecided(node) else node.kind.value
            yield Line(branches, fill(table[f"left_out.{kind}"], slots), "", "", node.status)
            continue
        status, before = node.status, ""
        while _merged(node):
            if node.kind is Kind.POINTS:
                before = _text(node, proof, table)
            number = node.children[0]
            node = nodes[number]
            status = status if before else node.status
        not_shown = _not_shown(node, table)
        again = bool(node.children or (node.left_out and not not_shown)) and number in printed
        printed.add(number)
        yield Line(
            branches,
            before + _text(node, proof, table),
            _marks(node, table) + not_shown,
            table["shown_above"] if again else "",
            status,
        )
        if not again:
            parts = [(child, False) for child in node.children]
            if node.left_out and not not_shown:
                parts.append((number, True))
            last = len(parts) - 1
            for index in range(last, -1, -1):
                branch, below = ("└─ ", "   ") if index == last else ("├─ ", "│  ")
                part, left = parts[index]
                mark = ""
                if node.kind is Kind.AT_LEAST and not left:
                    mark = counted.get(nodes[part].status, "")
                stack.append((part, beneath + branch + mark, beneath + below, left))


def heading(asked: str, holds: bool, language: str = "en") -> str:
    """The line above the tree where the answer is not the one that the question expects."""
    if asked == "why" and not holds:
        return messages(language)["heading.refuted"]
    if asked == "why_not" and holds:
        return messages(language)["heading.proved"]
    return ""


def proposition(node: Node) -> str:
    """The proposition's atom; where no evidence names it, it is read from the goal."""
    if node.evidence is not None and node.evidence.proposition:
        return node.evidence.proposition
    atom = node.goal.partition("(")[2].partition(",")[2].removesuffix(")")
    return unquote(atom)


def _marks(node: Node, table: Mapping[str, str]) -> str:
    """What people call a node, and the circuit beneath it."""
    label = fill(table["label"], {"label": node.label}) if node.label else ""
    circuit = fill(table["circuit"], {"circuit": node.circuit}) if node.circuit else ""
    return label + circuit


def _not_shown(node: Node, table: Mapping[str, str]) -> str:
    """How much is beneath a node of which nothing is shown."""
    template = table.get(f"not_shown.{node.kind.value}", "")
    if node.children or not node.left_out or not template:
        return ""
    return fill(template, {"left_out": str(node.left_out)})


def _undecided(node: Node) -> bool:
    return node.kind is Kind.DECISION and not node.class_name


def _merged(node: Node) -> bool:
    """Whether the node has no line of its own, but stands on that of its one child."""
    if node.status is Status.CUT_SHORT:
        return False
    return bool(node.children) if node.kind is Kind.NOT else _for_one(node)


def _for_one(node: Node) -> bool:
    return node.kind is Kind.POINTS and len(node.children) == 1


def _text(node: Node, proof: Proof, table: Mapping[str, str]) -> str:
    outranking = _outranking(node, proof)
    if outranking:
        slots = {"class": node.class_name, "rival": outranking}
        return fill(table["decision.outranked"], slots)
    return fill(table.get(_key(node, proof.cut_short), "{goal}"), _slots(node))


def _outranking(node: Node, proof: Proof) -> str:
    """The class that was decided instead of one that holds too; empty where that is not so."""
    if node.kind is not Kind.DECISION or node.status is not Status.ABSENT:
        return ""
    if not node.class_name or len(node.children) != 2:
        return ""
    own, decided = (proof.nodes[child] for child in node.children)
    holds = own.kind is Kind.CLASS and own.status is Status.PROVED
    return decided.class_name if holds else ""


def _key(node: Node, cut_short: str) -> str:
    if node.status is Status.CUT_SHORT:
        return f"cut_short.{cut_short}"
    if _undecided(node):
        return "decision.none"
    if node.score is not None:
        return f"score.{_standing(node.score)}"
    if _for_one(node):
        return f"points.{node.status.value.lower()}_for"
    if node.kind is Kind.CLASS and node.status is Status.PROVED and not node.rule:
        return "class.decided"
    if node.status is Status.ABSENT:
        if node.kind is Kind.ACTIVE and node.evidence is None:
            return "active.underived"
        if node.kind is Kind.CLASS and not node.children and not node.left_out:
            return "class.ruleless"
    return f"{node.kind.value}.{node.status.value.lower()}"


def _standing(score: Score) -> str:
    if not score.rival:
        return "alone"
    if score.margin == 0:
        return "first_of_equals" if score.won else "later_of_equals"
    return "ahead" if score.won else "behind"


def _slots(node: Node) -> dict[str, str]:
    slots = {"class": node.class_name, "rule": node.rule, "goal": node.goal}
    if node.kind is Kind.EXCEPTION:
        slots["excepted"] = node.goal.removeprefix("ab(").rpartition(",")[0]
    if node.kind is Kind.ACTIVE:
        slots["proposition"] = proposition(node)
    if node.evidence is not None:
        slots["value"], slots["threshold"] = compared(node.evidence.value, node.evidence.threshold)
    if node.count is not None:
        slots["needed"] = str(node.count.needed)
        slots["holding"] = str(node.count.holding)
        slots["total"] = str(node.count.total)
    if node.score is not None:
        slots["points"], slots["base"] = str(node.score.points), str(node.score.base)
        slots["rival"], slots["margin"] = node.score.rival, str(node.score.margin)
    if node.points is not None:
        slots["points"] = f"{node.points:+d}" if node.points else "0"
    return slots


def fill(template: str, slots: Mapping[str, str]) -> str:
    """A message with its `{slots}` filled; control characters in them become spaces."""
    return _SLOT.sub(lambda slot: _CONTROL.sub(" ", slots.get(slot[1], "")), template)
