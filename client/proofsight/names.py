"""Resource names: `knowledgeBases/{kb}/revisions/{n}`, and the short form `kb/n` for people."""

from __future__ import annotations

import re
from typing import Final

from proofsight.errors import InvalidArgument

_KB: Final = r"[a-z0-9][a-z0-9_-]*"
_SHORT: Final = re.compile(rf"(?P<kb>{_KB})(?:/(?P<number>[1-9]\d{{0,8}}))?")
_FULL: Final = re.compile(
    rf"knowledgeBases/(?P<kb>{_KB})(?:/revisions/(?P<number>[1-9]\d{{0,8}}))?(?:/.*)?"
)


def resource(kb: str) -> str:
    """The resource name of `kb`: `digits`, `digits/3`, or a resource name, which stays as it is.

    Raises InvalidArgument where it is none of them.
    """
    if kb.startswith("knowledgeBases/"):
        return kb
    match = _SHORT.fullmatch(kb)
    if match is None:
        raise InvalidArgument(
            f"{kb!r} names no knowledge base; write KB or KB/REVISION, such as digits or digits/3, "
            "with KB of a-z, 0-9, _ and -",
            "INVALID_ARGUMENT",
            "BAD_OPTION",
            {"field": "kb", "value": kb},
        )
    name = f"knowledgeBases/{match['kb']}"
    return f"{name}/revisions/{match['number']}" if match["number"] else name


def short(name: str) -> str:
    """`digits/3` for `knowledgeBases/digits/revisions/3`; anything else as it is."""
    match = _FULL.fullmatch(name)
    if match is None:
        return name
    return f"{match['kb']}/{match['number']}" if match["number"] else match["kb"]
