"""What goes to standard output: plain text and JSON, and colour on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from proofsight.node import Status

if TYPE_CHECKING:
    from proofsight.rendering.text import Line

STYLES: Final = {
    Status.PROVED: "green",
    Status.FACT: "green",
    Status.ABSENT: "red",
    Status.CUT_SHORT: "yellow",
}
Span = tuple[str, str]  # a text and the style that rich gives it on a terminal


def print_json(document: Any) -> None:
    """One JSON document, on lines of its own."""
    print(json.dumps(document, ensure_ascii=False, indent=2))


def print_json_list(documents: Iterable[Any]) -> None:
    """One JSON array whose elements are written as they come; whole also where they end early."""
    opening = "["
    try:
        for document in documents:
            print(f"{opening}\n{json.dumps(document, ensure_ascii=False)}", end="")
            opening = ","
    finally:
        print("[]" if opening == "[" else "\n]")


def print_spans(spans: Iterable[Span]) -> None:
    """A line of styled texts; styles are left out where the output is no terminal."""
    if not sys.stdout.isatty():
        print("".join(text for text, _ in spans))
        return
    from rich.console import Console
    from rich.text import Text

    Console(highlight=False).print(Text.assemble(*spans), soft_wrap=True)


def line_spans(line: Line) -> list[Span]:
    """A line of a proof with its styles."""
    return [
        (line.branches, "dim"),
        (line.text, STYLES.get(line.status, "")),
        (line.label, "cyan"),
        (line.shown_above, "dim"),
    ]


def say(message: str) -> None:
    """A message to the person, on standard error."""
    print(f"proofsight: {message}", file=sys.stderr)
