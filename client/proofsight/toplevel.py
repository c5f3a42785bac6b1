"""SWI-Prolog's own top level on a knowledge base."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from proofsight.address import DEFAULT_SERVER
from proofsight.errors import InvalidArgument, ProofsightError, UnknownKnowledgeBase
from proofsight.names import short
from proofsight.prolog_home import prolog_home
from proofsight.rendering.atoms import quote

if TYPE_CHECKING:
    from proofsight.client import Client

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")
_HINT: Final = (
    "load_image('FILE', I).  why(I, C).  why_not(I, C).  flip(I, C).  rules(C).  End: halt."
)


@dataclass(frozen=True, slots=True)
class Opening:
    """A revision's files to open at a prompt.

    Attributes
    ----------
    directory
        Where `rules.pl` and the others are.
    name
        `digits/3`.
    server
        Where `load_image/2` gets facts.
    temporary
        Whether the directory is to be removed when the prompt ends.
    """

    directory: Path
    name: str
    server: str = DEFAULT_SERVER
    temporary: bool = False

    def command(self) -> list[str]:
        """The words that start SWI-Prolog."""
        directory = quote(str(self.directory))
        goals = [
            # Whoever asks questions wants to read what is wrong with one, and no stack.
            "set_prolog_flag(backtrace, false)",
            "use_module(library(proofsight))",
            f"catch(knowledge_base({directory}), E, (print_message(error, E), halt(1)))",
        ]
        if self.temporary:
            # The process becomes SWI-Prolog, so that nobody else is left to tidy up.
            goals.insert(0, f"at_halt(delete_directory_and_contents({directory}))")
        words = ["swipl", "-q", "-p", f"library={prolog_home()}"]
        for goal in goals:
            words += ["-g", goal]
        return words

    def environment(self) -> dict[str, str]:
        """The environment in which `load_image/2` finds `proofsight`, server and revision."""
        scripts = str(Path(sys.executable).parent)
        return {
            **os.environ,
            "PATH": os.pathsep.join((scripts, os.environ.get("PATH", os.defpath))),
            "PROOFSIGHT_KB": self.name,
            "PROOFSIGHT_SERVER": self.server,
        }

    def banner(self) -> str:
        """Two lines: what is open, and what to type."""
        where = f"from {self.server}" if self.temporary else str(self.directory)
        return f"Proofsight: {self.name} ({where})\n{_HINT}\n"

    def run(self) -> NoReturn:
        """Become SWI-Prolog's top level."""
        words = self.command()
        sys.stdout.write(self.banner())
        sys.stdout.flush()
        os.execvpe(words[0], words, self.environment())


def demand_prolog() -> None:
    """Raise ProofsightError where SWI-Prolog is not installed."""
    if shutil.which("swipl") is None:
        raise ProofsightError(
            "SWI-Prolog (swipl) is not installed; on Debian: apt install swi-prolog-nox",
            reason="NO_PROLOG",
        )


def from_repository(text: str, server: str = DEFAULT_SERVER) -> Opening:
    """The revision on disk that `R/KB` (its newest) or `R/KB/N` names.

    Raises UnknownKnowledgeBase, naming what there is instead.
    """
    path = Path(text).resolve()
    if _NUMBER.fullmatch(path.name):
        base, wanted = path.parent, int(path.name)
    else:
        base, wanted = path, None
    numbers = _revisions(base)
    if not numbers or wanted not in (None, *numbers):
        there = f"{base} has revisions {', '.join(map(str, numbers))}" if numbers else _there(base)
        raise UnknownKnowledgeBase(
            f"no knowledge base at {text}: {there}", "NOT_FOUND", "UNKNOWN_KB", {"name": text}
        )
    number = numbers[-1] if wanted is None else wanted
    return Opening(base / str(number), f"{base.name}/{number}", server)


def from_server(client: Client, kb: str) -> Opening:
    """The program that a server exports, in a temporary directory."""
    program = client.export(kb)
    directory = Path(tempfile.mkdtemp(prefix="proofsight-repl-"))
    try:
        program.write(directory)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return Opening(directory, short(program.revision), client.server, temporary=True)


def only_knowledge_base(client: Client) -> str:
    """The one knowledge base of a server. Raises InvalidArgument where there are more or none."""
    names = [base.kb for base in client.knowledge_bases()]
    if len(names) == 1:
        return names[0]
    remedy = (
        f"pass --kb, one of: {', '.join(names)}"
        if names
        else f"the server at {client.server} has none yet; make one with `proofsight extract`"
    )
    raise InvalidArgument(
        f"which knowledge base? {remedy}", "INVALID_ARGUMENT", "BAD_OPTION", {"field": "kb"}
    )


def _revisions(base: Path) -> list[int]:
    if not base.is_dir():
        return []
    return sorted(int(p.name) for p in base.iterdir() if _NUMBER.fullmatch(p.name) and p.is_dir())


def _there(base: Path) -> str:
    """What there is around a directory that is no knowledge base."""
    for root in (base, base.parent):
        if root.is_dir():
            names = sorted(p.name for p in root.iterdir() if p.is_dir() and _revisions(p))
            if names:
                return f"{root} has {', '.join(names)}; write REPOSITORY/KB or REPOSITORY/KB/NUMBER"
    return "write REPOSITORY/KB or REPOSITORY/KB/NUMBER; `proofsight extract` makes one"
