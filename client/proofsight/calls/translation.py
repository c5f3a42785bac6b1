"""From images to facts."""

from __future__ import annotations

from typing import Final

from proofsight import parsing
from proofsight.calls.shapes import Unary
from proofsight.facts import Facts
from proofsight.image import ImageLike, image_message
from proofsight.names import resource
from proofsight.v1 import facts_pb2

FACTS: Final = "/proofsight.v1.Facts"


def facts(
    image: ImageLike,
    kb: str,
    *,
    entry: str = "",
    with_regions: bool = False,
    timeout: float | None = None,
) -> Unary[Facts]:
    """The facts of one image, those above the layer `entry` as measured and not as observed.

    `image` is as in `why`, but for facts.  Raises BadImage, BadTensor, UnknownKnowledgeBase,
    UnknownRevision, UnknownLayer, and OSError for a path that cannot be read.
    """
    message = facts_pb2.TranslateImageRequest(
        name=resource(kb), image=image_message(image), with_regions=with_regions, entry=entry
    )
    return Unary(
        f"{FACTS}/TranslateImage",
        message.SerializeToString(),
        lambda data: parsing.facts(facts_pb2.TranslateImageResponse.FromString(data).facts),
        timeout,
    )
