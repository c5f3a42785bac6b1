"""Make the gallery of a revision: per proposition the images that activate it most."""

from __future__ import annotations

import argparse

from proofsight_server.commands.arguments import (
    add_allow_model,
    add_json,
    add_revision_data,
    allowed,
    positive,
)
from proofsight_server.commands.outcome import outcome, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("revision", metavar="R/KB[/N]", help="the revision; the newest of KB")
    add_revision_data(parser)
    parser.add_argument(
        "--top", metavar="M", type=positive, default=10, help="images per proposition (10)"
    )
    parser.add_argument(
        "--all", action="store_true", help="all propositions, not only those that rules use"
    )
    add_allow_model(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Make the gallery and say where its page is."""
    return outcome(lambda: _gallery(args), json=args.json)


def _gallery(args: argparse.Namespace) -> int:
    from proofsight_server.commands.progress import shown
    from proofsight_server.extraction.gallery import build_gallery
    from proofsight_server.extraction.loading import (
        load_revision_network,
        open_revision_dataset,
    )
    from proofsight_server.extraction.progress import Watch
    from proofsight_server.knowledge.repository import parse_name

    revision = parse_name(args.revision).open()
    dataset = open_revision_dataset(revision, args.data, args.seed)
    network = load_revision_network(revision, allow=allowed(args))
    with shown() as progress:
        gallery = build_gallery(
            revision, dataset, network,
            top=args.top, everything=args.all, watch=Watch(progress),
        )  # fmt: skip
    propositions = gallery.document["propositions"]
    if args.json:
        print_json({
            "revision": revision.name,
            "page": str(gallery.page),
            "index": str(gallery.index),
            "propositions": len(propositions),
            "images": sum(len(entry["images"]) for entry in propositions),
        })  # fmt: skip
        return 0
    noun = "proposition" if len(propositions) == 1 else "propositions"
    print(f"{revision.name}: {len(propositions)} {noun}, up to {args.top} images each")
    print(f"open {gallery.page}")
    return 0
