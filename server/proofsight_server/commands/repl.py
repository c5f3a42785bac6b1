"""Ask a knowledge base at SWI-Prolog's own prompt.

`load_image/2` gets the facts of images from a server; everything else needs none.
"""

from __future__ import annotations

import argparse
import os

from proofsight.address import DEFAULT_SERVER


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "base",
        metavar="R/KB[/N]",
        nargs="?",
        help="a knowledge base on disk, its newest revision or revision N",
    )
    parser.add_argument(
        "--server",
        metavar="HOST:PORT",
        default=os.environ.get("PROOFSIGHT_SERVER") or None,
        help="where images are turned into facts and, without R/KB, where the knowledge base is "
        f"(or PROOFSIGHT_SERVER; {DEFAULT_SERVER})",
    )
    parser.add_argument(
        "--kb",
        metavar="KB[/N]",
        help="without R/KB, the server's knowledge base (or PROOFSIGHT_KB; may be left out where "
        "the server has only one)",
    )


def run(args: argparse.Namespace) -> int:
    """Become SWI-Prolog's top level; comes back only where that cannot be."""
    from proofsight.address import Address
    from proofsight.toplevel import (
        demand_prolog,
        from_repository,
        from_server,
        only_knowledge_base,
    )

    if args.base is not None and args.kb is not None:
        args.parser.error(f"{args.base} names the knowledge base already; leave --kb out")
    demand_prolog()
    if args.base is not None:
        server = Address.parse(args.server or DEFAULT_SERVER)
        from_repository(args.base, str(server)).run()
    kb = args.kb or os.environ.get("PROOFSIGHT_KB")
    if args.server is None and kb is None:
        args.parser.error("which knowledge base? write R/KB, or --server HOST:PORT")

    from proofsight.client import Client

    token = os.environ.get("PROOFSIGHT_TOKEN") or None
    with Client(args.server or DEFAULT_SERVER, token=token) as client:
        opening = from_server(client, kb or only_knowledge_base(client))
    opening.run()
