"""Superpixels: regions that follow the colours of an image, in an exact number."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from skimage.color import rgb2lab
from skimage.segmentation import slic

from proofsight_server.errors import BadOption
from proofsight_server.interactions.regions import Regions
from proofsight_server.symbols.feature import Floats, Ints
from proofsight_server.vision.image import Pixels, to_mode

_COMPACTNESS = 10.0


def superpixels(pixels: Pixels, count: int) -> Regions:
    """Exactly `count` superpixels that cover the image.

    SLIC gives about as many segments as it is asked for.  It is asked for more until there are
    enough; then the smallest is merged into the neighbour of nearest mean Lab colour (of equal
    ones the first), until `count` remain.  SLIC starts from a grid and draws nothing at random:
    the same image gives the same regions.

    Parameters
    ----------
    pixels
        (height, width, 1 or 3) uint8.

    Raises
    ------
    BadOption
        `count` is below 2, or SLIC does not find so many in an image as small or plain.

    References
    ----------
    https://scikit-image.org/docs/stable/api/skimage.segmentation.html#skimage.segmentation.slic
    """
    if count < 2:
        raise BadOption(f"slic takes at least 2 superpixels, not {count}", count=count)
    colour = to_mode(pixels, "RGB")
    labels = _segments(colour, count)
    lab = rgb2lab(colour)
    while len(np.unique(labels)) > count:
        labels = _merged(labels, lab)
    numbers = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
    names = tuple(f"superpixel {number}" for number in range(count))
    return Regions(numbers.astype(np.int64), names, f"slic:{count}")


def _segments(colour: Pixels, count: int) -> Ints:
    """At least `count` connected segments."""
    height, width = colour.shape[:2]
    found = 0
    asked = count
    while asked <= max(height * width, count):
        labels: Ints = slic(
            colour, n_segments=asked, compactness=_COMPACTNESS, start_label=0, channel_axis=-1
        )
        found = len(np.unique(labels))
        if found >= count:
            return labels
        asked = asked * 3 // 2 + 1
    raise BadOption(
        f"slic finds {found} superpixels in this image of {width} x {height} pixels, not {count}; "
        "ask for fewer, or take a grid",
        found=found,
        count=count,
    )


def _merged(labels: Ints, lab: Floats) -> Ints:
    """The smallest segment joins a neighbour."""
    values, sizes = np.unique(labels, return_counts=True)
    smallest = int(values[np.argmin(sizes)])
    colours = {int(value): lab[labels == value].mean(axis=0) for value in values}
    near = _neighbours(labels, smallest) or [int(v) for v in values if v != smallest]
    joined = min(near, key=lambda other: _distance(colours, other, smallest))
    return np.where(labels == smallest, joined, labels)


def _neighbours(labels: Ints, segment: int) -> list[int]:
    """Segments that share an edge of a pixel with one."""
    found: set[int] = set()
    for one, other in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        found.update(other[one == segment].tolist())
        found.update(one[other == segment].tolist())
    return sorted(found - {segment})


def _distance(colours: Mapping[int, Floats], one: int, other: int) -> float:
    return float(np.linalg.norm(colours[one] - colours[other]))
