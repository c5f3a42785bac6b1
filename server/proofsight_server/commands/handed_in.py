"""Program files that a person hands in with `--rules`, `--labels` and `--user`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proofsight_server.knowledge.label import Label
    from proofsight_server.symbols.quantisation import Quantisation

TABLE = ".csv"


@dataclass(frozen=True, slots=True)
class HandedIn:
    """Texts by the name of the program file that they stand for, and where they were read."""

    texts: Mapping[str, str]
    paths: Mapping[str, Path]

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


def handed_in(
    args: argparse.Namespace, quantisation: Quantisation, marks: Sequence[Label], author: str
) -> HandedIn:
    """Read the files; a table of labels becomes the text of `labels.pl`, added to `marks`.

    Raises
    ------
    OSError, BadProgram
        A file that cannot be read, or is no UTF-8; a table that does not hold.
    """
    from proofsight_server.knowledge.label_table import read_label_table, with_labels
    from proofsight_server.knowledge.revision import LABELS, RULES, USER
    from proofsight_server.knowledge.source import write_labels

    given = {RULES: args.rules, LABELS: args.labels, USER: args.user}
    paths = {name: path for name, path in given.items() if path is not None}
    texts = {name: program_text(path) for name, path in paths.items()}
    if LABELS in paths and paths[LABELS].suffix.lower() == TABLE:
        labels = read_label_table(
            texts[LABELS],
            quantisation.propositions,
            quantisation.layers,
            file=str(paths[LABELS]),
            author=author,
        )
        texts[LABELS] = write_labels(with_labels(marks, labels))
    return HandedIn(texts, paths)


def program_text(path: Path) -> str:
    """The text of a file. Raises OSError, or BadProgram for one that is no UTF-8."""
    from proofsight_server.errors import BadProgram

    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise BadProgram(
            f"{path} is not UTF-8 (byte {error.start}); save the file as UTF-8", file=path
        ) from error
