"""Images as the command line names them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from proofsight.errors import BadFacts, BadImage
from proofsight.facts import Facts

STDIN: Final = "-"
SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".webp"})


def expand(names: Iterable[str]) -> Iterator[str]:
    """The files that the names stand for: a directory for the images beneath it, by path.

    Raises BadImage for a directory without any.
    """
    for name in names:
        if name == STDIN or not Path(name).is_dir():
            yield name
            continue
        found = sorted(
            str(path)
            for path in Path(name).rglob("*")
            if path.suffix.lower() in SUFFIXES and path.is_file()
        )
        if not found:
            raise BadImage(
                f"{name} holds no {', '.join(sorted(SUFFIXES))} file",
                "INVALID_ARGUMENT",
                "BAD_IMAGE",
                {"path": name},
            )
        yield from found


def is_single(names: list[str]) -> bool:
    """Whether the names stand for one image, and not for a list of them."""
    return len(names) == 1 and (names[0] == STDIN or not Path(names[0]).is_dir())


def read(name: str) -> bytes:
    """The bytes of a file or of standard input. Raises OSError."""
    return sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()


def subject(name: str) -> bytes | Facts:
    """The image in a file or on standard input, or the facts there. Raises OSError, BadFacts."""
    data = read(name)
    if data.lstrip()[:1] not in (b"{", b"["):
        return data
    try:
        document = json.loads(data)
    except ValueError as error:
        raise BadFacts(
            f"{name} looks like JSON, and is none: {error}", "INVALID_ARGUMENT", "BAD_FACTS"
        ) from None
    if not isinstance(document, dict):
        raise BadFacts(
            f"{name} holds a list; pass the facts of one image", "INVALID_ARGUMENT", "BAD_FACTS"
        )
    return Facts.from_dict(document)
