"""ExtractInteractions: what a request asks for, and the work of its operation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from google.protobuf import struct_pb2

from proofsight.v1 import extraction_pb2
from proofsight_server.errors import BadImage, BadOption
from proofsight_server.extraction.interaction_document import document
from proofsight_server.extraction.interaction_page import page
from proofsight_server.extraction.interactions import ExplainedImage, interactions_of, store
from proofsight_server.extraction.progress import Watch
from proofsight_server.interactions.baseline import parse_baseline
from proofsight_server.interactions.cache import LogitCache
from proofsight_server.interactions.image_explanation import Solving
from proofsight_server.interactions.region_spec import find_regions
from proofsight_server.interactions.regions import Regions, boxes
from proofsight_server.interactions.score import parse_score
from proofsight_server.interactions.selection import Target
from proofsight_server.interactions.tabulation import DEFAULT_MOST, Asked
from proofsight_server.knowledge.revision import open_revision
from proofsight_server.serving.configuration import Configuration
from proofsight_server.vision.image import Pixels

_ON_THE_WIRE = ("grid:", "slic:")
_MOST_NULLS = 100


def check(request: extraction_pb2.ExtractInteractionsRequest) -> None:
    """Refuse what can be refused without any work.

    Raises
    ------
    BadOption, BadImage
        No revision, no image, no regions, or options that are not known.
    """
    if not request.parents:
        raise BadOption("parents are empty; name at least one revision", field="parents")
    if not request.encoded:
        raise BadImage("the request carries no image; set `encoded`", field="encoded")
    if bool(request.regions) == bool(request.boxes):
        raise BadOption("give either regions or boxes", field="regions")
    # The other forms name files, which would be the server's.
    if request.regions and not request.regions.startswith(_ON_THE_WIRE):
        raise BadOption(
            f"regions are grid:ROWSxCOLUMNS or slic:COUNT, not {request.regions!r}; give boxes "
            "as `boxes`",
            field="regions",
        )
    asked(request)
    solving(request)


def asked(request: extraction_pb2.ExtractInteractionsRequest) -> Asked:
    """What is to be tabulated. Raises BadOption."""
    return Asked(
        parse_baseline(request.baseline or "zero"),
        parse_score(request.score or "log_odds"),
        request.class_name or None,
        request.most_regions or DEFAULT_MOST,
        seed=request.seed,
    )


def solving(request: extraction_pb2.ExtractInteractionsRequest) -> Solving:
    """How it is to be solved. Raises BadOption."""
    default = Solving()
    box = request.box if request.HasField("box") else default.box
    alpha = request.alpha if request.HasField("alpha") else default.alpha
    objective = request.objective or default.objective
    if objective not in ("mix", "additive"):
        raise BadOption(f"objective is mix or additive, not {objective!r}", field="objective")
    for name, value in (("box", box), ("alpha", alpha)):
        if not (math.isfinite(value) and 0 <= value <= 1):
            raise BadOption(f"{name} is a share, 0 to 1, not {value!r}", field=name)
    nulls = request.nulls if request.HasField("nulls") else default.nulls
    if nulls > _MOST_NULLS:
        raise BadOption(f"nulls are 0 to {_MOST_NULLS} extractions, not {nulls}", field="nulls")
    return Solving(
        objective=objective,
        alpha=alpha,
        box=box,
        target=Target(request.most_primitives or default.target.most),
        nulls=nulls,
        seed=request.seed,
    )


def score_cache(settings: Configuration) -> LogitCache | None:
    """Where logits are kept between requests. Raises BadOption where nothing can be."""
    if not settings.score_cache:
        return None
    cache = LogitCache(Path(settings.score_cache), settings.score_cache_bytes)
    cache.check()
    return cache


def stored(
    serialized: bytes,
    directories: Sequence[str],
    allow: Sequence[str],
    cache: LogitCache | None,
    watch: Watch,
) -> extraction_pb2.ImageInteractions:
    """Explain an image and store it; what the process of an operation does."""
    request = extraction_pb2.ExtractInteractionsRequest.FromString(serialized)
    revisions = [open_revision(Path(directory)) for directory in directories]
    image = interactions_of(
        revisions,
        request.encoded,
        request.title or "image",
        partial(_regions, request),
        asked(request),
        solving(request),
        allow=frozenset(allow),
        cache=cache,
        watch=watch,
    )
    with watch.step("storing"):
        paths = store(revisions, image, page(image))
    count = len(paths) // len(revisions)
    files = [str(path.relative_to(revisions[0].directory)) for path in paths[:count]]
    return response(image, files)


def response(image: ExplainedImage, files: Sequence[str]) -> extraction_pb2.ImageInteractions:
    """The answer of the operation."""
    explanation = image.explanation
    shared = {one.primitive: one.networks for one in explanation.shared}
    report = struct_pb2.Struct()
    report.update(document(image))
    return extraction_pb2.ImageInteractions(
        image_id=image.facts.image,
        class_name=explanation.tables.class_name,
        score=str(explanation.tables.score),
        baseline=explanation.tables.baseline,
        networks=[
            extraction_pb2.NetworkInteractions(
                network=facts.network,
                bias=facts.bias,
                score=int(facts.scores[-1]),
                sum=int(facts.sums()[-1]),
                residual_bound=facts.bound,
                primitives=[
                    extraction_pb2.InteractionPrimitive(
                        any=one.kind == "or",
                        regions=one.regions,
                        effect=effect,
                        shared_with=[n for n in shared.get(one, ()) if n != facts.network],
                    )
                    for one, effect in facts.effects
                ],
            )
            for facts in explanation.networks
        ],
        files=files,
        report=report,
    )


def _regions(request: extraction_pb2.ExtractInteractionsRequest, pixels: Pixels) -> Regions:
    if request.regions:
        return find_regions(request.regions, pixels)
    size = pixels.shape[0], pixels.shape[1]
    corners = [(box.left, box.top, box.right, box.bottom) for box in request.boxes]
    names = [box.name or f"box {place}" for place, box in enumerate(request.boxes)]
    return boxes(size, corners, names)
