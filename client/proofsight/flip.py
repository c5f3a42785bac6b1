"""What would change a decision."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from proofsight.answers import Decision, _predictions
from proofsight.facts import Prediction


class FlipStatus(StrEnum):
    """What became of the search for changes."""

    UNSPECIFIED = "UNSPECIFIED"
    FOUND = "FOUND"
    IMPOSSIBLE = "IMPOSSIBLE"
    CUT_SHORT = "CUT_SHORT"


class Direction(StrEnum):
    """On which side of its threshold a value must get."""

    UNSPECIFIED = "unspecified"
    ABOVE = "above"
    AT_MOST = "at_most"


@dataclass(frozen=True, slots=True)
class Change:
    """A proposition that changes.

    Attributes
    ----------
    proposition
        Its atom. Where a feature has several thresholds, each that its value crosses is a change
        of its own.
    active_before, active_after
        Whether it is active as the image is, and whether it is then.
    value, threshold
        As the image is; the value must get on the side of the threshold that `direction` says.
    limit
        How far the value may go there: past this, the next threshold of its feature, another
        proposition would change. None: as far as it likes.
    label
        The name that people gave the proposition; empty where there is none.
    """

    proposition: str
    active_before: bool
    active_after: bool
    value: float
    threshold: float
    direction: Direction
    limit: float | None = None
    label: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON ready."""
        change: dict[str, Any] = {
            "proposition": self.proposition,
            "from": self.active_before,
            "to": self.active_after,
            "value": self.value,
            "threshold": self.threshold,
            "direction": self.direction.value,
        }
        if self.limit is not None:
            change["limit"] = self.limit
        if self.label:
            change["label"] = self.label
        return change


@dataclass(frozen=True, slots=True)
class Flip:
    """The fewest propositions whose change alters the decision.

    Attributes
    ----------
    wanted
        The class that was asked for; None: any other decision.
    status
        FOUND: `changes` are the fewest, and none where the wanted class was decided. IMPOSSIBLE:
        no change of observed propositions is enough. CUT_SHORT: a limit, `cut_short`, ended the
        search; `changes` are the best that were found, if any were.
    decision, flipped
        The program's decision for the image, and that after the changes, found by deciding again.
    changes
        The propositions that change, in the order of the revision. All others stay as they are.
    verified
        Whether `flipped` is as was asked.
    lower_bound
        At least so many propositions must change; None where no number is enough.
    cut_short
        `steps`, `inferences` or `seconds`; empty where no limit was reached.
    """

    revision: str
    etag: str
    wanted: str | None
    decision: Decision
    predictions: tuple[Prediction, ...]
    status: FlipStatus
    flipped: Decision
    changes: tuple[Change, ...]
    verified: bool
    lower_bound: int | None
    cut_short: str = ""
    steps: int = 0
    inferences: int = 0

    def text(self, language: str = "en") -> str:
        """The answer for people, the same bytes as `flip/2` prints.

        Raises LookupError for a language that has no messages.
        """
        from proofsight.rendering.changes import render

        return render(self, language)

    def to_prolog(self) -> str:
        """`flip(Status, Class, Changes, Bound)`, with changes as by `flip/3`; no full stop."""
        from proofsight.rendering.changes import flip_term

        return flip_term(self)

    def to_dict(self) -> dict[str, Any]:
        """JSON ready."""
        return {
            "revision": self.revision,
            "etag": self.etag,
            "wanted": self.wanted,
            "decision": self.decision.to_dict(),
            "predictions": _predictions(self.predictions),
            "status": self.status.value,
            "flipped": self.flipped.to_dict(),
            "changes": [change.to_dict() for change in self.changes],
            "verified": self.verified,
            "lower_bound": self.lower_bound,
            "cut_short": self.cut_short,
            "steps": self.steps,
            "inferences": self.inferences,
        }

    def __str__(self) -> str:
        return self.text().rstrip("\n")
