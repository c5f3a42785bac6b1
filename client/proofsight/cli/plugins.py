"""Subcommands that other packages bring, by the entry-point group `proofsight.commands`.

The value of an entry point is a module with `add_arguments(parser)` and `run(args) -> int`; the
first line of its docstring is the command's help.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Final

from proofsight.cli.refusals import INSTALL_SERVER

GROUP: Final = "proofsight.commands"
ORDER: Final = (
    "demo",
    "train",
    "extract",
    "evaluate",
    "compare",
    "revise",
    "causal",
    "gallery",
    "landscape",
    "circuit",
    "label",
    "interactions",
    "check",
    "serve",
    "repl",
)


@dataclass(frozen=True, slots=True)
class Plugin:
    """A command that is imported when something of it is needed."""

    name: str
    entry: EntryPoint

    @property
    def description(self) -> str:
        """The module's documentation."""
        return (self._module().__doc__ or "").strip()

    @property
    def help(self) -> str:
        """One line about the command, also where it cannot be imported."""
        try:
            return self.description.partition("\n")[0]
        except ModuleNotFoundError:
            return f"needs {INSTALL_SERVER}"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments."""
        self._module().add_arguments(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Do what the arguments ask, and give the exit code."""
        code: int = self._module().run(args)
        return code

    def _module(self) -> ModuleType:
        module: ModuleType = self.entry.load()
        return module


def plugins() -> list[Plugin]:
    """The commands that are installed, ours first and in the order of the work."""
    found = {entry.name: Plugin(entry.name, entry) for entry in entry_points(group=GROUP)}
    rank = {name: place for place, name in enumerate(ORDER)}
    return sorted(found.values(), key=lambda p: (rank.get(p.name, len(ORDER)), p.name))
