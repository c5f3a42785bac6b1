"""The commands that ask a server: their arguments, and where each is run."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from proofsight.cli.arguments import (
    IMAGE,
    beside,
    class_name,
    connection,
    count,
    entry,
    form,
    max_nodes,
    whole,
)

Run = Callable[[argparse.Namespace], int]


def _kbs(parser: argparse.ArgumentParser) -> None:
    connection(parser, kb=False)
    form(parser)
    parser.set_defaults(run=_later("knowledge", "kbs"))


def _rules(parser: argparse.ArgumentParser) -> None:
    class_name(parser, "only the rules of this class, with their exceptions")
    connection(parser)
    form(parser)
    parser.set_defaults(run=_later("knowledge", "rules"))


def _facts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "images",
        metavar="IMAGE",
        nargs="+",
        help="a PNG, JPEG or WebP file, a directory of such files, or `-` for standard input",
    )
    entry(parser)
    connection(parser)
    form(parser)
    parser.set_defaults(run=_later("seeing", "facts"))


def _classify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("images", metavar="IMAGE", nargs="+", help=f"{IMAGE}; or a directory")
    entry(parser)
    connection(parser)
    form(parser)
    parser.set_defaults(run=_later("seeing", "classify"))


def _why(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help=IMAGE)
    target = parser.add_mutually_exclusive_group()
    class_name(target, "why this class holds (default: the program's own decision)")
    target.add_argument(
        "--goal", metavar="G", help="why this ground Prolog goal holds; `Image` is the image"
    )
    max_nodes(parser)
    whole(parser)
    beside(parser)
    entry(parser)
    connection(parser)
    form(parser)
    parser.set_defaults(run=_later("asking", "why"))


def _why_not(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help=IMAGE)
    class_name(parser, "the class that was not inferred", required=True)
    max_nodes(parser)
    whole(parser)
    entry(parser)
    connection(parser)
    form(parser)
    parser.set_defaults(run=_later("asking", "why_not"))


def _flip(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help=IMAGE)
    class_name(parser, "the class that is to be decided (default: any other decision)")
    parser.add_argument(
        "--max-steps",
        metavar="N",
        type=count,
        default=0,
        help="most steps of the search (default: the server's limit)",
    )
    parser.add_argument(
        "--max-inferences",
        metavar="N",
        type=count,
        default=0,
        help="most inferences of the search (default: the server's limit)",
    )
    entry(parser)
    connection(parser)
    form(parser)
    parser.set_defaults(run=_later("changing", "flip"))


def _query(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "image", metavar="IMAGE", nargs="?", help=f"{IMAGE}; not every goal needs one"
    )
    parser.add_argument(
        "--goal", metavar="G", required=True, help="a Prolog goal; `Image` is the image"
    )
    parser.add_argument(
        "--max-solutions",
        metavar="N",
        type=count,
        default=0,
        help="most solutions (default: the server's limit)",
    )
    parser.add_argument("--proofs", action="store_true", help="a proof with every solution")
    entry(parser)
    connection(parser)
    form(parser)
    parser.set_defaults(run=_later("asking", "query"))


def _later(module: str, function: str) -> Run:
    """The function of a module that is imported when it is run, since it brings gRPC."""

    def run(args: argparse.Namespace) -> int:
        from importlib import import_module

        code: int = getattr(import_module(f"proofsight.cli.{module}"), function)(args)
        return code

    return run


ASKING: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "kbs": ("The knowledge bases of a server", _kbs),
    "rules": ("The rules of a knowledge base", _rules),
    "facts": ("What the network sees in images, as facts", _facts),
    "classify": ("What network and program say of images", _classify),
    "why": ("Why the program decided as it did, as a proof", _why),
    "why-not": ("Why a class was not inferred, as a refutation", _why_not),
    "flip": ("The fewest propositions whose change alters the decision", _flip),
    "query": ("The solutions of any Prolog goal", _query),
}
