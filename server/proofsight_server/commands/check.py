"""Check the program of a revision: every finding with file, line and column."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from proofsight_server.commands.arguments import add_json
from proofsight_server.commands.findings import finding_lines
from proofsight_server.commands.outcome import REFUSED, outcome, print_json

if TYPE_CHECKING:
    from proofsight_server.errors import Issue
    from proofsight_server.knowledge.reading import ProgramSource
    from proofsight_server.symbols.quantisation import Quantisation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("revision", metavar="R/KB[/N]", help="the revision; the newest of KB")
    parser.add_argument(
        "--entry",
        metavar="L",
        help="also whether rules decide all that is used of the layers above this one",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Check; 1 if there are errors."""
    return outcome(lambda: _check(args), json=args.json)


def _check(args: argparse.Namespace) -> int:
    from proofsight_server.knowledge.repository import parse_name
    from proofsight_server.knowledge.revision import check_revision
    from proofsight_server.rules.entry import observed_at

    directory = parse_name(args.revision).directory()
    source, edited = check_revision(directory)
    if args.entry is not None and not source.errors:
        quantisation = _quantisation(source)
        entry = quantisation.layer_of(args.entry)
        observed_at(entry, source.program, quantisation.by_layer)
    name = f"{directory.parent.name}/{directory.name}"
    issues = sorted(source.issues, key=lambda i: (i.severity != "error", i.file, i.line, i.column))
    if args.json:
        print_json(
            {
                "ok": not source.errors,
                "revision": name,
                "edited": list(edited),
                "edited_since_measured": bool(edited),
                "rules": len(source.program.rules),
                "propositions": len(source.propositions),
                "issues": [asdict(issue) for issue in issues],
            }
        )
    else:
        for line in finding_lines(issues):
            print(line)
        size = f"{len(source.program.rules)} rules, {len(source.propositions)} propositions"
        print(f"{name}: {_counted(issues)}{'' if source.errors else f'; {size}'}")
        if edited:
            print(f"{name}: edited since measured: {', '.join(edited)}")
    return REFUSED if source.errors else 0


def _quantisation(source: ProgramSource) -> Quantisation:
    from proofsight_server.symbols.quantisation import Quantisation

    return Quantisation(source.layers, source.propositions)


def _counted(issues: Sequence[Issue]) -> str:
    counts = []
    for severity in ("error", "warning"):
        number = sum(issue.severity == severity for issue in issues)
        counts.append(f"{number or 'no'} {severity}{'' if number == 1 else 's'}")
    return ", ".join(counts)
