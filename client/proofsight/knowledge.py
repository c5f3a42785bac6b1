"""What a server knows: knowledge bases, revisions, rules, programs and findings about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from proofsight.errors import ProofsightError
from proofsight.names import short


@dataclass(frozen=True, slots=True)
class _Value:
    """A value that knows its JSON form."""

    def to_dict(self) -> dict[str, Any]:
        """JSON ready."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class KnowledgeBase(_Value):
    """A named line of revisions; `problem` says why the newest one's files are not loaded.

    Without a problem it is ready, or still being loaded; ready with one, it answers as it was
    before its files changed.
    """

    name: str
    latest_revision: str
    revisions: tuple[int, ...]
    ready: bool
    problem: str = ""

    @property
    def kb(self) -> str:
        """The short name, as `--kb` takes it."""
        return short(self.name)


@dataclass(frozen=True, slots=True)
class Layer(_Value):
    """A layer of the network: its atom, its module, and where its values are taken."""

    atom: str
    module: str
    kind: str
    size: int
    reads: str


@dataclass(frozen=True, slots=True)
class Proposition(_Value):
    """`feature > threshold` under an atom; `derived_only` ones are always decided by rules."""

    name: str
    layer: str
    feature: str
    threshold: float
    label: str = ""
    derived_only: bool = False


@dataclass(frozen=True, slots=True)
class Revision(_Value):
    """A model, its quantiser, its program, and what was measured of them.

    `figures` is as in `proofsight evaluate --json`, and empty where the files were edited since.
    `base_points` is what classes start from under the policy `points`; those left out from 0.
    """

    name: str
    etag: str
    quantiser_etag: str
    classes: tuple[str, ...]
    layers: tuple[Layer, ...]
    propositions: tuple[Proposition, ...]
    policy: str
    default_class: str | None
    rule_count: int
    edited_since_measured: bool
    figures: Mapping[str, Any]
    input_shape: tuple[int, ...]
    base_points: Mapping[str, int] = field(default_factory=dict)

    @property
    def observable(self) -> tuple[str, ...]:
        """The names behind the values of facts, in their order."""
        return tuple(p.name for p in self.propositions if not p.derived_only)


@dataclass(frozen=True, slots=True)
class Rule(_Value):
    """One clause as Prolog text; `class_name` is empty for exceptions and derived rules.

    `labels` are those of the propositions in its body, by proposition.
    """

    name: str
    rule_id: str
    class_name: str
    text: str
    stats: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding(_Value):
    """One finding about a program's text; line and column count from 1, 0 where unknown."""

    severity: str
    code: str
    path: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}:{self.column}" if self.line else self.path
        return f"{place}: {self.severity}: {self.message}"


@dataclass(frozen=True, slots=True)
class CheckReport(_Value):
    """Whether a program would be accepted, and what was found."""

    ok: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class CreatedRevision(_Value):
    """What became of a changed program; `name` and `etag` are empty where it was only checked.

    `basis` says where `figures` come from: `measured`, `carried over` or, with the reason in
    `why`, `withheld`.  `comparison` holds them beside the parent's, for each split, class
    and entry layer, and the validation images that are decided otherwise.
    """

    name: str
    etag: str
    basis: str
    why: str
    figures: Mapping[str, Any]
    comparison: Mapping[str, Any]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Program(_Value):
    """The files of a revision's program, by name."""

    revision: str
    etag: str
    files: Mapping[str, str]

    def write(self, directory: str | Path) -> None:
        """Write the files into `directory`, which must exist.

        Raises ProofsightError where a file's name would lead out of it, and OSError where one
        cannot be written.
        """
        for name in self.files:
            if PurePosixPath(name).name != name or "\0" in name:
                raise ProofsightError(
                    f"the server names a file {name!r}, which is no plain file name; "
                    "nothing was written",
                    reason="BAD_FILE_NAME",
                    metadata={"path": name},
                )
        for name, text in self.files.items():
            (Path(directory) / name).write_text(text, encoding="utf-8", newline="")
