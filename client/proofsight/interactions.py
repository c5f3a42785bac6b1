"""Interactions between regions of an image, as a server found and stored them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RegionBox:
    """A region in pixels of the image, ends excluded, and its name for people."""

    left: int
    top: int
    right: int
    bottom: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Primitive:
    """An effect, in millionths of the score's unit, that fires where regions are kept.

    `kind` is `and` (all of its regions are needed) or `or` (any is enough); `shared_with` are the
    other networks of the request that have it too.
    """

    kind: str
    regions: tuple[int, ...]
    effect: int
    shared_with: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NetworkInteractions:
    """How one network's score is summed up, in millionths of the score's unit.

    Attributes
    ----------
    network
        `digits/3`.
    bias, score, sum
        The score with no region kept; what the network says of the whole image; the bias and
        all effects that fire for it.
    residual_bound
        No mask's sum is farther than this from what the network says.
    primitives
        The effects, the largest first.
    """

    network: str
    bias: int
    score: int
    sum: int
    residual_bound: int
    primitives: tuple[Primitive, ...]


@dataclass(frozen=True, slots=True)
class ImageInteractions:
    """The interactions of one image.

    Attributes
    ----------
    image_id
        The atom that the facts are about, for queries.
    class_name, score, baseline
        Whose score of what it is, and what masked regions showed.
    networks
        One for each network, in the order asked for.
    files
        What was stored in each revision, relative to its directory.
    report
        Settings and figures, as `proofsight interactions --json` prints them.
    """

    image_id: str
    class_name: str
    score: str
    baseline: str
    networks: tuple[NetworkInteractions, ...]
    files: tuple[str, ...]
    report: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON ready."""
        return asdict(self)
