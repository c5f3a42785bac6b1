"""Make the gallery of a revision: per proposition the images that activate it most."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from proofsight_server.commands.arguments import (
    add_allow_model,
    add_json,
    add_revision_data,
    allowed,
    positive,
    share_of_one,
)
from proofsight_server.commands.outcome import outcome, print_json

if TYPE_CHECKING:
    from proofsight_server.extraction.gradient_pictures import GradientOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("revision", metavar="R/KB[/N]", help="the revision; the newest of KB")
    add_revision_data(parser)
    parser.add_argument(
        "--top",
        metavar="M",
        type=positive,
        help="images per proposition (10; with --smoothgrad 9)",
    )
    _add_gradients(parser)
    parser.add_argument(
        "--all", action="store_true", help="all propositions, not only those that rules use"
    )
    add_allow_model(parser)
    add_json(parser)


def _add_gradients(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("pictures by gradients")
    group.add_argument(
        "--smoothgrad",
        action="store_true",
        help="where in these images a feature, and the logit of a class, rises or falls",
    )
    group.add_argument(
        "--samples", metavar="N", type=positive, help="noisy copies of each image (50)"
    )
    group.add_argument(
        "--noise", metavar="X", type=share_of_one, help="deviation by the image's range (0.15)"
    )
    group.add_argument("--squared", action="store_true", help="squared gradients, without signs")
    group.add_argument(
        "--ascent",
        action="store_true",
        help="an image made for each feature and logit, its value beside the best real one",
    )


def run(args: argparse.Namespace) -> int:
    """Make the gallery and say where its page is."""
    if not args.smoothgrad and (args.samples or args.noise is not None or args.squared):
        args.parser.error("--samples, --noise and --squared are about --smoothgrad; add it")
    return outcome(lambda: _gallery(args), json=args.json)


def _gallery(args: argparse.Namespace) -> int:
    from proofsight_server.commands.progress import shown
    from proofsight_server.extraction.gallery import build_gallery
    from proofsight_server.extraction.loading import (
        load_revision_network,
        open_revision_dataset,
    )
    from proofsight_server.extraction.progress import Watch
    from proofsight_server.knowledge.repository import parse_name

    revision = parse_name(args.revision).open()
    dataset = open_revision_dataset(revision, args.data, args.seed)
    network = load_revision_network(revision, allow=allowed(args))
    top = args.top or (9 if args.smoothgrad else 10)
    with shown() as progress:
        gallery = build_gallery(
            revision, dataset, network,
            top=top, everything=args.all, gradients=_gradients(args, dataset.seed),
            watch=Watch(progress),
        )  # fmt: skip
    propositions = gallery.document["propositions"]
    if args.json:
        print_json({
            "revision": revision.name,
            "page": str(gallery.page),
            "index": str(gallery.index),
            "propositions": len(propositions),
            "images": sum(len(entry["images"]) for entry in propositions),
        })  # fmt: skip
        return 0
    noun = "proposition" if len(propositions) == 1 else "propositions"
    print(f"{revision.name}: {len(propositions)} {noun}, up to {top} images each")
    print(f"open {gallery.page}")
    return 0


def _gradients(args: argparse.Namespace, seed: int) -> GradientOptions:
    from proofsight_server.extraction.gradient_pictures import GradientOptions
    from proofsight_server.vision.ascent import AscentOptions
    from proofsight_server.vision.smoothgrad import SmoothGradOptions

    smoothgrad = None
    if args.smoothgrad:
        asked = {"samples": args.samples, "noise": args.noise, "squared": args.squared}
        smoothgrad = SmoothGradOptions(**{k: v for k, v in asked.items() if v is not None})
    return GradientOptions(smoothgrad, AscentOptions() if args.ascent else None, seed)
