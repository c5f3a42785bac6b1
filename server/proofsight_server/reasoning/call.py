"""Questions and the requests that carry them to a worker."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from proofsight_server.errors import BadFacts, BadGoal, TimeLimit
from proofsight_server.reasoning import frame
from proofsight_server.reasoning.answer import Description
from proofsight_server.reasoning.facts import FactsFrame


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be explained.

    The program's own `decision`, a `class` by name, or a ground `goal` in which the
    variable `Image` stands for the image.
    """

    kind: Literal["decision", "class", "goal"] = "decision"
    text: str = ""

    def to_header(self) -> list[str]:
        """The question as a frame's header carries it."""
        if self.kind == "decision":
            return [self.kind]
        return [self.kind, checked(self.text, self.kind)]


@dataclass(frozen=True, slots=True)
class Call:
    """A request before it is known when a worker takes it.

    `limits` goes along as it is, but for the seconds: they are what `seconds` and the
    `deadline` (an instant of `time.monotonic()`, or None) leave when it is sent.
    """

    header: Mapping[str, Any]
    payload: bytes
    limits: Mapping[str, int | bool]
    seconds: float
    deadline: float | None

    def encode(self, now: float) -> tuple[bytes, float]:
        """The frame to send, and how many seconds the answer may take.

        Raises
        ------
        TimeLimit
            Where the deadline has passed.
        BadGoal
            Where the request is larger than any frame.
        """
        seconds = self.seconds
        if self.deadline is not None:
            seconds = min(seconds, self.deadline - now)
            if seconds <= 0:
                raise self.late()
        limits = {**self.limits, "seconds": seconds}
        try:
            return frame.encode({**self.header, "limits": limits}, self.payload), seconds
        except frame.BrokenFrame as error:
            raise BadGoal(f"the question is too long: {error}") from error

    def late(self) -> TimeLimit:
        """The error for a call whose deadline passed before a worker was free."""
        return TimeLimit(
            "the deadline passed before a Prolog worker was free; allow more time, or ask "
            "again when fewer others do"
        )


def facts_part(facts: FactsFrame | None, description: Description) -> tuple[dict[str, Any], bytes]:
    """The header entries and the payload for an image's facts.

    Raises
    ------
    BadFacts
        Where there is not one value, finite or NaN, per observable proposition, or where
        a name is not Unicode.
    """
    if facts is None:
        return {}, b""
    values = facts.values
    expected = len(description.propositions)
    if values.shape != (expected,) or values.dtype != np.float32:
        raise BadFacts(
            f"the program reads {expected} values, float32 in the order of its propositions; "
            f"these are of shape {values.shape}, {values.dtype}",
            expected=expected,
            shape=values.shape,
            dtype=values.dtype,
        )
    if np.isinf(values).any():
        raise BadFacts("a value is infinite; give finite values, or NaN where unobserved")
    names = [name for name, _ in facts.predicted]
    measured = [name for name, _ in facts.measured]
    checked("".join((facts.image, *names, *measured)), "image's and classes' names", BadFacts)
    numbers = array("d", [number for _, number in (*facts.predicted, *facts.measured)])
    header = {"image": facts.image, "predicted": names}
    if measured:
        header["measured"] = measured
    return header, b"".join((values.tobytes(), numbers.tobytes()))


def checked(text: str, noun: str, error: type[BadGoal] | type[BadFacts] = BadGoal) -> str:
    """`text`, if Prolog can take it.

    Raises
    ------
    BadGoal or `error`
        On a lone surrogate, which is no character and has no UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError as wrong:
        raise error(
            f"the {noun} is not Unicode text: a lone surrogate at position {wrong.start}; "
            "leave it out",
            position=wrong.start,
        ) from wrong
    return text
