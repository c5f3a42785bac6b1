"""Measure a revision, as its files are now, on a data set."""

from __future__ import annotations

import argparse
from pathlib import Path

from proofsight_server.commands.arguments import (
    add_allow_model,
    add_data,
    add_json,
    allowed,
    whole,
)
from proofsight_server.commands.outcome import outcome, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("revision", metavar="R/KB[/N]", help="the revision; the newest of KB")
    add_data(parser)
    parser.add_argument(
        "--seed", metavar="S", type=whole, help="chooses the validation images (as at extraction)"
    )
    parser.add_argument(
        "--curve",
        metavar="FILE.svg",
        type=Path,
        help="draw how fidelity and accuracy fall the lower a chained program is entered",
    )
    add_allow_model(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and tell."""
    return outcome(lambda: _evaluate(args), json=args.json)


def _evaluate(args: argparse.Namespace) -> int:
    from proofsight_server.commands.figures import print_figures
    from proofsight_server.commands.progress import shown
    from proofsight_server.extraction.entries import curve_of, require_entries
    from proofsight_server.extraction.evaluate import evaluate_revision
    from proofsight_server.extraction.loading import load_revision_network
    from proofsight_server.extraction.probing import SPLITS
    from proofsight_server.extraction.progress import Watch
    from proofsight_server.knowledge.repository import parse_name
    from proofsight_server.vision.dataset import open_dataset

    revision = parse_name(args.revision).open()
    if args.curve is not None:
        # What cannot be drawn is told before the measuring, and not after it.
        require_entries(revision.program, revision.quantisation)
        args.curve.touch()
    seed = int(revision.manifest.data["seed"]) if args.seed is None else args.seed
    dataset = open_dataset(args.data, seed=seed, labelled=False)
    network = load_revision_network(revision, allow=allowed(args))
    with shown() as progress:
        report = evaluate_revision(revision, dataset, network, watch=Watch(progress))
    if args.curve is not None:
        last = next(s for s in reversed(SPLITS) if report.figures[s]["images"])
        args.curve.write_text(curve_of(report.figures["entries"], last), encoding="utf-8")
    if args.json:
        print_json(report.to_json())
        return 0
    print(f"{report.revision} on {report.data}")
    print_figures(report.figures)
    print(report.note)
    ties = sum(report.near_ties.values())
    if ties:
        print(f"{ties} images have a value so near its threshold that another machine may differ")
    return 0
