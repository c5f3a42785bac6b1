"""Rules that a person hands in one by one, read as a file of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from proofsight_server.errors import BadOption
from proofsight_server.knowledge.atom import quote
from proofsight_server.knowledge.reading import refusal
from proofsight_server.knowledge.revision import LABELS, QUANTISER, RULES, USER, check_files
from proofsight_server.rules.program import Program, Rule


def read_clauses(
    text: str, program: Program, quantiser: bytes, *, place: str = "the rule to force"
) -> tuple[Rule, ...]:
    """The rules that stand in `text`, checked against the words of a program.

    A full stop at the end may be left out, as people do on a command line.

    Parameters
    ----------
    program
        Whose classes and policy the rules are for.
    quantiser
        The `quantiser.pl` that declares what bodies may use.
    place
        What findings call the text: a file's path.

    Raises
    ------
    BadProgram
        The check refuses the rules; the issues say where.
    BadOption
        There is no rule in the text.
    """
    whole = text.rstrip()
    whole = whole if whole.endswith(".") else f"{whole}."
    policy = "points" if program.policy == "points" else "ordered"
    # Behind the text, so that lines and columns of findings are those of the text.
    frame = f"policy({policy}).\nclass_order([{_listed(program.classes)}])."
    files = {
        QUANTISER: quantiser,
        RULES: f"{whole}\n{frame}\n".encode(),
        LABELS: b"",
        USER: b"",
    }
    source = check_files(Path(), files, program.classes)
    if source.errors:
        raise refusal([replace(issue, file=place) for issue in source.errors])
    if not source.program.rules:
        raise BadOption(
            f"{place} has no rule; write one as class(Image, {quote(program.classes[0])}) :- "
            "rule(f1, Image), active(Image, Proposition)",
            place=place,
        )
    return source.program.rules


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(quote, names))
