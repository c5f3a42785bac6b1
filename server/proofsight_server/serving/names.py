"""Resource names: `knowledgeBases/{kb}/revisions/{n}/rules/{id}`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from proofsight_server.errors import BadOption

_NAME = re.compile(
    r"knowledgeBases/(?P<kb>[a-z0-9][a-z0-9_-]{0,99})(?:/revisions/(?P<number>[1-9][0-9]{0,8}))?"
)


@dataclass(frozen=True, slots=True)
class RevisionName:
    """A knowledge base and one of its revisions; None stands for the newest."""

    kb: str
    number: int | None = None

    @classmethod
    def parse(cls, text: str) -> RevisionName:
        """The name in `text`. Raises BadOption where it is none."""
        match = _NAME.fullmatch(text)
        if match is None:
            raise BadOption(
                f"{text!r} names no revision; write knowledgeBases/KB or "
                "knowledgeBases/KB/revisions/N, with KB of a-z, 0-9, _ and -, "
                "at most 100 of them",
                field="name",
                value=text,
            )
        number = match["number"]
        return cls(match["kb"], int(number) if number else None)

    def __str__(self) -> str:
        base = f"knowledgeBases/{self.kb}"
        return base if self.number is None else f"{base}/revisions/{self.number}"
