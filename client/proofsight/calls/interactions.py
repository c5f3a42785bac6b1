"""Interactions between regions of an image: what is begun, and what it becomes."""

from __future__ import annotations

from collections.abc import Sequence

from proofsight.calls.extraction import begun
from proofsight.calls.shapes import Long
from proofsight.errors import BadImage
from proofsight.image import ImageLike, image_message
from proofsight.interactions import ImageInteractions, RegionBox
from proofsight.names import resource
from proofsight.operation import OperationProgress
from proofsight.parsing import operations as parsing
from proofsight.v1 import extraction_pb2


def extract_interactions(
    image: ImageLike,
    kbs: str | Sequence[str],
    regions: str | Sequence[RegionBox],
    *,
    class_name: str = "",
    score: str = "",
    baseline: str = "",
    title: str = "",
    most_regions: int = 0,
    most_primitives: int = 0,
    objective: str = "",
    alpha: float | None = None,
    box: float | None = None,
    seed: int = 0,
    nulls: int | None = None,
    progress: OperationProgress | None = None,
    timeout: float | None = None,
) -> Long[ImageInteractions]:
    """Have the server write scores of an image as sums of effects of its regions, and store them.

    The work is cancelled where the wait for it ends early: by `timeout`, an interrupt, or
    whatever `progress` raises.

    Parameters
    ----------
    image
        A path, or the bytes of a PNG, JPEG or WebP file.
    kbs
        `digits` (its newest revision) or `digits/3`, or several of the same classes.
    regions
        `grid:3x4`, `slic:10`, or boxes.
    class_name
        Whose score is explained; empty: the top class of the first network.
    score, baseline, objective, alpha, box, seed
        As `proofsight interactions` has them; empty and None for their defaults.
    nulls
        How many extractions of tables with renamed regions stand beside what several networks
        share, in the report's `sharing`; None for 3.
    title
        A name of the image for people.
    most_regions, most_primitives
        Refuse more regions (12); tell at most so many primitives of each network (50).
    progress
        Is told how far the work is, twice a second.
    timeout
        Seconds for the whole of it; None: as long as it takes.

    Raises
    ------
    BadImage
        The image is an array, which has no file's pixels, or cannot be decoded.
    InvalidArgument
        An option is none, regions are too many, or networks have different classes.
    UnknownKnowledgeBase, UnknownRevision, UnknownClass
        There is nothing of that name.
    Cancelled
        Somebody cancelled it, or the server is stopping.
    DeadlineExceeded
        It took longer than `timeout`.
    """
    message = image_message(image)
    if message.WhichOneof("kind") != "encoded":
        raise BadImage(
            "interactions are stored under the pixels of an image file; give a path or its bytes, "
            "not an array",
            "INVALID_ARGUMENT",
            "BAD_IMAGE",
            {"field": "encoded"},
        )
    names = [kbs] if isinstance(kbs, str) else kbs
    request = extraction_pb2.ExtractInteractionsRequest(
        parents=[resource(name) for name in names],
        encoded=message.encoded,
        title=title,
        regions=regions if isinstance(regions, str) else "",
        boxes=()
        if isinstance(regions, str)
        else [
            extraction_pb2.RegionBox(
                left=one.left, top=one.top, right=one.right, bottom=one.bottom, name=one.name
            )
            for one in regions
        ],
        class_name=class_name,
        score=score,
        baseline=baseline,
        most_regions=most_regions,
        most_primitives=most_primitives,
        objective=objective,
        alpha=alpha,
        box=box,
        seed=seed,
        nulls=nulls,
    )
    return begun("ExtractInteractions", request, parsing.image_interactions, progress, timeout)
