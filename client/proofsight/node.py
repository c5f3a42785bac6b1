"""One goal of a proof, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from proofsight.facts import Region


class Kind(StrEnum):
    """Kinds of goals."""

    UNSPECIFIED = "unspecified"
    DECISION = "decision"
    CLASS = "class"
    RULE = "rule"
    ACTIVE = "active"
    NOT = "not"
    AT_LEAST = "at_least"
    EXCEPTION = "exception"
    USER = "user"
    BUILTIN = "builtin"
    DEFAULT = "default"
    SCORE = "score"
    POINTS = "points"


class Status(StrEnum):
    """What became of a goal."""

    UNSPECIFIED = "UNSPECIFIED"
    PROVED = "PROVED"
    FACT = "FACT"
    ABSENT = "ABSENT"
    REPEATED = "REPEATED"
    CUT_SHORT = "CUT_SHORT"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a proposition holds or not: value > threshold, strictly.

    `deviations` is the margin in standard deviations of the feature on the training images,
    0 where unknown; `region` is where in the image the value comes from.
    """

    proposition: str
    value: float
    threshold: float
    margin: float
    deviations: float = 0.0
    region: Region | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How an `at_least` goal was counted."""

    needed: int
    holding: int
    total: int


@dataclass(frozen=True, slots=True)
class Score:
    """The points of a class, `base` included, and how they compare.

    `won` says whether the class was decided. `rival` is then the second best, else the class that
    won, and `margin` how many points the better of the two is ahead; empty and 0 where there is
    no other class.
    """

    points: int
    base: int
    won: bool
    rival: str = ""
    margin: int = 0


@dataclass(frozen=True, slots=True)
class Node:
    """One goal; `children` are numbers of nodes of the same proof.

    `label` is the name that people gave a proposition, also where it was not observed; `points`
    what a line of points adds to its class's score where it holds; `left_out` how many more
    children the whole refutation has (`whole=True`); `circuit` is the id of a circuit of the
    channel that a proposition reads, empty where none was found yet.
    """

    goal: str
    kind: Kind
    status: Status
    rule: str = ""
    children: tuple[int, ...] = ()
    evidence: Evidence | None = None
    count: Count | None = None
    class_name: str = ""
    label: str = ""
    score: Score | None = None
    points: int | None = None
    left_out: int = 0
    circuit: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON ready; what a node does not have is left out."""
        answer: dict[str, Any] = {"goal": self.goal, "kind": self.kind, "status": self.status}
        if self.rule:
            answer["rule"] = self.rule
        if self.class_name:
            answer["class"] = self.class_name
        if self.label:
            answer["label"] = self.label
        if self.circuit:
            answer["circuit"] = self.circuit
        if self.evidence is not None:
            evidence = self.evidence
            answer["evidence"] = {
                "proposition": evidence.proposition,
                "value": evidence.value,
                "threshold": evidence.threshold,
                "margin": evidence.margin,
                "deviations": evidence.deviations,
            }
            if evidence.region is not None:
                answer["evidence"]["region"] = list(evidence.region)
        if self.count is not None:
            count = self.count
            answer["count"] = {
                "needed": count.needed,
                "holding": count.holding,
                "total": count.total,
            }
        if self.score is not None:
            score = self.score
            answer["score"] = {
                "points": score.points,
                "base": score.base,
                "won": score.won,
                "rival": score.rival,
                "margin": score.margin,
            }
        if self.points is not None:
            answer["points"] = self.points
        if self.left_out:
            answer["left_out"] = self.left_out
        answer["children"] = list(self.children)
        return answer
