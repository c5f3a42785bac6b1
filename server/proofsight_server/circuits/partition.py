"""Images divided into disjoint parts: to score on, to choose by, to report."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from proofsight_server.errors import BadDataset, BadOption
from proofsight_server.symbols.feature import Ints

HALVES = (0.5, 0.5)
THIRDS = (1 / 3, 1 / 3, 1 / 3)


def partition(
    images: Tensor,
    labels: Ints | None = None,
    *,
    shares: Sequence[float] = HALVES,
    seed: int = 0,
) -> tuple[Ints, ...]:
    """Positions of the images of each part, ascending.

    An image goes where the hash of its content says, so that copies of it are never in two
    parts, and the parts do not depend on the order of the images.

    Parameters
    ----------
    images
        (n, channels, height, width), as the network takes them.
    labels
        (n,) classes; every part then gets its share of each class.  A copy under two labels
        counts with the smaller one.
    shares
        How much of the images each part gets; they add up to 1.
    seed
        Chooses another division.

    Raises
    ------
    BadOption
        A share is not above 0, or they do not add up to 1.
    BadDataset
        A part would have no image.
    """
    if not shares or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9:
        raise BadOption(f"shares of a partition are above 0 and add up to 1, not {tuple(shares)}")
    contents = content_hashes(images)
    strata: dict[int, set[bytes]] = {}
    classes: dict[bytes, int] = {}
    for content, label in zip(contents, _labels(labels, len(contents)), strict=True):
        classes[content] = min(label, classes.get(content, label))
    for content, label in classes.items():
        strata.setdefault(label, set()).add(content)
    part_of: dict[bytes, int] = {}
    for label in sorted(strata):
        part_of |= _dealt(strata[label], shares, seed)
    placed = np.array([part_of[content] for content in contents], dtype=np.int64)
    parts = tuple(np.flatnonzero(placed == part) for part in range(len(shares)))
    empty = [number for number, part in enumerate(parts, 1) if not len(part)]
    if empty:
        raise BadDataset(
            f"{len(part_of)} different images cannot be divided into {len(shares)} parts with "
            f"shares {tuple(shares)}: part {empty[0]} would be empty; give more images",
            images=len(part_of),
        )
    return parts


def content_hashes(images: Tensor) -> list[bytes]:
    """SHA-256 of each image's values, as the network takes them."""
    rows = images.detach().cpu().contiguous().numpy()
    return [hashlib.sha256(repr(row.shape).encode() + row.tobytes()).digest() for row in rows]


def _labels(labels: Ints | None, images: int) -> Sequence[int]:
    if labels is None:
        return [0] * images
    if len(labels) != images:
        raise BadDataset(f"{len(labels)} labels for {images} images; give one for each")
    return [int(label) for label in labels]


def _dealt(contents: set[bytes], shares: Sequence[float], seed: int) -> dict[bytes, int]:
    """The part of each image of a class: shuffled by keyed hashes, then cut at the shares.

    Where the shares do not come out whole, the class's own key says which part gains.
    """
    ordered = sorted(contents, key=lambda content: _keyed(seed, content))
    offset = int.from_bytes(_keyed(seed, b"".join(sorted(contents)))[:4], "big") / 2**32
    bounds = np.cumsum(shares)
    places = (np.arange(len(ordered)) + offset) / len(ordered)
    found = np.minimum(np.searchsorted(bounds, places, side="right"), len(shares) - 1)
    return dict(zip(ordered, found.tolist(), strict=True))


def _keyed(seed: int, content: bytes) -> bytes:
    return hashlib.sha256(str(seed).encode() + b"\0" + content).digest()
