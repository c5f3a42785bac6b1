"""`interactions --tables`: effects of scores that are given, without a network."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proofsight_server.commands.outcome import print_json
from proofsight_server.commands.table import print_table

if TYPE_CHECKING:
    from proofsight_server.interactions.explanation import Explanation
    from proofsight_server.interactions.joint import Interactions
    from proofsight_server.interactions.masks import Doubles
    from proofsight_server.interactions.sharing import Sharing
    from proofsight_server.interactions.sharing_null import SharingNull

_SHOWN = 12
_ENDINGS = (".json", ".npz")


def explain_tables(args: argparse.Namespace) -> int:
    """Extract from the tables of a file, and tell or write what was found."""
    import numpy as np

    from proofsight_server.interactions.documents import (
        explanation_document,
        extraction_document,
        sharing_document,
    )
    from proofsight_server.interactions.joint import extract
    from proofsight_server.interactions.premise import premise
    from proofsight_server.interactions.sharing import sharing
    from proofsight_server.interactions.sharing_null import null_of_renamed
    from proofsight_server.interactions.table_file import read_tables

    _check_out(args.out)
    given = read_tables(args.tables)
    solved = partial(
        extract,
        objective=args.objective,
        alpha=args.alpha,
        box=args.box,
        gap=args.gap,
        order_weight=args.order_weight,
    )
    found = solved(given)
    tables = np.atleast_2d(given).astype(np.float64)
    explanations = [_explained(args, table, found, row) for row, table in enumerate(tables)]
    shared = sharing(tables, found, share=args.salient) if len(tables) > 1 else None
    null = None
    if shared is not None:
        rng = np.random.default_rng(args.seed)
        null = null_of_renamed(tables, solved, args.nulls, rng, share=args.salient)
    premises = [premise(table) for table in tables]
    document = {
        "tables": str(args.tables),
        **extraction_document(found),
        "networks": [
            {
                **explanation_document(explanation),
                "premise": {
                    "mean_by_size": one.means.tolist(),
                    "monotone": one.monotone,
                },
            }
            for explanation, one in zip(explanations, premises, strict=True)
        ],
        "sharing": None if shared is None else sharing_document(shared, null),
    }
    _write(args.out, document, found)
    if args.json:
        print_json(document)
        return 0
    _tell(args, tables, found, explanations, [str(one) for one in premises])
    if shared is not None:
        tell_sharing(shared, null)
    return 0


def tell_sharing(shared: Sharing, null: SharingNull | None) -> None:
    """Print what networks share, each figure beside chance and what renamed regions share."""
    whole = shared.overlap
    sizes = ", ".join(map(str, whole.sizes))
    print(f"{whole.shared} salient primitives are shared by all, of {sizes} in each network:")
    rows: list[tuple[str, float | None, float | None, float | None]] = [
        (f"share, network {place + 1}", share, chance, corrected)
        for place, (share, chance, corrected) in enumerate(
            zip(whole.share, whole.chance, whole.corrected, strict=True)
        )
    ]
    rows.append(("intersection over union", whole.iou, whole.iou_chance, None))
    rows.append(("the same, weighted", shared.weighted_iou, None, None))
    rows.append(("same sign, of the shared", shared.same_sign, shared.same_sign_chance, None))
    rows += [
        (f"R² of the shared alone, network {place + 1}", one.r2, None, None)
        for place, one in enumerate(shared.refits)
    ]
    renamed: list[float | None] = [None] * len(rows)
    if null is not None:
        renamed = [*null.share, null.iou, null.weighted_iou, null.same_sign, *null.r2]
    print_table(
        ["", "found", "by chance", "renamed", "corrected for chance"],
        [
            [name, *map(_number, (found, chance, beside, corrected))]
            for (name, found, chance, corrected), beside in zip(rows, renamed, strict=True)
        ],
    )
    if null is not None:
        print(
            "renamed: the regions of all networks but the first have changed places, so that only "
            f"the loss is shared; mean of {null.extractions} extractions ({null.seconds:.1f} s)"
        )


def _explained(
    args: argparse.Namespace, table: Doubles, found: Interactions, network: int
) -> Explanation:
    from proofsight_server.interactions.explanation import compact, lossless
    from proofsight_server.interactions.selection import Target

    if args.lossless:
        return lossless(table, found, network)
    target = Target(args.most, args.r2, args.max_error)
    return compact(table, found, network, target, fit=args.fit)


def _tell(
    args: argparse.Namespace,
    tables: Doubles,
    found: Interactions,
    explanations: Sequence[Explanation],
    premises: Sequence[str],
) -> None:
    print(
        f"{args.tables}: {len(tables)} network{'s'[: len(tables) > 1]}, {found.regions} regions; "
        f"{found.objective} {found.alpha:g}, box {found.box:g}; within {found.gap:.2g} of the "
        f"optimum after {found.steps} steps"
    )
    for note in found.notes:
        print(f"note: {note}")
    for network, (table, explanation, premise) in enumerate(
        zip(tables, explanations, premises, strict=True)
    ):
        whole = explanation.sum
        print(
            f"\nnetwork {network + 1}: bias {whole.bias:.4g}, {len(whole.primitives)} primitives "
            f"({explanation.mode}), R² {whole.r2:.4f}, worst error {whole.worst:.3g} of a span of "
            f"{abs(table[-1] - table[0]):.3g}; mean score by mask size: {premise}"
        )
        if not explanation.met:
            print(
                f"what was asked for is not met by {args.most} primitives; allow more with --most"
            )
        print_table(
            ["primitive", "effect"],
            [
                [f"{one.kind} {{{', '.join(map(str, one.regions))}}}", f"{effect:+.4f}"]
                for one, effect in list(zip(whole.primitives, whole.effects, strict=True))[:_SHOWN]
            ],
        )
        if len(whole.primitives) > _SHOWN:
            print(f"… and {len(whole.primitives) - _SHOWN} more (--json)")


def _check_out(path: Path | None) -> None:
    from proofsight_server.errors import BadOption

    if path is None:
        return
    if path.suffix not in _ENDINGS:
        raise BadOption(f"--out {path} ends in neither .json nor .npz; name the one you want")
    if path.is_dir() or not (path.parent.is_dir() and os.access(path.parent, os.W_OK | os.X_OK)):
        raise BadOption(
            f"cannot write to {path}: give --out a file in a directory that exists and that we "
            "may write"
        )


def _write(path: Path | None, document: dict[str, Any], found: Interactions) -> None:
    import numpy as np

    if path is None:
        return
    if path.suffix == ".json":
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return
    np.savez(
        path,
        and_effects=found.and_effects,
        or_effects=found.or_effects,
        bias=found.bias,
        residual=found.residual,
        scales=found.scales,
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
