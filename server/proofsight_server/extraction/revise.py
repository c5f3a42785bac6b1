"""From a revision to the next: edited files and edits in, checked and measured revision out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from proofsight_server.errors import BadOption, BadRevision, Issue
from proofsight_server.extraction.carried_gallery import CarriedGallery, carried_gallery
from proofsight_server.extraction.comparison import Comparison
from proofsight_server.extraction.edited_files import (
    changed_files,
    edited_source,
    published_program,
    unkept_comments,
)
from proofsight_server.extraction.edits import edit_document
from proofsight_server.extraction.gallery_files import ROOM as GALLERY
from proofsight_server.extraction.probing import Seen
from proofsight_server.extraction.progress import Watch
from proofsight_server.extraction.relearning import check_relearnable, relearned
from proofsight_server.extraction.remeasuring import Material, remeasured
from proofsight_server.extraction.versions import versions
from proofsight_server.knowledge.annex import ROOMS
from proofsight_server.knowledge.publication import linked
from proofsight_server.knowledge.repository import Draft, Repository
from proofsight_server.knowledge.revision import LABELS, MODEL, QUANTISER, RULES, USER, Revision
from proofsight_server.rules.edit import Edit, MuteChannel, apply_edits, lost_classes
from proofsight_server.rules.restating import unstated
from proofsight_server.vision.dataset import Dataset
from proofsight_server.vision.network import Network

UNREACHABLE = (
    "unreachable_class"  # the check's word for what is told of a class that lost all rules
)


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
    allow: frozenset[str] = frozenset(),
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
    allow
        Learners (`module:factory`) that may be imported because the manifest names them.
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
        source = edited_source(revision, texts)
    parent = published_program(revision)
    files = changed_files(revision, texts)
    if not files and not edits:
        raise BadOption(
            f"nothing was changed in {revision.name}; edit its files in place, hand in edited ones "
            "(--rules, --labels, --user), or say what to change (--remove-rule, --mute, …)"
        )
    relearns = any(isinstance(e, MuteChannel) and e.policy == "relearn" for e in edits)
    if relearns:
        check_relearnable(revision, allow)
    # What an edit names is looked up before any image is looked at, where that can be done.
    program = source.program if relearns else apply_edits(source.program, edits)
    seen: Mapping[str, Seen] = {}
    if relearns or RULES in revision.edited or unstated(program) != unstated(revision.program):
        if material is not None:
            seen = material.seen(revision, watch)
        elif not unmeasured:
            raise BadOption(
                "the changed rules are to be measured, and there is no data to do it on; name it "
                "with --data",
                option="data",
            )
    if relearns:
        relearn = partial(relearned, revision, seen) if seen else None
        program = apply_edits(source.program, edits, relearn=relearn)
    if not files and program == revision.program:
        raise BadOption(f"the edits change no rule of {revision.name}, so nothing was published")
    result = remeasured(revision, parent, program, material, seen, unmeasured, watch)
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
    gallery = carried_gallery(revision.directory)
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
        _annexes(revision.directory, gallery),
    )
    made = None
    if publish:
        with watch.step("publishing"):
            made = repository.publish(revision.directory.parent.name, draft)
            if gallery is not None:
                gallery.add_to(made)
    lost = lost_classes(parent or revision.program, result.program)
    issues = source.issues if made is None else made.warnings
    fresh = [i for i in issues if _said(i) not in map(_said, revision.warnings)]
    warnings = (
        *unkept_comments(revision, texts, files),
        *(f"no rule decides {name} any more" for name in lost),
        *(str(i) for i in fresh if i.code != UNREACHABLE or not any(n in i.message for n in lost)),
    )
    return Revised(
        made,
        result.comparison,
        result.manifest.figures,
        result.basis,
        result.why,
        warnings,
    )


def _said(issue: Issue) -> tuple[str, str]:
    return issue.code, issue.message


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


def _annexes(directory: Path, gallery: CarriedGallery | None) -> Mapping[str, Path]:
    """The annexes of a revision: they are about its network and propositions, which stay.

    A gallery's pages say labels and rules, which do not; of one that can be told anew only the
    pictures go along.
    """
    annexes = {
        str(path.relative_to(directory)): path
        for room in ROOMS
        if gallery is None or room != GALLERY
        for path in sorted((directory / room).rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
    return annexes if gallery is None else annexes | gallery.files()
