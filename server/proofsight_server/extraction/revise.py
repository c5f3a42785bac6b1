"""From a revision to the next: edited files and edits in, checked and measured revision out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from proofsight_server.errors import BadOption, BadRevision, Issue
from proofsight_server.extraction.comparison import Comparison, changed_images
from proofsight_server.extraction.edits import edit_document
from proofsight_server.extraction.figures import figures_of
from proofsight_server.extraction.loading import revision_layers
from proofsight_server.extraction.probing import Seen, see
from proofsight_server.extraction.progress import Watch
from proofsight_server.extraction.relearning import relearned
from proofsight_server.extraction.versions import versions
from proofsight_server.knowledge.manifest import Manifest
from proofsight_server.knowledge.publication import linked
from proofsight_server.knowledge.reading import ProgramSource
from proofsight_server.knowledge.repository import Draft, Repository
from proofsight_server.knowledge.revision import (
    LABELS,
    MODEL,
    PROGRAM_FILES,
    QUANTISER,
    RULES,
    USER,
    Revision,
    check_files,
)
from proofsight_server.rules.edit import Edit, MuteChannel, apply_edits, lost_classes
from proofsight_server.rules.program import Program
from proofsight_server.rules.restating import restated, unstated
from proofsight_server.rules.statistics import with_layers
from proofsight_server.vision.dataset import Dataset
from proofsight_server.vision.network import Network

BATCH = 256
MEASURED, CARRIED_OVER, WITHHELD = "measured", "carried over", "withheld"


@dataclass(frozen=True, slots=True)
class Revised:
    """What came of a revision.

    Attributes
    ----------
    revision
        The new one; None where it was only tried (`publish=False`).
    comparison
        With its parent; without figures where they are withheld.
    figures
        Of the new program, as `figures_of` gives them; empty where they are withheld.
    basis
        Where they come from: `measured`; `carried over`, where no rule changed; or `withheld`.
    why
        Why they are withheld; else empty.
    warnings
        What is allowed, but hardly meant: classes that no rule decides any more, and what the
        check warns of.
    """

    revision: Revision | None
    comparison: Comparison
    figures: Mapping[str, Any]
    basis: str
    why: str
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The document of `revise --json`."""
        where = {} if self.revision is None else {"directory": str(self.revision.directory)}
        return {
            "revision": None if self.revision is None else self.revision.name,
            **where,
            "basis": self.basis,
            "why": self.why,
            "figures": dict(self.figures),
            "comparison": self.comparison.to_json(),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class Material:
    """What a program is measured on, and by whom."""

    dataset: Dataset
    network: Network


def revise(
    revision: Revision,
    *,
    rules: str | None = None,
    labels: str | None = None,
    user: str | None = None,
    edits: Sequence[Edit] = (),
    dataset: Dataset | None = None,
    network: Network | None = None,
    unmeasured: str = "",
    repository: Repository,
    author: str = "",
    note: str = "",
    publish: bool = True,
    watch: Watch | None = None,
) -> Revised:
    """Publish the next revision of a knowledge base: another program for the same network.

    Files that are not given are the revision's own, as they are now: edits in place are taken
    in.  Figures and statistics of rules are measured on the data; where neither rules nor
    quantiser changed since they were, they are carried over, and no data is needed.

    Parameters
    ----------
    rules, labels, user
        Texts for `rules.pl`, `labels.pl`, `user.pl`.
    edits
        What is done to the rules after that, in this order.
    dataset, network
        What to measure on.
    unmeasured
        Why there is no data; figures are then withheld.  Without it, missing data is an error.
    repository
        Where to publish, under the revision's knowledge base.
    author, note
        Who made the change, and why; both may be empty.
    publish
        Whether to publish; otherwise it is only seen what would come of it.

    Raises
    ------
    BadProgram
        The program does not pass the check; the issues name given files as `rules.pl` and so on.
    BadOption
        Nothing was changed, data is needed and missing, or an edit cannot be made.
    UnknownRule, UnknownProposition, UnknownClass
        An edit names what the program does not have.
    BadRevision
        `quantiser.pl` was edited in place.
    BadDataset
        The data set's classes are not the network's.
    Cancelled
        `watch` says that the work is no longer wanted.
    """
    watch = watch or Watch()
    given = {RULES: rules, LABELS: labels, USER: user}
    texts = {name: text for name, text in given.items() if text is not None}
    material = None if dataset is None or network is None else Material(dataset, network)
    if QUANTISER in revision.edited:
        raise BadRevision(
            f"{revision.directory / QUANTISER} was edited, and thresholds are the extraction's to "
            "fit; put the file back, or extract the rules again",
            file=QUANTISER,
        )
    with watch.step("checking"):
        source = _source(revision, texts)
    parent = _published(revision)
    files = _changed_files(revision, texts)
    if not files and not edits:
        raise BadOption(
            f"nothing was changed in {revision.name}; edit its files in place, hand in edited ones "
            "(--rules, --labels, --user), or say what to change (--remove-rule, --mute, …)"
        )
    seen: Mapping[str, Seen] = {}
    if _needs_data(revision, source, edits):
        if material is not None:
            seen = _see(revision, material, watch)
        elif not unmeasured:
            raise BadOption(
                "the changed rules are to be measured, and there is no data to do it on; name it "
                "with --data",
                option="data",
            )
    relearn = partial(relearned, revision, seen) if seen else None
    program = apply_edits(source.program, edits, relearn=relearn)
    if not files and program == revision.program:
        raise BadOption(f"the edits change no rule of {revision.name}, so nothing was published")
    result = _result(revision, parent, program, material, seen, unmeasured, watch)
    document = {
        "parent": revision.name,
        "parent_etag": revision.etag,
        "files": files,
        "edits": [edit_document(edit) for edit in edits],
        "author": author,
        "note": note,
        "basis": result.basis,
        "why": result.why,
        "comparison": result.comparison.to_json(),
    }
    draft = Draft(
        replace(
            result.manifest,
            created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            versions=versions(),
            method=_method(revision, edits),
            revised=document,
        ),
        revision.quantisation,
        result.program,
        partial(linked, revision.directory / MODEL),
        source.labels,
        revision.user if user is None else user,
        _annexes(revision.directory),
    )
    warnings = [
        f"no rule decides {name} any more" for name in lost_classes(source.program, result.program)
    ]
    made = None
    if publish:
        with watch.step("publishing"):
            made = repository.publish(revision.directory.parent.name, draft)
    issues = source.issues if made is None else made.warnings
    fresh = [str(issue) for issue in issues if _said(issue) not in map(_said, revision.warnings)]
    return Revised(
        made,
        result.comparison,
        result.manifest.figures,
        result.basis,
        result.why,
        tuple(warnings + fresh),
    )


@dataclass(frozen=True, slots=True)
class _Result:
    """A program with its statistics, and a manifest that says where its figures come from."""

    program: Program
    manifest: Manifest
    comparison: Comparison
    basis: str
    why: str = ""


def _result(
    revision: Revision,
    parent: Program | None,
    program: Program,
    material: Material | None,
    seen: Mapping[str, Seen],
    unmeasured: str,
    watch: Watch,
) -> _Result:
    manifest, quantisation = revision.manifest, revision.quantisation
    if unstated(program) == unstated(revision.program) and RULES not in revision.edited:
        figures = manifest.figures
        basis = CARRIED_OVER if figures else WITHHELD
        why = "" if figures else str(manifest.revised.get("why", ""))
        comparison = Comparison(revision.name, figures, figures)
        return _Result(revision.program, manifest, comparison, basis, why)
    if not seen or material is None:
        bare = with_layers(unstated(program), quantisation.layers, quantisation.propositions)
        empty = replace(manifest, figures={})
        return _Result(bare, empty, Comparison(revision.name), WITHHELD, unmeasured)
    with watch.step("measuring"):
        tables = {
            name: (quantisation.bits(split.values), split.decisions) for name, split in seen.items()
        }
        program = with_layers(
            restated(program, quantisation.names, tables["train"], tables.get("validation")),
            quantisation.layers,
            quantisation.propositions,
        )
        seed = int(manifest.method.get("seed", 0))
        after = figures_of(program, quantisation, seen, seed=seed)
        comparison = Comparison(revision.name)
        if parent is not None:
            comparison = Comparison(
                revision.name,
                figures_of(parent, quantisation, seen, seed=seed),
                after,
                changed_images(parent, program, quantisation, seen, material.dataset),
            )
    dataset = material.dataset
    data = {"uri": dataset.uri, "fingerprint": dataset.fingerprint(), "seed": dataset.seed}
    measured = replace(manifest, data=data, figures=after)
    return _Result(program, measured, comparison, MEASURED)


def _source(revision: Revision, texts: Mapping[str, str]) -> ProgramSource:
    """What the files say; findings name given ones without directory."""
    own = {name: (revision.directory / name).read_bytes() for name in PROGRAM_FILES}
    files = {**own, **{name: text.encode() for name, text in texts.items()}}
    source = check_files(revision.directory, files, revision.manifest.classes)
    placed = tuple(_placed(issue, texts) for issue in source.issues)
    return replace(source, issues=placed).checked()


def _placed(issue: Issue, texts: Collection[str]) -> Issue:
    name = Path(issue.file).name
    return replace(issue, file=name) if name in texts else issue


def _said(issue: Issue) -> tuple[str, str]:
    return issue.code, issue.message


def _published(revision: Revision) -> Program | None:
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


def _changed_files(revision: Revision, texts: Mapping[str, str]) -> list[str]:
    """The files that are not as they were published."""
    given = [
        name
        for name, text in texts.items()
        if text.encode() != (revision.directory / name).read_bytes()
    ]
    return [name for name in PROGRAM_FILES if name in given or name in revision.edited]


def _needs_data(revision: Revision, source: ProgramSource, edits: Sequence[Edit]) -> bool:
    changed = unstated(source.program) != unstated(revision.program)
    return changed or RULES in revision.edited or bool(edits)


def _see(revision: Revision, material: Material, watch: Watch) -> Mapping[str, Seen]:
    layers = revision_layers(revision, material.network)
    features = revision.quantisation.features
    seen = see(material.dataset, material.network, features, layers, batch=BATCH, watch=watch)
    if "train" not in seen:
        raise BadOption(
            f"{material.dataset.uri} has no training images to count the rules' statistics on"
        )
    return seen


def _method(revision: Revision, edits: Sequence[Edit]) -> Mapping[str, Any]:
    """The method of the parent, with the propositions that rules were learned without."""
    gone = [
        name
        for edit in edits
        if isinstance(edit, MuteChannel) and edit.policy == "relearn"
        for name in edit.propositions
    ]
    method = revision.manifest.method
    return {**method, "muted": [*method.get("muted", ()), *gone]} if gone else method


def _annexes(directory: Path) -> Mapping[str, Path]:
    """The files in directories of a revision: they are of the network, which stays."""
    return {
        str(path.relative_to(directory)): path
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.parent != directory
    }
