"""The repository on disk: knowledge bases, their numbered revisions, and publishing another."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from proofsight_server.errors import BadOption, BadProgram, UnknownKnowledgeBase, UnknownRevision
from proofsight_server.knowledge.label import Label
from proofsight_server.knowledge.manifest import Manifest
from proofsight_server.knowledge.publication import linked, persist, place, prepared
from proofsight_server.knowledge.revision import (
    LABELS,
    MANIFEST,
    MODEL,
    QUANTISER,
    RULES,
    USER,
    Revision,
    hash_file,
    open_revision,
)
from proofsight_server.knowledge.source import (
    USER_FILE,
    write_labels,
    write_quantiser,
    write_rules,
)
from proofsight_server.rules.program import Program
from proofsight_server.symbols.quantisation import Quantisation

_NAME = re.compile(r"(?=.*[a-z_-])[a-z0-9][a-z0-9_-]*")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class Draft:
    """A revision that is not published yet.

    `manifest` comes without hashes of files and without the
    quantisation: publishing fills them in.  `write_model` puts
    the weights into the file that it is given.  `annexes` are files beside the program, by their
    path in the revision; they are linked where the file system allows it, else copied.
    """

    manifest: Manifest
    quantisation: Quantisation
    program: Program
    write_model: Callable[[Path], None]
    labels: tuple[Label, ...] = ()
    user: str = USER_FILE
    annexes: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a revision is meant: `R/KB` is the newest of a knowledge base, `R/KB/N` one of them."""

    root: Path
    kb: str
    number: int | None = None

    def directory(self) -> Path:
        """Where it is. Raises UnknownKnowledgeBase, UnknownRevision."""
        return Repository(self.root).directory(self.kb, self.number)

    def open(self) -> Revision:
        """The revision. Raises UnknownKnowledgeBase, UnknownRevision, BadRevision, BadProgram."""
        return Repository(self.root).revision(self.kb, self.number)


def parse_name(text: str) -> Address:
    """`R/KB` or `R/KB/N`, as people write it on a command line.

    Raises
    ------
    BadOption
        The text is neither.
    """
    path = Path(text)
    if _NUMBER.fullmatch(path.name) and is_name(path.parent.name):
        return Address(path.parent.parent, path.parent.name, int(path.name))
    if not is_name(path.name):
        raise BadOption(
            f"{text!r} names no knowledge base; write REPOSITORY/KB or REPOSITORY/KB/NUMBER, "
            "as in repository/digits or repository/digits/3",
            name=text,
        )
    return Address(path.parent, path.name)


def is_name(text: str) -> bool:
    """Whether `text` can name a knowledge base."""
    return _NAME.fullmatch(text) is not None


class Repository:
    """A directory of knowledge bases: `ROOT/KB/N/`.

    Reading asks nothing of writers, for revisions appear whole: what a killed process left
    behind has a name that is no number.  With `must_exist`, a root that is no directory is
    BadOption at once; without, publishing makes it.
    """

    def __init__(self, root: Path | str, *, must_exist: bool = False) -> None:
        self.root = Path(root)
        if must_exist:
            self._demand_directory()

    def _demand_directory(self) -> None:
        if not self.root.is_dir():
            raise BadOption(
                f"there is no repository at {self.root}; `proofsight extract` makes one",
                repository=self.root,
            )

    def knowledge_bases(self) -> tuple[str, ...]:
        """The names of the knowledge bases that have a revision, sorted.

        Raises
        ------
        BadOption
            The repository is no directory.
        """
        self._demand_directory()
        names = (p.name for p in self.root.iterdir() if p.is_dir() and is_name(p.name))
        return tuple(sorted(name for name in names if self._numbers(name)))

    def revisions(self, kb: str) -> tuple[int, ...]:
        """The numbers of a knowledge base's revisions, rising. Raises UnknownKnowledgeBase."""
        numbers = self._numbers(kb) if is_name(kb) else ()
        if not numbers:
            raise UnknownKnowledgeBase(kb, self.knowledge_bases())
        return numbers

    def latest(self, kb: str) -> int:
        """The number of the newest revision. Raises UnknownKnowledgeBase."""
        return self.revisions(kb)[-1]

    def revision(self, kb: str, number: int | None = None) -> Revision:
        """A revision, by default the newest, read and checked.

        Raises
        ------
        UnknownKnowledgeBase, UnknownRevision
            There is none of that name; the message gives the nearest.
        BadRevision, BadProgram
            As `open_revision` does.
        """
        return open_revision(self.directory(kb, number))

    def directory(self, kb: str, number: int | None = None) -> Path:
        """Where a revision is, by default the newest; it may be damaged.

        Raises
        ------
        UnknownKnowledgeBase, UnknownRevision
            There is none of that name; the message gives the nearest.
        """
        numbers = self.revisions(kb)
        chosen = numbers[-1] if number is None else number
        if chosen not in numbers:
            raise UnknownRevision(f"{kb}/{chosen}", [f"{kb}/{n}" for n in numbers])
        return self.root / kb / str(chosen)

    def check_target(self, kb: str) -> None:
        """Accept a knowledge base that could be published to, before there is anything to publish.

        Raises
        ------
        BadOption
            `kb` is no name, or its directory cannot be made or written.
        """
        if not is_name(kb):
            raise BadOption(
                f"{kb!r} is no name for a knowledge base; use a-z, 0-9, _ and -, beginning with "
                "a letter or digit, and not digits alone",
                name=kb,
            )
        place = self.root / kb
        while not (place.exists() or place.is_symlink()):
            place = place.parent
        if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
            raise BadOption(
                f"cannot write revisions to {self.root / kb}: {place} is no directory that we may "
                "write; choose another --repository",
                repository=self.root,
            )

    def publish(
        self, kb: str, draft: Draft, *, verify: Callable[[Revision], None] | None = None
    ) -> Revision:
        """Write a draft as the next revision: whole, or not at all.

        It is written beside its place, forced to the disk, read back and checked, and then
        renamed to the number after the highest.  Two processes that publish at once get two
        numbers.  An interruption at any moment leaves no part of it in sight.  `verify` sees
        it before it is renamed, and may raise.

        Raises
        ------
        BadOption
            `kb` is no name for a knowledge base.
        BadProgram
            The draft's program does not pass the check.
        """
        self.check_target(kb)
        parent = self.root / kb
        with prepared(parent) as fresh:
            self._write(fresh, draft)
            persist(fresh)
            revision = _read_back(fresh)
            if verify is not None:
                verify(revision)
            directory = place(fresh, parent, lambda: str(self._free_number(parent)))
        warnings = (replace(i, file=str(directory / Path(i.file).name)) for i in revision.warnings)
        return replace(revision, directory=directory, warnings=tuple(warnings))

    @staticmethod
    def _free_number(parent: Path) -> int:
        """The number after the highest that anything bears, a stray file included."""
        taken = (int(p.name) for p in parent.iterdir() if _NUMBER.fullmatch(p.name))
        return max(taken, default=0) + 1

    def _write(self, directory: Path, draft: Draft) -> None:
        draft.write_model(directory / MODEL)
        texts = {
            QUANTISER: write_quantiser(draft.quantisation.layers, draft.quantisation.propositions),
            RULES: write_rules(draft.program),
            LABELS: write_labels(draft.labels),
            USER: draft.user,
        }
        for name, text in texts.items():
            (directory / name).write_bytes(text.encode())
        for name, source in draft.annexes.items():
            linked(source, directory / name)
        described = draft.manifest.describing(draft.quantisation)
        hashes = _hashes(directory, (MODEL, *texts))
        manifest = replace(described, files=hashes, rules=texts[RULES])
        (directory / MANIFEST).write_bytes(manifest.to_json().encode())

    def _numbers(self, kb: str) -> tuple[int, ...]:
        directory = self.root / kb
        if not directory.is_dir():
            return ()
        names = (p.name for p in directory.iterdir() if _NUMBER.fullmatch(p.name) and p.is_dir())
        return tuple(sorted(map(int, names)))


def _read_back(directory: Path) -> Revision:
    """The revision just written, if it says in Prolog what it was written from."""
    revision = open_revision(directory)
    quantisation = revision.quantisation
    again = {
        QUANTISER: write_quantiser(quantisation.layers, quantisation.propositions),
        RULES: write_rules(revision.program),
        LABELS: write_labels(revision.marks),
    }
    for name, text in again.items():
        if text.encode() != (directory / name).read_bytes():
            raise BadProgram(
                f"{name} does not read back as it was written, so it is not published; "
                "a name that this SWI-Prolog reads in another way?",
                file=name,
            )
    return revision


def _hashes(directory: Path, names: Iterable[str]) -> dict[str, str]:
    return {name: hash_file(directory / name) for name in names}
