"""Answers to questions about decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from proofsight.facts import Facts, Prediction
from proofsight.proof import Proof, Tree


@dataclass(frozen=True, slots=True)
class Decision:
    """The program's one answer; no class where nothing decides, no rule where none decided."""

    class_name: str | None
    rule: str | None = None
    by_default: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON ready."""
        return {"class": self.class_name, "rule": self.rule, "by_default": self.by_default}

    def __str__(self) -> str:
        if self.class_name is None:
            return "no decision"
        if self.by_default:
            return f"{self.class_name} by default"
        return f"{self.class_name} by rule {self.rule}" if self.rule else self.class_name


def _predictions(predictions: tuple[Prediction, ...]) -> list[dict[str, Any]]:
    return [{"class": name, "probability": share} for name, share in predictions]


@dataclass(frozen=True, slots=True)
class Classification:
    """What the network says and what the program says of one image."""

    revision: str
    etag: str
    predictions: tuple[Prediction, ...]
    decision: Decision

    @property
    def agrees(self) -> bool | None:
        """Whether both say the same; None where the network's word is not known."""
        if not self.predictions:
            return None
        return self.predictions[0].class_name == self.decision.class_name

    def to_dict(self) -> dict[str, Any]:
        """JSON ready."""
        return {
            "revision": self.revision,
            "etag": self.etag,
            "predictions": _predictions(self.predictions),
            "decision": self.decision.to_dict(),
            "agrees": self.agrees,
        }


@dataclass(frozen=True, slots=True)
class InteractionSum:
    """How the score of one network for an image is the sum of interactions between its regions.

    Attributes
    ----------
    network
        `digits/3`; it may be another than that of the revision.
    image_id
        The atom that the facts are about.
    score, baseline
        What is scored, and what masked regions showed.
    verdict
        Whether the score is proved to be above 0 (`yes`), below (`no`), or neither (`open`).
    proof
        That of the verdict.
    """

    network: str
    image_id: str
    class_name: str
    score: str
    baseline: str
    verdict: str
    proof: Proof

    @property
    def heading(self) -> str:
        """The line above its proof."""
        return (
            f"{self.network} on {self.class_name}: {self.verdict}, by interactions of regions "
            f"({self.score}, baseline {self.baseline})"
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON ready; the proof in graph form."""
        return {
            "network": self.network,
            "image": self.image_id,
            "class": self.class_name,
            "score": self.score,
            "baseline": self.baseline,
            "verdict": self.verdict,
            "proof": self.proof.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Why:
    """Why, or why not.

    Attributes
    ----------
    decision
        The program's decision for the image, whatever was asked.
    holds
        Whether what was asked holds; `proof` is then its proof, else its refutation.
    facts
        The facts, where they were asked for; they stand for the image in further questions.
    asked
        `why` or `why_not`.
    interactions
        The sums that are stored of this image, where they were asked for.
    """

    revision: str
    etag: str
    decision: Decision
    predictions: tuple[Prediction, ...]
    holds: bool
    proof: Proof
    facts: Facts | None = None
    asked: Literal["why", "why_not"] = "why"
    interactions: tuple[InteractionSum, ...] = ()

    @property
    def tree(self) -> Tree:
        """The proof as nested nodes; sharing is marked REPEATED."""
        return self.proof.tree

    def text(self, language: str = "en") -> str:
        """The proof for people, under a heading where the answer is not the one expected.

        Raises LookupError for a language that has no messages.
        """
        from proofsight.rendering.text import heading

        above = heading(self.asked, self.holds, language)
        sums = "".join(f"\n{s.heading}\n{s.proof.text(language)}" for s in self.interactions)
        return (f"{above}\n" if above else "") + self.proof.text(language) + sums

    def to_dict(self) -> dict[str, Any]:
        """JSON ready; the proof in graph form."""
        answer: dict[str, Any] = {
            "revision": self.revision,
            "etag": self.etag,
            "asked": self.asked,
            "holds": self.holds,
            "decision": self.decision.to_dict(),
            "predictions": _predictions(self.predictions),
            "proof": self.proof.to_dict(),
        }
        if self.facts is not None:
            answer["facts"] = self.facts.to_dict()
        if self.interactions:
            answer["interactions"] = [one.to_dict() for one in self.interactions]
        return answer

    def __str__(self) -> str:
        return self.text().rstrip("\n")


@dataclass(frozen=True, slots=True)
class Solution:
    """Values for the variables of a goal, as Prolog text, in order of appearance."""

    bindings: Mapping[str, str]
    proof: Proof | None = None

    def __getitem__(self, variable: str) -> str:
        return self.bindings[variable]

    def to_dict(self) -> dict[str, Any]:
        """JSON ready."""
        answer: dict[str, Any] = {"bindings": dict(self.bindings)}
        if self.proof is not None:
            answer["proof"] = self.proof.to_dict()
        return answer

    def __str__(self) -> str:
        return ", ".join(f"{name} = {value}" for name, value in self.bindings.items()) or "true"


@dataclass(frozen=True, slots=True)
class QuerySummary:
    """How a query ended; `more` where there may be solutions beyond the limit."""

    revision: str
    etag: str
    solutions: int
    more: bool
    inferences: int

    def to_dict(self) -> dict[str, Any]:
        """JSON ready."""
        return {
            "revision": self.revision,
            "etag": self.etag,
            "solutions": self.solutions,
            "more": self.more,
            "inferences": self.inferences,
        }
