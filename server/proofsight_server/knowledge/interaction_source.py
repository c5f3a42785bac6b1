"""Interactions of an image as an annex of facts: `interactions/NAME.pl`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from proofsight_server.interactions.facts import UNIT
from proofsight_server.interactions.image_explanation import ImageExplanation
from proofsight_server.knowledge.atom import quote

_ROW = 64  # masked scores on one line
_DIGITS = 12
_STEM = 40


@dataclass(frozen=True, slots=True)
class FactFile:
    """The text of an annex, and the atom that it is about."""

    image: str
    text: str

    @property
    def path(self) -> str:
        """Where it belongs in a revision."""
        return f"interactions/{self.image}.pl"


def write_interactions(
    explanation: ImageExplanation, stem: str, info: Mapping[str, str | int | float]
) -> FactFile:
    """The facts, about an atom that is named by their content.

    Parameters
    ----------
    stem
        The image's name, for people.
    info
        Becomes `interaction_info/3`: the digest of the image's pixels, baseline, score and the
        like.
    """
    digest = hashlib.sha256("\n".join(_facts("", explanation, info)).encode()).hexdigest()
    name = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")[:_STEM]
    image = "_".join(filter(None, ("" if name[:1].isalpha() else "image", name, digest[:_DIGITS])))
    return FactFile(image, "".join(f"{line}\n" for line in _facts(image, explanation, info)))


def _facts(
    image: str, explanation: ImageExplanation, info: Mapping[str, str | int | float]
) -> Iterator[str]:
    tables = explanation.tables
    regions, told = tables.regions, quote(tables.class_name)
    yield f"% Scores of {told} in 1/{UNIT} of {quote(str(tables.score))}; bit i of a mask is"
    yield "% set where region i is kept. A name is for people, the number is the identity."
    yield f"regions({image}, {len(regions)})."
    for region, name in enumerate(regions.names):
        box = ", ".join(map(str, regions.box(region)))
        yield f"region({image}, {region}, box({box}), {quote(name)})."
    for key, value in info.items():
        shown = quote(value) if isinstance(value, str) else repr(value)
        yield f"interaction_info({image}, {quote(key)}, {shown})."
    for one in explanation.shared:
        networks = ", ".join(map(quote, one.networks))
        sign = "same_sign" if one.same_sign else "mixed_sign"
        yield (
            f"shared({image}, {told}, {one.primitive.kind}, {one.primitive.mask}, [{networks}], "
            f"{sign})."
        )
    for facts in explanation.networks:
        about = f"{quote(facts.network)}, {image}, {told}"
        yield f"bias({about}, {facts.bias})."
        yield f"residual_bound({about}, {facts.bound})."
        if len(explanation.networks) > 1:
            yield f"shared_bound({about}, {facts.shared_bound})."
        for primitive, effect in facts.effects:
            yield f"interaction({about}, {primitive.kind}, {primitive.mask}, {effect})."
        for first in range(0, len(facts.scores), _ROW):
            row = ",".join(map(str, facts.scores[first : first + _ROW].tolist()))
            yield f"masked_scores({about}, {first}, [{row}])."
