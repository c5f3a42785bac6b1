"""Which layers of a network M-of-N rules explain: error against complexity, layer by layer."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from proofsight_server.commands.arguments import (
    add_allow_model,
    add_json,
    add_revision_data,
    allowed,
    positive,
)
from proofsight_server.commands.outcome import outcome, print_json
from proofsight_server.commands.table import print_table, share

UNITS = 16
IMAGES = 2_500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("revision", metavar="R/KB[/N]", help="the revision whose network it is")
    add_revision_data(parser)
    parser.add_argument(
        "--layer",
        metavar="L",
        action="append",
        default=[],
        help="a convolution or linear layer; may be repeated (all that read another layer)",
    )
    parser.add_argument(
        "--order",
        default="greedy",
        help="how literals join bodies: weight, weight*std, gain, greedy, triples (greedy)",
    )
    parser.add_argument(
        "--units",
        metavar="N",
        type=_units,
        default=UNITS,
        help=f"most per layer, drawn by the seed, or all ({UNITS})",
    )
    parser.add_argument(
        "--images",
        metavar="N",
        type=positive,
        default=IMAGES,
        help=f"most training images, a fifth of them held out, and most test images ({IMAGES})",
    )
    parser.add_argument(
        "--out", metavar="FILE", type=Path, help="write a picture, FILE.svg, or rows, FILE.csv"
    )
    add_allow_model(parser)
    add_json(parser)


def _units(text: str) -> int | None:
    """A number of units from 1, None for `all`."""
    if text == "all":
        return None
    try:
        return positive(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}; or all") from error


def run(args: argparse.Namespace) -> int:
    """Measure, tell, and draw."""
    return outcome(lambda: _landscape(args), json=args.json)


def _landscape(args: argparse.Namespace) -> int:
    from proofsight_server.commands.progress import shown
    from proofsight_server.errors import BadOption
    from proofsight_server.extraction.landscape import (
        landscape_csv,
        landscape_rows,
        landscape_svg,
    )
    from proofsight_server.extraction.loading import load_revision_network, open_revision_dataset
    from proofsight_server.extraction.mofn_options import MofNOptions
    from proofsight_server.extraction.progress import Watch
    from proofsight_server.extraction.survey import surveyed
    from proofsight_server.knowledge.repository import parse_name

    options = MofNOptions(order=args.order, images=args.images)
    if args.out is not None and args.out.suffix not in {".svg", ".csv"}:
        raise BadOption(
            f"--out {args.out} says neither a picture nor rows; name it FILE.svg or FILE.csv",
            option="out",
            value=args.out,
        )
    revision = parse_name(args.revision).open()
    network = load_revision_network(revision, allow=allowed(args))
    dataset = open_revision_dataset(revision, args.data, args.seed)
    with shown() as progress:
        reports = surveyed(
            network,
            dataset,
            options,
            layers=args.layer,
            units=args.units,
            seed=dataset.seed,
            watch=Watch(progress),
        )
    rows = landscape_rows(reports)
    if args.out is not None:
        draw = args.out.suffix == ".svg"
        text = landscape_svg(reports, args.order) if draw else landscape_csv(reports)
        args.out.write_text(text, encoding="utf-8")
    if args.json:
        print_json({"revision": revision.name, "data": dataset.uri, "rows": rows})
    else:
        _print(rows)
        if args.out is not None:
            print(f"{args.out} written")
    return 0


def _print(rows: Sequence[Mapping[str, Any]]) -> None:
    """A line per layer and β."""
    print_table(
        ("layer", "reads", "units", "inputs", "beta", "complexity", "N", "M", "error", "constant"),
        [
            (
                row["layer"],
                row["below"],
                f"{row['explained']}/{row['units']} of {row['size']}",
                str(row["inputs"]),
                f"{row['beta']:.3f}",
                f"{row['complexity']:.4f}",
                f"{row['literals']:.1f}",
                f"{row['m']:.1f}",
                share(row["error"]),
                share(row["baseline"]),
            )
            for row in rows
        ],
    )
