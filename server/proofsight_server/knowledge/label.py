"""Labels: names that people give to propositions, never identity."""

from __future__ import annotations

from dataclasses import dataclass

from proofsight_server.knowledge.atom import quote


@dataclass(frozen=True, slots=True)
class Label:
    """`label(proposition, text, by)`; `by` is a Prolog term as text: who or what named it."""

    proposition: str
    text: str
    by: str


def by_hand(person: str) -> str:
    """The origin of a label that a person gave."""
    return f"hand({quote(person)})"


def automatic(method: str, score: float) -> str:
    """The origin of a label that `method` found, with its score."""
    return f"auto({quote(method)},{float(score)!r})"


def is_by_hand(label: Label) -> bool:
    """Whether a person gave the label."""
    return label.by.startswith("hand(")
