"""Program files of a revision, with edits in place or edited ones in their places."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from proofsight_server.errors import Issue
from proofsight_server.knowledge.reading import ProgramSource
from proofsight_server.knowledge.revision import (
    LABELS,
    PROGRAM_FILES,
    RULES,
    USER,
    Revision,
    check_files,
)
from proofsight_server.knowledge.source import LABELS_HEADER, RULES_HEADER
from proofsight_server.rules.program import Program


def edited_source(revision: Revision, texts: Mapping[str, str]) -> ProgramSource:
    """What the files of a revision say, `texts` in the places of its own.

    Raises
    ------
    BadProgram
        The check refuses them; the issues name given files without a directory.
    """
    own = {name: (revision.directory / name).read_bytes() for name in PROGRAM_FILES}
    files = {**own, **{name: text.encode() for name, text in texts.items()}}
    source = check_files(revision.directory, files, revision.manifest.classes)
    placed = tuple(_placed(issue, texts) for issue in source.issues)
    return replace(source, issues=placed).checked()


def _placed(issue: Issue, texts: Collection[str]) -> Issue:
    name = Path(issue.file).name
    return replace(issue, file=name) if name in texts else issue


def published_program(revision: Revision) -> Program | None:
    """The program as it was before edits in place; None where that is not known."""
    text = revision.manifest.rules
    if RULES not in revision.edited:
        return revision.program
    if not text:
        return None
    own = {name: (revision.directory / name).read_bytes() for name in PROGRAM_FILES}
    files = {**own, RULES: text.encode(), USER: b""}
    source = check_files(revision.directory, files, revision.manifest.classes)
    return None if source.errors else source.program


def changed_files(revision: Revision, texts: Mapping[str, str]) -> list[str]:
    """The files that are not as they were published."""
    given = [
        name
        for name, text in texts.items()
        if text.encode() != (revision.directory / name).read_bytes()
    ]
    return [name for name in PROGRAM_FILES if name in given or name in revision.edited]


def unkept_comments(
    revision: Revision, texts: Mapping[str, str], files: Collection[str]
) -> list[str]:
    """The files with comments of a person's own: a revision has its program written anew."""
    ours = {line for header in (RULES_HEADER, LABELS_HEADER) for line in header.splitlines()}
    found = []
    for name in (RULES, LABELS):
        text = texts.get(name) or (revision.directory / name).read_text(encoding="utf-8")
        if name in files and any(
            line.startswith("%") and line.rstrip() not in ours for line in text.splitlines()
        ):
            found.append(f"{name} is written anew, and its comments are not kept")
    return found
