"""A revision read from its directory: whole, unharmed, and checked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from proofsight_server.errors import BadRevision, Issue
from proofsight_server.knowledge.label import Label
from proofsight_server.knowledge.manifest import Manifest
from proofsight_server.knowledge.reading import ProgramSource, read_program
from proofsight_server.rules.program import Program
from proofsight_server.symbols.quantisation import Quantisation

MANIFEST = "manifest.json"
MODEL = "model.safetensors"
QUANTISER = "quantiser.pl"
RULES = "rules.pl"
LABELS = "labels.pl"
USER = "user.pl"
# Annexes whose files are facts that are loaded beside the program; prolog/proofsight/annex_words.pl
FACT_ROOMS = ("circuits", "interactions")

PROGRAM_FILES = (QUANTISER, RULES, LABELS, USER)
EDITABLE_FILES = (RULES, LABELS, USER)
_ETAG_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision as its files say it, edits by hand included.

    Attributes
    ----------
    directory
        Where it is: `ROOT/KB/N`.
    labels, marks
        Texts for people, by proposition; and every line of `labels.pl`.
    user
        The text of `user.pl`.
    warnings
        What the check found besides errors.
    etag, quantiser_etag
        Of the four program files; of `quantiser.pl` alone.
    edited
        The program files that are not as they were published.
    """

    directory: Path
    manifest: Manifest
    quantisation: Quantisation
    program: Program
    labels: Mapping[str, str]
    marks: tuple[Label, ...]
    user: str
    warnings: tuple[Issue, ...]
    etag: str
    quantiser_etag: str
    edited: tuple[str, ...]

    @property
    def edited_since_measured(self) -> bool:
        """Whether the manifest's figures are those of another text than this."""
        return bool(self.edited)

    @property
    def name(self) -> str:
        """Its knowledge base and number: `digits/3`."""
        return f"{self.directory.parent.name}/{self.directory.name}"


def open_revision(directory: Path) -> Revision:
    """Read a revision and check it.

    Program files may have been edited; they are checked and the edit is told in `edited`.
    Every other file must be what the manifest says.

    Raises
    ------
    BadRevision
        A file is missing, the model is not the one of the manifest, or the manifest is
        damaged.
    BadProgram
        A program file does not pass the check; the issues say where.
    """
    directory = directory.absolute()
    manifest = _manifest(directory)
    # Read once: hash, check and export then speak of the same bytes, whoever edits meanwhile.
    files = {name: (directory / name).read_bytes() for name in PROGRAM_FILES}
    source = check_files(directory, files, manifest.classes).checked()
    return Revision(
        directory,
        manifest,
        _quantisation(source, manifest),
        source.program,
        {label.proposition: label.text for label in reversed(source.labels)},
        source.labels,
        files[USER].decode(),
        source.issues,
        _etag(files),
        _etag({QUANTISER: files[QUANTISER]}),
        _edited(files, manifest),
    )


def check_revision(directory: Path) -> tuple[ProgramSource, tuple[str, ...]]:
    """What the check of a revision finds, its annexes included, and which files were edited.

    Errors of the program are findings, not exceptions.

    Raises
    ------
    BadRevision
        As `open_revision` does.
    """
    directory = directory.absolute()
    manifest = _manifest(directory)
    files = {name: (directory / name).read_bytes() for name in PROGRAM_FILES}
    annexes = {name: (directory / name).read_bytes() for name in fact_files(directory)}
    source = check_files(directory, files | annexes, manifest.classes)
    return source, _edited(files, manifest)


def fact_files(directory: Path) -> tuple[str, ...]:
    """The annexes of a revision that are facts, relative and sorted: `circuits/conv3_c12.pl`."""
    return tuple(
        f"{room}/{path.name}"
        for room in FACT_ROOMS
        for path in sorted((directory / room).glob("[!.]*.pl"))
    )


def program_etag(directory: Path) -> str:
    """The etag of the program files of a revision as they are now; missing ones are left out."""
    present = (name for name in PROGRAM_FILES if (directory / name).exists())
    return _etag({name: (directory / name).read_bytes() for name in present})


def files_stamp(directory: Path) -> str:
    """Another text whenever what is no program file comes, goes or is written to.

    That is the manifest, the model and the files of `fact_files`; nothing of them is read.
    """
    present = [name for name in (MANIFEST, MODEL) if (directory / name).exists()]
    found = ((name, (directory / name).stat()) for name in (*present, *fact_files(directory)))
    return ";".join(f"{name}:{stat.st_size}:{stat.st_mtime_ns}" for name, stat in found)


def hash_file(path: Path) -> str:
    """sha256 of a file's content, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _manifest(directory: Path) -> Manifest:
    """The manifest of a revision whose files are all there, and whose weights are its own."""
    wanted = (MANIFEST, MODEL, *PROGRAM_FILES)
    missing = [name for name in wanted if not (directory / name).is_file()]
    if missing:
        raise BadRevision(
            f"{directory} is no whole revision: {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing; remove the directory or restore it",
            directory=directory,
            missing=", ".join(missing),
        )
    try:
        manifest = Manifest.from_json((directory / MANIFEST).read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise BadRevision(f"{directory / MANIFEST} is no UTF-8 text ({error})") from error
    except BadRevision as error:
        raise BadRevision(f"{directory}: {error.message}", **error.metadata) from error
    if hash_file(directory / MODEL) != manifest.files.get(MODEL):
        raise BadRevision(
            f"{directory / MODEL} is not the file that was published: its sha256 is not the "
            "manifest's; put the file back or extract the rules again",
            file=MODEL,
        )
    return manifest


def _edited(files: Mapping[str, bytes], manifest: Manifest) -> tuple[str, ...]:
    return tuple(name for name in files if _sha256(files[name]) != manifest.files.get(name))


def check_files(
    directory: Path, files: Mapping[str, bytes], classes: tuple[str, ...]
) -> ProgramSource:
    """The program behind file contents, its `classes` being the network's.

    Issues name files by their path in `directory`.
    """
    garbled = [_not_utf8(name, data) for name, data in files.items() if not _is_utf8(data)]
    if garbled:
        source = ProgramSource((), (), Program((), ()), (), (), tuple(garbled))
    else:
        source = read_program({name: data.decode() for name, data in files.items()})
        found = _class_issues(source, classes)
        program = replace(source.program, classes=classes)
        source = replace(source, program=program, issues=(*source.issues, *found))
    placed = (replace(i, file=str(directory / i.file)) for i in source.issues)
    return replace(source, issues=tuple(placed))


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _not_utf8(name: str, data: bytes) -> Issue:
    good = data.decode(errors="surrogateescape")
    place = next(i for i, character in enumerate(good) if "\udc80" <= character <= "\udcff")
    before = good[:place]
    line, column = before.count("\n") + 1, place - (before.rfind("\n") + 1) + 1
    return Issue("error", "syntax_error", name, line, column, "not UTF-8; save the file as UTF-8")


def _class_issues(source: ProgramSource, classes: tuple[str, ...]) -> list[Issue]:
    """Classes that the network does not have, and those of it that the program does not name."""
    if source.errors:
        return []
    named = source.program.classes
    foreign = [
        Issue(
            "error",
            "unknown_class",
            RULES,
            0,
            0,
            f"the network has no class {name!r}; its classes are {', '.join(classes)}",
        )
        for name in named
        if name not in classes
    ]
    unnamed = [
        Issue(
            "warning",
            "unreachable_class",
            RULES,
            0,
            0,
            f"no rule can reach class {name}, and it is not the default",
        )
        for name in classes
        if name not in named
    ]
    return foreign + unnamed


def _quantisation(source: ProgramSource, manifest: Manifest) -> Quantisation:
    observable = [p for p in source.propositions if p.feature is not None]
    derived = [p for p in source.propositions if p.feature is None]
    return Quantisation(
        layers=source.layers,
        propositions=(*observable, *derived),
        default_reduction=manifest.default_reduction,
        scales=tuple(manifest.scales.get(p.name, 0.0) for p in observable),
        rates=tuple(manifest.rates.get(p.name, 0.0) for p in observable),
        aliases=manifest.aliases,
        dropped=manifest.dropped,
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _etag(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, data in files.items():
        digest.update(name.encode())
        digest.update(data)
    return digest.hexdigest()[:_ETAG_LENGTH]
