"""Edited files for a server, which checks, measures and publishes them."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from proofsight_server.commands.comparison import print_comparison_document
from proofsight_server.commands.handed_in import author_of, read_files
from proofsight_server.commands.outcome import print_json
from proofsight_server.errors import BadOption, BadProgram, Issue

if TYPE_CHECKING:
    from proofsight.knowledge import CreatedRevision


def revise_remotely(args: argparse.Namespace) -> int:
    """Send the files, and tell what the server answers."""
    from proofsight.client import Client
    from proofsight.errors import BadProgram as Refused

    files = read_files(args)
    if files.has_table:
        raise BadOption(
            "a server takes labels as labels.pl; turn the table into one where the repository is"
        )
    token = os.environ.get("PROOFSIGHT_TOKEN") or None
    with Client(args.server, token=token, timeout=args.timeout) as client, files.named():
        try:
            created = client.create_revision(
                args.kb,
                files.texts,
                etag=args.etag or "",
                author=author_of(args),
                note=args.note,
                validate_only=args.dry_run,
            )
        except Refused as error:
            issues = [
                Issue(f.severity, f.code, f.path, f.line, f.column, f.message)
                for f in error.findings
            ]
            raise BadProgram(error.message, issues, **error.metadata) from error
    if args.json:
        print_json(created.to_dict())
    else:
        _tell(created)
    return 0


def _tell(created: CreatedRevision) -> None:
    from proofsight.names import short

    for warning in created.warnings:
        print(f"proofsight: warning: {warning}", file=sys.stderr)
    parent = created.comparison.get("parent", "its parent")
    if created.name:
        print(f"{short(created.name)} is published, made from {parent}")
    else:
        print(f"nothing was published; {parent} would become:")
    if created.basis == "withheld":
        print(f"figures are withheld: {created.why}")
    elif created.basis == "carried over":
        print(f"no rule changed: the figures are those of {parent}")
    else:
        print_comparison_document(created.comparison)
