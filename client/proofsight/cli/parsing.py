"""The arguments of `proofsight` and its subcommands."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from proofsight.cli.commands import ASKING

if TYPE_CHECKING:
    from proofsight.cli.plugins import Plugin

DESCRIPTION = "Explains image classifiers with proofs."
EPILOG = "Exit codes: 0; 1 for a refused request or a failed check; 2 for wrong usage; 130 for ^C."


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
