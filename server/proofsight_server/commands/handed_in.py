"""Program files that a person hands in with `--rules`, `--labels` and `--user`."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proofsight_server.knowledge.label import Label
    from proofsight_server.symbols.quantisation import Quantisation

LABELS = "labels.pl"
TABLE = ".csv"


@dataclass(frozen=True, slots=True)
class HandedIn:
    """Texts by the name of the program file that they stand for, and where they were read."""

    texts: Mapping[str, str]
    paths: Mapping[str, Path]

    @property
    def has_table(self) -> bool:
        """Whether the labels come as a table."""
        return LABELS in self.paths and self.paths[LABELS].suffix.lower() == TABLE

    def arguments(self) -> dict[str, Any]:
        """The texts as `revise` takes them: `rules`, `labels`, `user`."""
        return {name.removesuffix(".pl"): text for name, text in self.texts.items()}

    @contextmanager
    def named(self) -> Iterator[None]:
        """Have findings about a text name the file that the person knows."""
        from proofsight_server.errors import BadProgram

        try:
            yield
        except BadProgram as error:
            paths = {name: str(path) for name, path in self.paths.items()}
            issues = [replace(i, file=paths.get(i.file, i.file)) for i in error.issues]
            raise BadProgram(error.message, issues, **error.metadata) from error


def read_files(args: argparse.Namespace) -> HandedIn:
    """Read the files that were named. Raises OSError, or BadProgram for one that is no UTF-8."""
    given = {"rules.pl": args.rules, LABELS: args.labels, "user.pl": args.user}
    paths = {name: path for name, path in given.items() if path is not None}
    return HandedIn({name: program_text(path) for name, path in paths.items()}, paths)


def with_table(
    files: HandedIn, quantisation: Quantisation, marks: Sequence[Label], author: str
) -> HandedIn:
    """The files, where a table of labels became the text of `labels.pl`, added to `marks`.

    Raises BadProgram where the table does not hold.
    """
    from proofsight_server.knowledge.label_table import read_label_table, with_labels
    from proofsight_server.knowledge.source import write_labels

    if not files.has_table:
        return files
    labels = read_label_table(
        files.texts[LABELS],
        quantisation.propositions,
        quantisation.layers,
        file=str(files.paths[LABELS]),
        author=author,
    )
    text = write_labels(with_labels(marks, labels))
    return HandedIn({**files.texts, LABELS: text}, files.paths)


def program_text(path: Path) -> str:
    """The text of a file. Raises OSError, or BadProgram for one that is no UTF-8."""
    from proofsight_server.errors import BadProgram

    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise BadProgram(
            f"{path} is not UTF-8 (byte {error.start}); save the file as UTF-8", file=path
        ) from error


def author_of(args: argparse.Namespace) -> str:
    """Who makes the change: as said or, by default, who is logged in; empty where nobody knows."""
    if args.author is not None:
        return str(args.author)
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user: a container that runs under a bare number
        return ""
