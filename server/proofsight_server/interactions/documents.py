"""Interactions as JSON says them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from proofsight_server.interactions.explanation import Explanation
from proofsight_server.interactions.joint import Interactions
from proofsight_server.interactions.sharing import Sharing
from proofsight_server.interactions.sharing_null import SharingNull


def extraction_document(found: Interactions) -> dict[str, Any]:
    """What JSON says of an extraction as a whole."""
    return {
        "regions": found.regions,
        "bit_order": "bit i is set where region i is kept",
        "objective": found.objective,
        "alpha": found.alpha,
        "box": found.box,
        "value": found.value,
        "gap": found.gap,
        "steps": found.steps,
        "spread": found.spread,
        "merged": True,
        "notes": list(found.notes),
    }


def explanation_document(explanation: Explanation) -> dict[str, Any]:
    """What JSON says of one network's primitives."""
    found = explanation.sum
    return {
        "mode": explanation.mode,
        "bias": found.bias,
        "r2": found.r2,
        "worst_error": found.worst,
        "rms_error": found.rms,
        "target_met": explanation.met,
        "primitives": [
            {
                "kind": primitive.kind,
                "mask": primitive.mask,
                "regions": list(primitive.regions),
                "effect": float(effect),
            }
            for primitive, effect in zip(found.primitives, found.effects, strict=True)
        ],
    }


def sharing_document(shared: Sharing, null: SharingNull | None) -> dict[str, Any]:
    """What JSON says of what networks share, and of what tables with renamed regions do."""
    return {
        **asdict(shared.overlap),
        "by_kind": {kind: asdict(part) for kind, part in shared.by_kind.items()},
        "same_sign": shared.same_sign,
        "same_sign_chance": shared.same_sign_chance,
        "weighted_iou": shared.weighted_iou,
        "orders_all": shared.orders_all.tolist(),
        "orders_shared": shared.orders_shared.tolist(),
        "shared_only_r2": [one.r2 for one in shared.refits],
        "shared_only_worst_error": [one.worst for one in shared.refits],
        "primitives": [{"kind": one.kind, "mask": one.mask} for one in shared.shared],
        "renamed_regions": None if null is None else _null_document(null),
    }


def _null_document(null: SharingNull) -> dict[str, Any]:
    """The figures; seconds are left out, so that equal work has equal documents."""
    return {
        "extractions": null.extractions,
        "share": list(null.share),
        "iou": null.iou,
        "same_sign": null.same_sign,
        "weighted_iou": null.weighted_iou,
        "shared_only_r2": list(null.r2),
    }
