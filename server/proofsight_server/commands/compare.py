"""Put several revisions side by side: accuracy, fidelity and size on the same images.

Stored figures are taken where they are of the same data, split alike; anything else is measured.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from proofsight_server.commands.arguments import (
    add_allow_model,
    add_json,
    add_revision_data,
    allowed,
)
from proofsight_server.commands.figures import COLUMNS, SPLITS
from proofsight_server.commands.outcome import outcome, print_json
from proofsight_server.commands.table import print_table, share

if TYPE_CHECKING:
    from proofsight_server.extraction.beside import Column

SIZES = ("rules", "literals", "atoms")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "revisions", metavar="R/KB[/N]", nargs="+", help="revisions, also of several KBs"
    )
    add_revision_data(parser)
    parser.add_argument("--split", choices=SPLITS, default="test", help="whose images (test)")
    add_allow_model(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Compare and tell."""
    return outcome(lambda: _compare(args), json=args.json)


def _compare(args: argparse.Namespace) -> int:
    from proofsight_server.commands.progress import shown
    from proofsight_server.extraction.beside import beside, comparable
    from proofsight_server.extraction.loading import open_revision_dataset
    from proofsight_server.extraction.progress import Watch
    from proofsight_server.knowledge.repository import parse_name

    revisions = [parse_name(name).open() for name in args.revisions]
    data = revisions[0].manifest.data
    stored = comparable(revisions, data["fingerprint"], int(data["seed"]))
    dataset = None
    if args.data is not None or args.seed is not None or not all(stored):
        dataset = open_revision_dataset(revisions[0], args.data, args.seed)
    with shown() as progress:
        columns = beside(revisions, dataset, allow=allowed(args), watch=Watch(progress))
    if args.json:
        print_json(
            {
                "data": data["uri"] if dataset is None else dataset.uri,
                "revisions": [
                    {
                        "revision": column.revision.name,
                        "parent": column.revision.manifest.revised.get("parent"),
                        "learner": column.revision.manifest.method.get("learner"),
                        "stored": column.stored,
                        "figures": dict(column.figures),
                    }
                    for column in columns
                ],
            }
        )
    else:
        print(f"{args.split} images of {data['uri'] if dataset is None else dataset.uri}")
        _tell(args.split, columns)
    return 0


def _tell(split: str, columns: Sequence[Column]) -> None:
    rows = []
    for column in columns:
        figures = column.figures
        learner = str(column.revision.manifest.method.get("learner", "–"))
        parent = column.revision.manifest.revised.get("parent")
        rows.append(
            [
                column.revision.name,
                *(share(figures[split].get(key)) for key in COLUMNS),
                *(str(figures[key]) for key in SIZES),
                f"{learner}, from {parent}" if parent else learner,
                "stored" if column.stored else "measured",
            ]
        )
    print_table(["revision", *COLUMNS.values(), *SIZES, "made by", "figures"], rows)
