"""The interactions of an image as one JSON document."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from proofsight_server.extraction.interactions import ExplainedImage
from proofsight_server.interactions.documents import extraction_document, sharing_document
from proofsight_server.interactions.facts import UNIT, NetworkFacts
from proofsight_server.interactions.image_explanation import ImageExplanation
from proofsight_server.interactions.masks import members


def document(image: ExplainedImage) -> dict[str, Any]:
    """All that is told of an image. Scores and effects are in `unit`s of the score."""
    explanation = image.explanation
    tables = explanation.tables
    return {
        "image": image.facts.image,
        "pixels": image.digest,
        "class": tables.class_name,
        "score": str(tables.score),
        "verdict": tables.score.verdict,
        "baseline": tables.baseline,
        "regions_made": tables.regions.made,
        **extraction_document(explanation.found),
        "unit": UNIT,
        "named_regions": [
            {"region": region, "name": name, "box": list(tables.regions.box(region))}
            for region, name in enumerate(tables.regions.names)
        ],
        "dropped": list(tables.dropped),
        "background": tables.regions.background,
        "networks": [network(explanation, place) for place in range(len(tables.networks))],
        "shared": [
            {
                "kind": one.primitive.kind,
                "mask": one.primitive.mask,
                "regions": list(one.primitive.regions),
                "networks": list(one.networks),
                "same_sign": one.same_sign,
            }
            for one in explanation.shared
        ],
        "sharing": None
        if explanation.sharing is None
        else sharing_document(explanation.sharing, explanation.null),
        "notes": list(explanation.notes),
    }


def network(explanation: ImageExplanation, place: int) -> dict[str, Any]:
    """What is told of one network, by its place."""
    tables, facts = explanation.tables, explanation.networks[place]
    found = explanation.sums[place]
    short = tables.shortcut[place]
    return {
        "network": facts.network,
        "top_class": tables.tops[place],
        "bias": facts.bias,
        "score": int(facts.scores[-1]),
        "sum": int(facts.sums()[-1]),
        "residual_bound": facts.bound,
        "shared_bound": facts.shared_bound if explanation.sharing else None,
        "r2": found.r2,
        "worst_error": found.worst,
        "rms_error": found.rms,
        "rounding": tables.rounding[place],
        "first_layer_deviation": None if math.isnan(short) else short,
        "premise": {
            "mean_by_size": explanation.premises[place].means.tolist(),
            "monotone": explanation.premises[place].monotone,
        },
        "primitives": effects(facts),
    }


def effects(facts: NetworkFacts) -> list[dict[str, Any]]:
    """The primitives of one network, the largest first."""
    return [
        {
            "kind": primitive.kind,
            "mask": primitive.mask,
            "regions": list(primitive.regions),
            "effect": effect,
        }
        for primitive, effect in facts.effects
    ]


def named(mask: int, names: Sequence[str]) -> str:
    """The regions of a mask by name."""
    return "; ".join(names[region] for region in members(mask))
