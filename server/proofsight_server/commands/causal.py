"""See whether what the rules read moves the network: replace each channel, and ask it again.

Each channel that proofs use is replaced in the network by what it looks like where it is not as
the proof says. If that does no more to the decision than replacing a channel that the program does
not use, the rule is correlated with the decision, and not its cause; if it does, chance is ruled
out by a test.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from proofsight_server.commands.arguments import (
    add_allow_model,
    add_json,
    add_revision_data,
    allowed,
    at_least,
    positive,
)
from proofsight_server.commands.figures import SPLITS
from proofsight_server.commands.outcome import outcome, print_json
from proofsight_server.commands.table import print_table, share

if TYPE_CHECKING:
    from proofsight_server.extraction.cause import CausalOptions, Cause


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("revision", metavar="R/KB[/N]", help="the revision; the newest of KB")
    add_revision_data(parser)
    parser.add_argument(
        "--split", choices=SPLITS, default="validation", help="whose images (validation)"
    )
    parser.add_argument(
        "--images", metavar="N", type=positive, default=200, help="at most, per proposition (200)"
    )
    parser.add_argument(
        "--replace",
        choices=("opposite", "zero", "mean"),
        default="opposite",
        help="by what the channel looks like with the opposite bit, by nothing, or by its mean "
        "(opposite)",
    )
    parser.add_argument(
        "--controls",
        metavar="N",
        type=at_least(0),
        default=3,
        help="unused channels to compare each with (3)",
    )
    add_allow_model(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Check and tell."""
    return outcome(lambda: _causal(args), json=args.json)


def _causal(args: argparse.Namespace) -> int:
    from proofsight_server.commands.progress import shown
    from proofsight_server.extraction.causal import causal_check
    from proofsight_server.extraction.cause import CausalOptions
    from proofsight_server.extraction.loading import load_revision_network, open_revision_dataset
    from proofsight_server.extraction.progress import Watch
    from proofsight_server.knowledge.repository import parse_name

    revision = parse_name(args.revision).open()
    dataset = open_revision_dataset(revision, args.data, args.seed)
    network = load_revision_network(revision, allow=allowed(args))
    options = CausalOptions(
        split=args.split,
        images=args.images,
        replace=args.replace,
        controls=args.controls,
        seed=dataset.seed,
    )
    with shown() as progress:
        causes = causal_check(revision, dataset, network, options, watch=Watch(progress))
    if args.json:
        print_json(
            {
                "revision": revision.name,
                "data": dataset.uri,
                "split": options.split,
                "replace": options.replace,
                "images": options.images,
                "level": options.level,
                "seed": options.seed,
                "propositions": [cause.to_json() for cause in causes],
            }
        )
    else:
        _tell(revision.name, dataset.uri, options, causes)
    return 0


def _tell(name: str, data: str, options: CausalOptions, causes: Sequence[Cause]) -> None:
    print(f"{name} on {data}, {options.split} images; channels replaced: {options.replace}")
    rows = []
    for cause in causes:
        others = cause.controls
        rows.append(
            [
                cause.proposition + (f" ({cause.label})" if cause.label else ""),
                str(cause.images),
                share(cause.effect.changed if cause.effect else None),
                share(_mean([other.changed for other in others])),
                share(cause.effect.logit if cause.effect else None),
                share(_mean([other.logit for other in others])),
                share(cause.agreement),
                share(cause.adjusted),
                cause.verdict,
            ]
        )
    print_table(
        [
            "proposition",
            "images",
            "class changes",
            "of controls",
            "logit",
            "of controls",
            "agreement",
            "p",
            "verdict",
        ],
        rows,
    )
    print(
        "class changes: share of images whose class the network then changes; logit: mean change "
        "for the class that the program decides; agreement: where program and network then agree"
    )
    against = "nothing replaced" if options.controls == 0 else "each control"
    print(
        f"p: of the paired sign-flip test that a channel does no more than {against}, adjusted by "
        f"Holm's method for all propositions; causal: p at most {options.level:g}; undecided: it "
        "did more, but chance could have it so, and more --images might tell"
    )


def _mean(numbers: Sequence[float]) -> float | None:
    return sum(numbers) / len(numbers) if numbers else None
