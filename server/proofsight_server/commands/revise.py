"""Publish a changed program as the next revision: edited files or edits in, measured revision out.

Rules, labels and user.pl may be edited in place in the revision's directory, handed in as files,
or changed by the options below, which are made in the order in which they are given.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from proofsight_server.commands.arguments import (
    add_allow_model,
    add_json,
    add_revision_data,
    allowed,
)
from proofsight_server.commands.outcome import outcome, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "revision", metavar="R/KB[/N]", nargs="?", help="the revision to change; the newest of KB"
    )
    files = parser.add_argument_group("edited files")
    files.add_argument("--rules", metavar="F.pl", type=Path, help="in the place of rules.pl")
    files.add_argument(
        "--labels",
        metavar="F.pl|F.csv",
        type=Path,
        help="in the place of labels.pl; a table layer,channel,cell,text,author,note adds to it",
    )
    files.add_argument("--user", metavar="F.pl", type=Path, help="in the place of user.pl")
    _add_edits(parser)
    add_revision_data(parser)
    parser.add_argument("--author", metavar="NAME", help="who made the change (the user's name)")
    parser.add_argument("--note", metavar="TEXT", default="", help="why it was made")
    parser.add_argument(
        "--dry-run", action="store_true", help="check and measure, but publish nothing"
    )
    add_allow_model(parser)
    _add_server(parser)
    add_json(parser)


def _add_edits(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "edits", "A channel is a layer's atom with _c and its number: conv3_c12."
    )
    for flag, metavar, about in (
        ("--remove-rule", "ID", "take a rule away, with its exceptions"),
        ("--force-rule", "FILE|CLAUSE", "put rules before all others, for good"),
        ("--drop-literal", "ID:PROPOSITION", "a rule no longer asks for this"),
        (
            "--mute",
            "CHANNEL[:inactive|drop|relearn]",
            "as if the channel were never active (the default), without the literals on it, or "
            "rules learned again without it",
        ),
        ("--force-channel", "CHANNEL[:CLASS]", "of a class keep only the rules that use it"),
    ):
        group.add_argument(flag, metavar=metavar, action=_Edit, help=about)


class _Edit(argparse.Action):
    """Keeps edits of all kinds in one list, in the order in which they were given."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        edits = getattr(namespace, "edits", None) or []
        namespace.edits = [*edits, (self.dest, values)]


def _add_server(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("server", "Instead of R/KB: have a server publish the files.")
    group.add_argument("--server", metavar="HOST:PORT", help="where it listens")
    group.add_argument("--kb", metavar="KB[/N]", help="its knowledge base; the newest of KB")
    group.add_argument(
        "--etag",
        metavar="E",
        help="refuse if KB has another etag by now (Client.revision(KB).etag)",
    )
    group.add_argument(
        "--timeout", metavar="SECONDS", type=float, default=600.0, help="how long it may take (600)"
    )


def run(args: argparse.Namespace) -> int:
    """Revise and tell."""
    args.edits = getattr(args, "edits", None) or []
    if args.server:
        return _run_on_server(args)
    if args.revision is None:
        args.parser.error("name the revision as R/KB or R/KB/N, or a server with --server and --kb")
    if args.kb or args.etag:
        args.parser.error("--kb and --etag are about a --server; name R/KB instead")
    return outcome(lambda: _revise(args), json=args.json)


def _run_on_server(args: argparse.Namespace) -> int:
    if args.revision is not None or not args.kb:
        args.parser.error("with --server, name the knowledge base with --kb KB and not as R/KB")
    if args.edits or args.data or args.seed is not None:
        args.parser.error(
            "a server takes edited files only (--rules, --labels, --user) and measures on its own "
            "data; make other edits where the repository is"
        )
    from proofsight_server.commands.revise_remotely import revise_remotely

    return outcome(lambda: revise_remotely(args), json=args.json)


def _revise(args: argparse.Namespace) -> int:
    from proofsight_server.commands.comparison import print_revised
    from proofsight_server.commands.edits import edits_of
    from proofsight_server.commands.handed_in import author_of, read_files, with_table
    from proofsight_server.commands.progress import shown
    from proofsight_server.extraction.loading import load_revision_network, open_revision_dataset
    from proofsight_server.extraction.progress import Watch
    from proofsight_server.extraction.revise import revise
    from proofsight_server.knowledge.repository import Repository, parse_name
    from proofsight_server.knowledge.revision import RULES

    address = parse_name(args.revision)
    revision = address.open()
    author = author_of(args)
    files = with_table(read_files(args), revision.quantisation, revision.marks, author)
    edits = edits_of(args.edits, revision)
    material: dict[str, Any] = {"dataset": None, "network": None}
    # Labels and user.pl decide nothing: there is nothing to measure where only they change.
    if edits or RULES in files.texts or RULES in revision.edited:
        material = {
            "dataset": open_revision_dataset(revision, args.data, args.seed),
            "network": load_revision_network(revision, allow=allowed(args)),
        }
    with shown() as progress, files.named():
        revised = revise(
            revision,
            **files.arguments(),
            **material,
            edits=edits,
            allow=allowed(args),
            repository=Repository(address.root),
            author=author,
            note=args.note,
            publish=not args.dry_run,
            watch=Watch(progress),
        )
    if args.json:
        print_json(revised.to_json())
    else:
        print_revised(revised)
    return 0
