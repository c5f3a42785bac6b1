"""Extract the rules of a network, and publish them as a revision of a knowledge base."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proofsight_server.commands.arguments import (
    MODEL,
    add_allow_model,
    add_data,
    add_json,
    add_preprocessing,
    allowed,
    at_least,
    grids,
    image_shape,
    layer,
    learner_option,
    positive,
    preprocessing_options,
    rules_bound,
    whole,
)
from proofsight_server.commands.outcome import outcome, print_json

if TYPE_CHECKING:
    from proofsight_server.extraction.extract import Source

REDUCTIONS = ("l1", "l2", "mean", "max")
CHAIN_MODES = ("faithful", "refit")
THRESHOLDS = ("mean", "mean-std", "quantile", "info-gain")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_data(parser)
    parser.add_argument(
        "--weights", metavar="W", type=Path, required=True, help="safetensors or a state dict"
    )
    parser.add_argument(
        "--model", metavar="M", help=f"{MODEL}; not needed where the weights name it"
    )
    parser.add_argument(
        "--repository", metavar="R", type=Path, required=True, help="directory; made if missing"
    )
    parser.add_argument("--name", metavar="KB", required=True, help="the knowledge base's name")
    parser.add_argument(
        "--layer",
        metavar="L[:grid=R[,R]…]",
        action="append",
        type=layer,
        default=[],
        help="a layer to read, as its path or atom, and the grids over its maps where they are "
        "others than --grid; may be repeated, in any order (the last convolution); of mofn and "
        "approximation a layer to explain, below that of the logits (none)",
    )
    parser.add_argument(
        "--chain",
        action="store_true",
        help="several layers: the class from the topmost, each of its propositions from the layer "
        "below, and so on; then any of the layers can be the --entry of a question",
    )
    parser.add_argument(
        "--chain-mode",
        choices=CHAIN_MODES,
        help="faithful: rules learn what the network does at their own layer; refit: those above "
        "the lowest layer learn again from what the rules below them derive (faithful)",
    )
    parser.add_argument(
        "--chain-leaves",
        metavar="N",
        type=at_least(2),
        help="most leaves of the tree behind each derived proposition (16)",
    )
    parser.add_argument(
        "--learner",
        metavar="NAME",
        default="tree",
        help="tree: paths of a decision tree; fold: rules in order, with exceptions; scorecard: "
        "points for each class; mofn, approximation: read off the weights of layers; or one of "
        "your own, module:factory (tree)",
    )
    parser.add_argument(
        "--max-rules",
        metavar="N",
        type=rules_bound,
        help="most rules, or lines of points, or auto: chosen on validation images (30 for tree)",
    )
    parser.add_argument(
        "--learner-option",
        metavar="KEY=VALUE",
        action="append",
        type=learner_option,
        default=[],
        help="what else the learner takes, e.g. tail=0.005 of fold or max_points=3 of scorecard; "
        "may be repeated",
    )
    parser.add_argument(
        "--budget",
        metavar="N",
        type=positive,
        help="most literals: thresholds, cells and size are then chosen on validation images, and "
        "the curve of fidelity by literals is kept in the revision",
    )
    parser.add_argument(
        "--reduction", choices=REDUCTIONS, default="l1", help="how a map becomes a number (l1)"
    )
    parser.add_argument(
        "--threshold",
        choices=THRESHOLDS,
        help="how thresholds are fitted (mean; with --budget, chosen)",
    )
    parser.add_argument(
        "--cuts",
        metavar="N",
        type=positive,
        default=1,
        help="thresholds per feature, of quantile or info-gain (1; with --budget, chosen)",
    )
    parser.add_argument(
        "--grid",
        metavar="R[,R]…",
        type=grids,
        default=(1,),
        help="cells of an R × R grid over each map; 1 is the whole map (1)",
    )
    parser.add_argument(
        "--seed", metavar="S", type=whole, help="for splits and ties (that of the training, or 0)"
    )
    add_preprocessing(parser)
    add_allow_model(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Extract and publish."""
    return outcome(lambda: _extract(args), json=args.json)


def _extract(args: argparse.Namespace) -> int:
    from proofsight_server.commands.figures import print_figures
    from proofsight_server.commands.progress import shown
    from proofsight_server.commands.warned import warned
    from proofsight_server.extraction.extract import extract
    from proofsight_server.extraction.options import ExtractOptions
    from proofsight_server.extraction.progress import Watch
    from proofsight_server.knowledge.repository import Repository

    with warned():
        seed, source = _source(args)
    options = ExtractOptions(
        layers=tuple(name for name, _ in args.layer),
        layer_grids={name: sizes for name, sizes in args.layer if sizes is not None},
        **_chain(args),
        learner=args.learner,
        max_rules=args.max_rules,
        learner_options=dict(args.learner_option),
        reduction=args.reduction,
        threshold=args.threshold and args.threshold.replace("-", "_"),
        cuts=args.cuts,
        budget=args.budget,
        grids=args.grid,
        seed=seed,
    )
    with warned(), shown() as progress:
        revision = extract(
            options, source, Repository(args.repository), args.name, watch=Watch(progress)
        )
    figures = revision.manifest.figures
    if args.json:
        print_json({**figures, "revision": revision.name, "directory": str(revision.directory)})
    else:
        print(f"{revision.name} is in {revision.directory}")
        print_figures(figures)
    return 0


def _chain(args: argparse.Namespace) -> dict[str, Any]:
    """What was said of a chain, as options. Raises BadOption where there is none."""
    from proofsight_server.errors import BadOption

    given = {"--chain-mode": args.chain_mode, "--chain-leaves": args.chain_leaves}
    if not args.chain:
        for flag, value in given.items():
            if value is not None:
                raise BadOption(f"{flag} {value} says how layers are chained; add --chain")
        return {}
    leaves = {} if args.chain_leaves is None else {"chain_leaves": args.chain_leaves}
    return {"chain": args.chain_mode or CHAIN_MODES[0], **leaves}


def _source(args: argparse.Namespace) -> tuple[int, Source]:
    """The seed, and data and network that fit each other."""
    from proofsight_server.extraction.extract import Source
    from proofsight_server.extraction.probing import check_classes
    from proofsight_server.vision.dataset import open_dataset
    from proofsight_server.vision.network import load_network, load_weights

    metadata: dict[str, Any] = load_weights(args.weights)[1]
    training = dict(metadata.get("training", {}))
    seed = args.seed if args.seed is not None else int(training.get("seed", 0))
    dataset = open_dataset(args.data, seed=seed, labelled=False)
    network = load_network(
        args.weights,
        model=args.model,
        classes=None if "classes" in metadata else dataset.classes or None,
        preprocessing=preprocessing_options(args),
        input_shape=image_shape(dataset),
        allow=allowed(args),
    )
    check_classes(dataset, network.classes)
    return seed, Source(dataset, network, training)
