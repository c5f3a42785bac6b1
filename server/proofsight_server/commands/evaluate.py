"""Measure revisions, as their files are now, on a data set.

Several revisions that differ in their seeds are summed up: mean ± sample deviation.
"""

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
    parser.add_argument(
        "revisions",
        metavar="R/KB[/N]",
        nargs="+",
        help="the revision, the newest of KB; or several, of one method with different seeds",
    )
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
    if len(args.revisions) > 1:
        if args.curve is not None:
            args.parser.error("--curve draws one revision; name one only")
        return outcome(lambda: _summarise(args), json=args.json)
    return outcome(lambda: _evaluate(args), json=args.json)


def _evaluate(args: argparse.Namespace) -> int:
    from proofsight_server.commands.figures import print_figures
    from proofsight_server.commands.progress import shown
    from proofsight_server.commands.warned import tell
    from proofsight_server.extraction.entries import curve_of, require_entries
    from proofsight_server.extraction.evaluate import evaluate_revision
    from proofsight_server.extraction.loading import load_revision_network
    from proofsight_server.extraction.probing import SPLITS
    from proofsight_server.extraction.progress import Watch
    from proofsight_server.knowledge.repository import parse_name
    from proofsight_server.vision.dataset import open_dataset

    revision = parse_name(args.revisions[0]).open()
    if args.curve is not None:
        # What cannot be drawn is told before the measuring, and not after it.
        require_entries(revision.program, revision.quantisation)
        args.curve.touch()
    seed = int(revision.manifest.data["seed"]) if args.seed is None else args.seed
    dataset = open_dataset(args.data, seed=seed, labelled=False)
    network = load_revision_network(revision, allow=allowed(args))
    with shown() as progress:
        report = evaluate_revision(revision, dataset, network, watch=Watch(progress))
    if report.misfit:
        tell(report.misfit)
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


def _summarise(args: argparse.Namespace) -> int:
    from proofsight_server.commands.progress import shown
    from proofsight_server.commands.summary import print_summary, summary_document
    from proofsight_server.commands.warned import tell
    from proofsight_server.extraction.beside import differences, repeated
    from proofsight_server.extraction.evaluate import evaluate_revision
    from proofsight_server.extraction.loading import load_revision_network
    from proofsight_server.extraction.progress import Watch
    from proofsight_server.knowledge.repository import parse_name
    from proofsight_server.vision.dataset import open_dataset

    revisions = [parse_name(name).open() for name in args.revisions]
    reports = []
    with shown() as progress:
        for revision in revisions:
            seed = int(revision.manifest.data["seed"]) if args.seed is None else args.seed
            dataset = open_dataset(args.data, seed=seed, labelled=False)
            network = load_revision_network(revision, allow=allowed(args))
            reports.append(evaluate_revision(revision, dataset, network, watch=Watch(progress)))
    for report in reports:
        if report.misfit:
            tell(f"{report.revision}: {report.misfit}")
    other, again = differences(revisions), repeated(revisions)
    if args.json:
        print_json({**summary_document(reports, other), "repeated_seeds": list(again)})
        return 0
    print(f"{len(reports)} revisions on {args.data}: mean ± sample deviation")
    print_summary([report.figures for report in reports])
    if other:
        print(
            f"these differ in more than their seeds ({', '.join(other)}), so that the deviation "
            "is no measure of chance; `proofsight compare` puts them side by side"
        )
    elif again:
        print(
            f"{', '.join(again)}: the same seeds as another of these, so that the deviation is too "
            "small a measure of chance; take revisions of different seeds"
        )
    return 0
