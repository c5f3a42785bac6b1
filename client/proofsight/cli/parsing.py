"""The arguments of `proofsight` and its subcommands."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from proofsight.address import DEFAULT_SERVER

if TYPE_CHECKING:
    from proofsight.cli.plugins import Plugin

DESCRIPTION = "Explains image classifiers with proofs."
EPILOG = "Exit codes: 0; 1 for a refused request or a failed check; 2 for wrong usage; 130 for ^C."
IMAGE = (
    "a PNG, JPEG or WebP file, `-` for standard input, or facts as `proofsight facts --json` "
    "prints them"
)

Run = Callable[[argparse.Namespace], int]


def parse(argv: list[str]) -> argparse.Namespace:
    """The arguments, with `run`, the function that does what they ask. Exits on wrong usage."""
    parser = argparse.ArgumentParser("proofsight", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    wanted = next((word for word in argv if not word.startswith("-")), None)
    if wanted not in ASKING:
        _add_plugins(commands, wanted)
    for name, (help_line, add) in ASKING.items():
        command = commands.add_parser(name, help=help_line, description=f"{help_line}.")
        if name == wanted:
            add(command)
            command.set_defaults(parser=command)
    return parser.parse_args(argv)


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"proofsight {version('proofsight')}")
        parser.exit()


def _add_plugins(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], wanted: str | None
) -> None:
    from proofsight.cli.plugins import plugins

    found = plugins()
    names = [plugin.name for plugin in found]
    for plugin in found:
        if plugin.name == wanted:
            command = commands.add_parser(plugin.name, description=plugin.description)
            plugin.add_arguments(command)
            command.set_defaults(run=plugin.run, parser=command)
        else:
            # The help of other commands is of interest only where all of them are listed.
            commands.add_parser(plugin.name, help=_help(plugin) if wanted not in names else "")


def _help(plugin: Plugin) -> str:
    return plugin.help.rstrip(".").replace("%", "%%")


# --- options that several commands share ------------------------------------


def _connection(parser: argparse.ArgumentParser, *, kb: bool = True) -> None:
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


def _form(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output").add_mutually_exclusive_group()
    for form, what in (
        ("json", "one JSON document"),
        ("tree", "text for people (the default)"),
        ("prolog", "Prolog terms that read back"),
    ):
        group.add_argument(
            f"--{form}", dest="form", action="store_const", const=form, default="tree", help=what
        )


def _limit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-nodes",
        metavar="N",
        type=_count,
        default=0,
        help="most nodes of the proof (default: the server's limit)",
    )


def _whole(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--whole",
        action="store_true",
        help="leave nothing out of the refutation of a class (default: what comes nearest to "
        "deciding, and how much more there is)",
    )


def _with(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--with",
        dest="with_",
        choices=("interactions",),
        action="append",
        default=[],
        help="interactions: also how scores of this image are sums of effects of its regions, "
        "where that is stored in the revision (interactions --store)",
    )


def _entry(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--entry",
        metavar="L",
        default="",
        help="the layer, by its atom or path, at which the network ends and the program begins; "
        "rules derive what lies above it (default: every layer is observed)",
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, not {text}")
    return seconds


def _count(text: str) -> int:
    count = int(text)
    if not 0 < count < 2**32:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, not {text}")
    return count


# --- the commands that ask a server -----------------------------------------


def _kbs(parser: argparse.ArgumentParser) -> None:
    _connection(parser, kb=False)
    _form(parser)
    parser.set_defaults(run=_later("knowledge", "kbs"))


def _rules(parser: argparse.ArgumentParser) -> None:
    _class(parser, "only the rules of this class, with their exceptions")
    _connection(parser)
    _form(parser)
    parser.set_defaults(run=_later("knowledge", "rules"))


def _facts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "images",
        metavar="IMAGE",
        nargs="+",
        help="a PNG, JPEG or WebP file, a directory of such files, or `-` for standard input",
    )
    _entry(parser)
    _connection(parser)
    _form(parser)
    parser.set_defaults(run=_later("seeing", "facts"))


def _classify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("images", metavar="IMAGE", nargs="+", help=f"{IMAGE}; or a directory")
    _entry(parser)
    _connection(parser)
    _form(parser)
    parser.set_defaults(run=_later("seeing", "classify"))


def _why(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help=IMAGE)
    target = parser.add_mutually_exclusive_group()
    _class(target, "why this class holds (default: the program's own decision)")
    target.add_argument(
        "--goal", metavar="G", help="why this ground Prolog goal holds; `Image` is the image"
    )
    _limit(parser)
    _whole(parser)
    _with(parser)
    _entry(parser)
    _connection(parser)
    _form(parser)
    parser.set_defaults(run=_later("asking", "why"))


def _why_not(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help=IMAGE)
    _class(parser, "the class that was not inferred", required=True)
    _limit(parser)
    _whole(parser)
    _entry(parser)
    _connection(parser)
    _form(parser)
    parser.set_defaults(run=_later("asking", "why_not"))


def _flip(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help=IMAGE)
    _class(parser, "the class that is to be decided (default: any other decision)")
    parser.add_argument(
        "--max-steps",
        metavar="N",
        type=_count,
        default=0,
        help="most steps of the search (default: the server's limit)",
    )
    parser.add_argument(
        "--max-inferences",
        metavar="N",
        type=_count,
        default=0,
        help="most inferences of the search (default: the server's limit)",
    )
    _entry(parser)
    _connection(parser)
    _form(parser)
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
        type=_count,
        default=0,
        help="most solutions (default: the server's limit)",
    )
    parser.add_argument("--proofs", action="store_true", help="a proof with every solution")
    _entry(parser)
    _connection(parser)
    _form(parser)
    parser.set_defaults(run=_later("asking", "query"))


def _class(parser: argparse._ActionsContainer, help_line: str, *, required: bool = False) -> None:
    parser.add_argument(
        "--class",
        dest="class_name",
        metavar="C",
        required=required,
        help=f"{help_line}; by name or by index",
    )


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
