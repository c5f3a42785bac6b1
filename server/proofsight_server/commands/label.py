"""Label the propositions of a revision: from classes, from masks, or from a table.

Candidates are printed with their scores; those that convince become labels of the next revision,
which is otherwise the same. Labels by hand beat them, and are added with a table (--csv).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proofsight_server.commands.arguments import (
    add_allow_model,
    add_json,
    add_revision_data,
    allowed,
    positive,
    share_of_one,
)
from proofsight_server.commands.outcome import outcome, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proofsight_server.extraction.candidates import Candidate, Method
    from proofsight_server.extraction.progress import Progress
    from proofsight_server.extraction.revise import Revised
    from proofsight_server.knowledge.label import Label
    from proofsight_server.knowledge.revision import Revision

METHODS = ("purity", "iou", "coverage")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("revision", metavar="R/KB[/N]", help="the revision; the newest of KB")
    add_revision_data(parser)
    parser.add_argument(
        "--method",
        choices=METHODS,
        help="how labels are found: purity of classes (the default), or iou (the default with "
        "--masks) or coverage of masks; with --csv alone none are",
    )
    parser.add_argument(
        "--masks",
        metavar="DIR",
        type=Path,
        help="segmentation masks of training images: DIR/ID.png with labels that "
        "DIR/concepts.csv names, or DIR/CONCEPT/ID.png",
    )
    parser.add_argument(
        "--csv",
        metavar="F.csv",
        type=Path,
        help="labels by hand: a table layer,channel,cell,text,author,note",
    )
    parser.add_argument(
        "--top", metavar="M", type=positive, default=10, help="images per proposition (10)"
    )
    parser.add_argument(
        "--min-score",
        metavar="S",
        type=share_of_one,
        help="candidates below it label nothing (purity 0.5, iou 0.04, coverage 0.2)",
    )
    parser.add_argument(
        "--all", action="store_true", help="all propositions, not only those that rules use"
    )
    parser.add_argument("--dry-run", action="store_true", help="print, but publish nothing")
    add_allow_model(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Label and tell."""
    return outcome(lambda: _label(args), json=args.json)


def _label(args: argparse.Namespace) -> int:
    from proofsight_server.commands.progress import shown
    from proofsight_server.extraction.labelling import labelled
    from proofsight_server.extraction.progress import Watch
    from proofsight_server.extraction.revise import revise
    from proofsight_server.knowledge.repository import Repository, parse_name
    from proofsight_server.knowledge.source import write_labels

    address = parse_name(args.revision)
    revision = address.open()
    by_hand = _table(args, revision)
    with shown() as progress:
        candidates, material = _candidates(args, revision, progress)
        labels = labelled(revision.marks, candidates, by_hand, least=args.min_score)
        revised = None
        if labels != revision.marks:
            revised = revise(
                revision,
                labels=write_labels(labels),
                **material,
                repository=Repository(address.root),
                note=" and ".join(filter(None, (_method(args), args.csv and "a table of labels"))),
                publish=not args.dry_run,
                watch=Watch(progress),
            )
    if args.json:
        print_json(_document(revision, revised, candidates, labels))
    else:
        _print(args, revision, revised, candidates, labels)
    return 0


def _method(args: argparse.Namespace) -> Method | None:
    """How candidates are found; None: there are only labels by hand."""
    asked: Method | None = args.method
    if asked is not None:
        return asked
    return "iou" if args.masks else None if args.csv else "purity"


def _table(args: argparse.Namespace, revision: Revision) -> tuple[Label, ...]:
    from proofsight_server.commands.handed_in import program_text
    from proofsight_server.knowledge.label_table import read_label_table

    if args.csv is None:
        return ()
    quantisation = revision.quantisation
    return read_label_table(
        program_text(args.csv), quantisation.propositions, quantisation.layers, file=str(args.csv)
    )


def _candidates(
    args: argparse.Namespace, revision: Revision, progress: Progress
) -> tuple[list[Candidate], dict[str, Any]]:
    """The candidates, and the data and network that they were found with."""
    from proofsight_server.extraction.labelling import find_candidates
    from proofsight_server.extraction.loading import load_revision_network, open_revision_dataset
    from proofsight_server.extraction.progress import Watch
    from proofsight_server.knowledge.revision import RULES
    from proofsight_server.vision.masks import open_masks

    method = _method(args)
    if method is None and RULES not in revision.edited:
        return [], {"dataset": None, "network": None}
    dataset = open_revision_dataset(revision, args.data, args.seed)
    network = load_revision_network(revision, allow=allowed(args))
    material = {"dataset": dataset, "network": network}
    if method is None:
        return [], material
    candidates = find_candidates(
        revision,
        dataset,
        network,
        method,
        masks=None if args.masks is None else open_masks(args.masks, dataset.train.ids),
        top=args.top,
        everything=args.all,
        watch=Watch(progress),
    )
    return candidates, material


def _document(
    revision: Revision,
    revised: Revised | None,
    candidates: Sequence[Candidate],
    labels: Sequence[Label],
) -> dict[str, Any]:
    made = None if revised is None else revised.revision
    where = {} if made is None else {"directory": str(made.directory)}
    written = {(label.proposition, label.text, label.by) for label in labels}
    return {
        "parent": revision.name,
        "revision": None if made is None else made.name,
        **where,
        "candidates": [
            {
                "proposition": c.proposition,
                "text": c.text,
                "method": c.method,
                "score": c.score,
                **c.details,
                "labels": _as_label(c) in written,
            }
            for c in candidates
        ],
        "labels": [
            {"proposition": label.proposition, "text": label.text, "by": label.by}
            for label in labels
        ],
        "warnings": [] if revised is None else list(revised.warnings),
    }


def _as_label(candidate: Candidate) -> tuple[str, str, str]:
    from proofsight_server.knowledge.label import automatic

    by = automatic(candidate.method, candidate.score)
    return candidate.proposition, candidate.text, by


def _print(
    args: argparse.Namespace,
    revision: Revision,
    revised: Revised | None,
    candidates: Sequence[Candidate],
    labels: Sequence[Label],
) -> None:
    from proofsight_server.commands.table import print_table

    written = {(label.proposition, label.text, label.by) for label in labels}
    if candidates:
        details = list(candidates[0].details)
        rows = [
            [
                c.proposition,
                c.text,
                f"{c.score:.4f}",
                *(f"{c.details[name]:.4f}" for name in details),
                "yes" if _as_label(c) in written else "no",
            ]
            for c in candidates
        ]
        method = candidates[0].method
        print_table(["proposition", "candidate", method, *details, "labels"], rows)
    before = set(revision.marks)
    fresh = sum(label not in before for label in labels)
    noun = "label" if fresh == 1 else "labels"
    if revised is None:
        print(f"{revision.name}: no new labels, so nothing was published")
    elif revised.revision is None:
        print(f"{revision.name}: {fresh} new {noun}; nothing was published (--dry-run)")
    else:
        made = revised.revision
        print(f"{made.name} is in {made.directory}: {revision.name} with {fresh} new {noun}")
