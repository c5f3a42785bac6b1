"""Findings about a program's text, as lines for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proofsight_server.errors import Issue

SHOWN = 20  # findings of one kind; a network of 1,000 classes has 970 that no rule reaches
PLACES = 3  # lines that have the same finding


def finding_lines(issues: Sequence[Issue], told: Callable[[Issue], str] = str) -> Iterator[str]:
    """A line for each thing that was found, in the order of `issues`, by kind.

    What was found in many places, such as a name that is not declared, is told at the first, with
    how many more there are; of many findings of one kind the first are told, and how many more.
    """
    kinds: dict[tuple[str, str], dict[tuple[str, str], list[Issue]]] = {}
    for issue in issues:
        alike = kinds.setdefault((issue.severity, issue.code), {})
        alike.setdefault((issue.file, issue.message), []).append(issue)
    for (severity, code), alike in kinds.items():
        found = list(alike.values())
        for first, *others in found[:SHOWN]:
            yield f"{told(first)}{_places(others)}"
        left = sum(map(len, found[SHOWN:]))
        if left:
            yield f"… and {left} more of this {severity} ({code}); --json lists all"


def _places(others: Sequence[Issue]) -> str:
    if not others:
        return ""
    lines = list(dict.fromkeys(str(issue.line) for issue in others))
    noun = "line" if len(lines) == 1 else "lines"
    rest = ", …; --json lists all" if len(lines) > PLACES else ""
    return f" ({len(others)} more like this, in {noun} {', '.join(lines[:PLACES])}{rest})"
