"""Explain scores by AND and OR effects of regions, and find those that networks share.

Each score is the sum of the effects that fire: an AND where all of its regions are kept, an OR
where any of them is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from proofsight_server.commands.arguments import (
    add_allow_model,
    add_json,
    positive,
    share_of_one,
    whole,
)
from proofsight_server.commands.outcome import outcome

_OF_IMAGES = (
    *("--regions", "--class", "--score", "--baseline", "--compare-baselines", "--data"),
    *("--most-regions", "--cache", "--no-cache", "--store"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("image", metavar="IMAGE", nargs="?", help="PNG, JPEG or WebP; - is stdin")
    parser.add_argument(
        "revisions",
        metavar="R/KB[/N]",
        nargs="*",
        help="whose networks: one, or several of the same classes",
    )
    _add_image(parser)
    parser.add_argument(
        "--tables",
        metavar="F.npz",
        type=Path,
        help="scores instead of networks: the array `tables`, (networks, 2^n) or (2^n,), bit i of "
        "a place set where region i is kept",
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="write the document there (.json), or all effects and the residual (.npz); of an "
        "image also a page whose regions can be switched (.html), its picture (.svg, .png) or its "
        "facts (.pl)",
    )
    _add_solver(parser)
    _add_choice(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Extract and tell."""
    if args.tables is not None:
        if args.image is not None:
            args.parser.error("--tables has scores already; leave IMAGE and R/KB out")
        for option in _OF_IMAGES:
            name = option[2:].replace("-", "_").replace("class", "class_name")
            if getattr(args, name) != args.parser.get_default(name):
                args.parser.error(f"{option} is about an image; --tables has none: leave it out")
        from proofsight_server.commands.interaction_tables import explain_tables

        return outcome(lambda: explain_tables(args), json=args.json)
    if args.image is None or not args.revisions or args.regions is None:
        args.parser.error("give IMAGE, R/KB and --regions, or --tables F.npz")
    from proofsight_server.commands.interaction_image import explain_image_file

    return outcome(lambda: explain_image_file(args), json=args.json)


def _add_image(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("image")
    group.add_argument(
        "--regions",
        metavar="SPEC",
        help="grid:ROWSxCOLUMNS, slic:COUNT (superpixels), boxes:F.json[:first] ([left, top, "
        "right, bottom] in pixels), labels:F.png (numbers, 0 is background)",
    )
    group.add_argument(
        "--class",
        dest="class_name",
        metavar="C",
        help="its name or index (the top class of the first network)",
    )
    group.add_argument(
        "--score",
        metavar="S",
        default="log_odds",
        help="log_odds, margin, logit or contrast:CLASS (log_odds)",
    )
    group.add_argument(
        "--baseline",
        metavar="B",
        default="zero",
        help="what masked regions show: zero, black, mean, image_mean, blur[:PIXELS], "
        "noise_mean[:DRAWS] or learned[:STEPS] (zero)",
    )
    group.add_argument(
        "--compare-baselines",
        metavar="B,B,…",
        help="tell how many primitives survive each of these baselines",
    )
    group.add_argument(
        "--data", metavar="D", help="training images for --baseline mean (those of the extraction)"
    )
    group.add_argument(
        "--most-regions",
        metavar="N",
        type=positive,
        default=12,
        help="refuse more regions; each doubles the work; at most 16 (12)",
    )
    group.add_argument(
        "--seed", metavar="S", type=whole, default=0, help="of drawn noise and renamed regions (0)"
    )
    group.add_argument(
        "--cache",
        metavar="DIR",
        type=Path,
        help="where scores are kept (proofsight/scores in the user's cache)",
    )
    group.add_argument("--no-cache", action="store_true", help="keep no scores")
    group.add_argument(
        "--store",
        action="store_true",
        help="put facts and page into the revisions, for why --with interactions and queries",
    )
    add_allow_model(parser)


def _add_solver(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("extraction")
    group.add_argument(
        "--objective",
        choices=("mix", "additive"),
        default="mix",
        help="mix: (1 − alpha) of each row's largest effect and alpha of the row's sum; additive: "
        "all of the largest, and alpha of the sum (mix)",
    )
    group.add_argument("--alpha", metavar="X", type=float, default=0.1, help="(0.1)")
    group.add_argument(
        "--box",
        metavar="X",
        type=float,
        default=0.02,
        help="share of the score's span that may be noise, 0 for exact sums (0.02)",
    )
    group.add_argument(
        "--gap", metavar="X", type=float, default=1e-3, help="relative gap to the optimum (0.001)"
    )
    group.add_argument(
        "--order-weight",
        choices=("none", "tie", "noise"),
        default="none",
        help="what effects of higher order cost more: nothing, a trifle that decides ties, or by "
        "the noise that they gather (none)",
    )


def _add_choice(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("primitives")
    group.add_argument(
        "--most", metavar="N", type=positive, default=50, help="primitives per network (50)"
    )
    group.add_argument(
        "--r2", metavar="X", type=float, help="the fewest that explain this share of variance"
    )
    group.add_argument(
        "--max-error", metavar="X", type=float, help="the fewest with no error above this"
    )
    group.add_argument(
        "--fit",
        choices=("least_squares", "minimax"),
        default="least_squares",
        help="how their effects are chosen anew (least_squares)",
    )
    group.add_argument(
        "--lossless", action="store_true", help="all effects, with --box 0 and at most 8 regions"
    )
    group.add_argument(
        "--salient",
        metavar="X",
        type=share_of_one,
        default=0.05,
        help="effects above this share of the network's largest are compared (0.05)",
    )
    group.add_argument(
        "--nulls",
        metavar="N",
        type=whole,
        default=3,
        help="extractions of tables with renamed regions, which show what the loss alone shares; "
        "each takes as long as the first; 0 for none (3)",
    )
