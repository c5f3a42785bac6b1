"""Interactions: one image's score as a sum of AND and OR effects of its regions."""

from proofsight_server.interactions.joint import Interactions, extract
from proofsight_server.interactions.transforms import (
    and_effects,
    from_effects,
    or_effects,
    shapley_values,
)

__all__ = [
    "Interactions",
    "and_effects",
    "extract",
    "from_effects",
    "or_effects",
    "shapley_values",
]
