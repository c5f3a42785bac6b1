"""`interactions IMAGE R/KB …`: effects of regions of an image on the scores of networks."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proofsight_server.commands.interaction_baselines import (
    parse_others,
    survival_document,
    tell_survivals,
    with_baselines,
)
from proofsight_server.commands.interaction_tables import tell_sharing
from proofsight_server.commands.outcome import print_json

if TYPE_CHECKING:
    from proofsight_server.extraction.interactions import ExplainedImage
    from proofsight_server.interactions.facts import NetworkFacts
    from proofsight_server.interactions.image_explanation import ImageExplanation, Solving
    from proofsight_server.interactions.primitive import Primitive

_SHOWN = 12
_ENDINGS = (".json", ".npz", ".html", ".svg", ".png", ".pl")


def explain_image_file(args: argparse.Namespace) -> int:
    """Score all masks of an image, extract, and tell, write or store what was found."""
    from proofsight_server.commands.arguments import allowed
    from proofsight_server.commands.progress import shown
    from proofsight_server.extraction.interaction_document import document
    from proofsight_server.extraction.interaction_page import page
    from proofsight_server.extraction.interactions import interactions_of, store
    from proofsight_server.extraction.progress import Watch
    from proofsight_server.interactions.baseline import parse_baseline
    from proofsight_server.interactions.baseline_comparison import compare_baselines
    from proofsight_server.interactions.cache import LogitCache, default_cache
    from proofsight_server.interactions.region_spec import find_regions
    from proofsight_server.interactions.score import parse_score
    from proofsight_server.interactions.tabulation import Asked
    from proofsight_server.knowledge.repository import parse_name
    from proofsight_server.vision.dataset import open_dataset

    _check_out(args.out)
    asked = Asked(
        parse_baseline(args.baseline),
        parse_score(args.score),
        args.class_name,
        args.most_regions,
        seed=args.seed,
    )
    solving = _solving(args)
    stem, data = _image(args.image)
    revisions = [parse_name(name).open() for name in args.revisions]
    dataset = None if args.data is None else open_dataset(args.data, seed=0, labelled=False)
    cache = None if args.no_cache else LogitCache(args.cache or default_cache(os.environ))
    others = parse_others(args.compare_baselines, asked.baseline)
    with shown() as progress:
        found = partial(
            interactions_of,
            revisions,
            data,
            stem,
            partial(find_regions, args.regions),
            dataset=dataset,
            allow=allowed(args),
            cache=cache,
            told=lambda estimate: print(f"proofsight: {estimate}", file=sys.stderr, flush=True),
            watch=Watch(progress),
        )
        image = found(asked=asked, solving=solving)
        others_solving = replace(solving, nulls=0)
        survivals = [
            compare_baselines(
                image.explanation, found(asked=other, solving=others_solving).explanation
            )
            for other in with_baselines(asked, image.explanation.tables.class_name, others)
        ]
    stored = [str(path) for path in store(revisions, image, page(image))] if args.store else []
    told = {**document(image), "stored": stored}
    if others:
        told["baselines"] = [survival_document(one) for one in survivals]
    if args.out is not None:
        _write(args.out, image, told)
    if args.json:
        print_json(told)
        return 0
    _tell(image)
    tell_survivals(survivals)
    for path in stored:
        print(f"stored {path}")
    if args.out is not None:
        print(f"written {args.out}")
    return 0


def _solving(args: argparse.Namespace) -> Solving:
    from proofsight_server.interactions.image_explanation import Solving
    from proofsight_server.interactions.selection import Target

    return Solving(
        objective=args.objective,
        alpha=args.alpha,
        box=args.box,
        gap=args.gap,
        order_weight=args.order_weight,
        target=Target(args.most, args.r2, args.max_error),
        fit=args.fit,
        salient=args.salient,
        lossless=args.lossless,
        nulls=args.nulls,
        seed=args.seed,
    )


def _image(name: str) -> tuple[str, bytes]:
    """A name for people, and the bytes."""
    if name == "-":
        return "image", sys.stdin.buffer.read()
    return Path(name).stem, Path(name).read_bytes()


def _check_out(path: Path | None) -> None:
    from proofsight_server.errors import BadOption

    if path is None:
        return
    if path.suffix not in _ENDINGS:
        raise BadOption(
            f"--out {path} ends in none of {', '.join(_ENDINGS)}; name the one you want"
        )
    if path.is_dir() or not (path.parent.is_dir() and os.access(path.parent, os.W_OK | os.X_OK)):
        raise BadOption(
            f"cannot write to {path}: give --out a file in a directory that exists and that we "
            "may write"
        )


def _write(path: Path, image: ExplainedImage, told: dict[str, Any]) -> None:
    from proofsight_server.extraction.interaction_page import page, picture
    from proofsight_server.extraction.raster import png

    match path.suffix:
        case ".json":
            text = json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
            path.write_text(text, encoding="utf-8")
        case ".html":
            path.write_text(page(image), encoding="utf-8")
        case ".svg":
            path.write_text(picture(image).svg(), encoding="utf-8")
        case ".png":
            path.write_bytes(png(picture(image)))
        case ".pl":
            path.write_text(image.facts.text, encoding="utf-8")
        case _:
            _write_arrays(path, image.explanation)


def _write_arrays(path: Path, explanation: ImageExplanation) -> None:
    import numpy as np

    found = explanation.found
    np.savez(
        path,
        tables=explanation.tables.tables,
        regions=explanation.tables.regions.labels,
        and_effects=found.and_effects,
        or_effects=found.or_effects,
        bias=found.bias,
        residual=found.residual,
        scales=found.scales,
    )


def _tell(image: ExplainedImage) -> None:
    explanation = image.explanation
    tables, found = explanation.tables, explanation.found
    print(
        f"{tables.class_name}: {tables.score}, positive where {tables.score.verdict}; "
        f"{len(tables.regions)} regions ({tables.regions.made}), baseline {tables.baseline}; "
        f"{found.objective} {found.alpha:g}, box {found.box:g}; within {found.gap:.2g} of the "
        f"optimum after {found.steps} steps"
    )
    if tables.dropped:
        print(f"regions that equal the baseline, left out: {'; '.join(tables.dropped)}")
    for note in explanation.notes:
        print(f"note: {note}")
    shared = {one.primitive for one in explanation.shared}
    for place, facts in enumerate(explanation.networks):
        _tell_network(explanation, facts, place, shared)
    if explanation.sharing is not None:
        print()
        tell_sharing(explanation.sharing, explanation.null)


def _tell_network(
    explanation: ImageExplanation, facts: NetworkFacts, place: int, shared: set[Primitive]
) -> None:
    from proofsight_server.extraction.interaction_document import named

    names = explanation.tables.regions.names
    said, total = int(facts.scores[-1]), int(facts.sums()[-1])
    print(
        f"\n{facts.network}: score {_decimal(said)} = bias {_decimal(facts.bias)} "
        f"{_decimal(total - facts.bias)} by {len(facts.effects)} primitives "
        f"{_decimal(said - total)} that they leave; on every mask they leave "
        f"{_decimal(facts.bound)} at most; R² {explanation.sums[place].r2:.4f}; "
        f"mean score by mask size: {explanation.premises[place]}"
    )
    for one, effect in facts.effects[:_SHOWN]:
        word = {"and": "all of ", "or": "any of "}[one.kind] if one.order > 1 else ""
        mark = " (shared)" if one in shared else ""
        print(f"  {_decimal(effect):>8}  {word}{named(one.mask, names)}{mark}")
    if len(facts.effects) > _SHOWN:
        print(f"  … and {len(facts.effects) - _SHOWN} more (--json)")


def _decimal(millionths: int) -> str:
    return f"{millionths / 1_000_000:+.3f}"
