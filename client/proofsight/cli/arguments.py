"""Arguments that several of the commands that ask a server share."""

from __future__ import annotations

import argparse
import os

from proofsight.address import DEFAULT_SERVER

IMAGE = (
    "a PNG, JPEG or WebP file, `-` for standard input, or facts as `proofsight facts --json` "
    "prints them"
)


def connection(parser: argparse.ArgumentParser, *, kb: bool = True) -> None:
    """Which server, which knowledge base there, and how long to wait."""
    group = parser.add_argument_group("server")
    group.add_argument(
        "--server",
        metavar="HOST:PORT",
        default=os.environ.get("PROOFSIGHT_SERVER") or DEFAULT_SERVER,
        help=f"where it listens (or PROOFSIGHT_SERVER; default {DEFAULT_SERVER})",
    )
    if kb:
        group.add_argument(
            "--kb",
            metavar="KB[/N]",
            default=os.environ.get("PROOFSIGHT_KB") or None,
            help="the knowledge base and, if not the newest, its revision (or PROOFSIGHT_KB; may "
            "be left out where the server has only one)",
        )
    group.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=10.0,
        help="how long a call may take (default %(default)g)",
    )


def form(parser: argparse.ArgumentParser) -> None:
    """How the answer is printed."""
    group = parser.add_argument_group("output").add_mutually_exclusive_group()
    for form, what in (
        ("json", "one JSON document"),
        ("tree", "text for people (the default)"),
        ("prolog", "Prolog terms that read back"),
    ):
        group.add_argument(
            f"--{form}", dest="form", action="store_const", const=form, default="tree", help=what
        )


def max_nodes(parser: argparse.ArgumentParser) -> None:
    """How large a proof may become."""
    parser.add_argument(
        "--max-nodes",
        metavar="N",
        type=count,
        default=0,
        help="most nodes of the proof (default: the server's limit)",
    )


def whole(parser: argparse.ArgumentParser) -> None:
    """Whether refutations leave nothing out."""
    parser.add_argument(
        "--whole",
        action="store_true",
        help="leave nothing out of the refutation of a class (default: what comes nearest to "
        "deciding, and how much more there is)",
    )


def beside(parser: argparse.ArgumentParser) -> None:
    """What comes beside the proof."""
    parser.add_argument(
        "--with",
        dest="with_",
        choices=("interactions",),
        action="append",
        default=[],
        help="interactions: also how scores of this image are sums of effects of its regions, "
        "where that is stored in the revision (interactions --store)",
    )


def entry(parser: argparse.ArgumentParser) -> None:
    """Where the network ends and the program begins."""
    parser.add_argument(
        "--entry",
        metavar="L",
        default="",
        help="the layer, by its atom or path, at which the network ends and the program begins; "
        "rules derive what lies above it (default: every layer is observed)",
    )


def class_name(
    parser: argparse._ActionsContainer, help_line: str, *, required: bool = False
) -> None:
    """A class, by name or by index."""
    parser.add_argument(
        "--class",
        dest="class_name",
        metavar="C",
        required=required,
        help=f"{help_line}; by name or by index",
    )


def count(text: str) -> int:
    """A whole number above 0, for `type=`."""
    number = int(text) if text.isdecimal() else 0
    if not 0 < number < 2**32:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, not {text}")
    return number


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, not {text}")
    return seconds
