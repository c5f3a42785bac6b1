"""Regions of an image: which pixels are kept or masked together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from proofsight_server.errors import BadOption
from proofsight_server.symbols.feature import Bools, Ints

BACKGROUND = -1
Overlap = Literal["refuse", "first"]
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """Disjoint sets of pixels of one image, numbered from 0.

    Attributes
    ----------
    labels
        (height, width) int: the region of each pixel, or -1 for the background, which is
        never masked.
    names
        One per region, for people; the number is the identity.
    made
        How they were made, such as `grid:3x4`.
    """

    labels: Ints
    names: tuple[str, ...]
    made: str

    def __post_init__(self) -> None:
        if self.labels.ndim != 2 or not np.issubdtype(self.labels.dtype, np.integer):
            raise BadOption(
                f"regions are (height, width) integers, not {self.labels.dtype} {self.labels.shape}"
            )
        count = len(self.names)
        if count < 2:
            raise BadOption(f"{self.made} gives {count} region(s); interactions need at least 2")
        found = np.unique(self.labels)
        strange = [int(label) for label in found if not BACKGROUND <= label < count]
        if strange:
            raise BadOption(
                f"{self.made}: the label {strange[0]} is no region; they are 0..{count - 1}, and "
                f"{BACKGROUND} is the background",
                label=strange[0],
            )
        empty = sorted(set(range(count)) - set(found.tolist()))
        if empty:
            raise BadOption(
                f"{self.made}: region {empty[0]} ({self.names[empty[0]]}) has no pixels; leave it "
                "out",
                region=empty[0],
            )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image."""
        return self.labels.shape[0], self.labels.shape[1]

    @property
    def background(self) -> float:
        """The share of the image that is in no region, and so is never masked."""
        return float(np.mean(self.labels == BACKGROUND))

    def pixels(self, region: int) -> Bools:
        """(height, width) bool: where a region is."""
        inside: Bools = self.labels == region
        return inside

    def box(self, region: int) -> Box:
        """Left, top, right, bottom of the box around a region, in pixels, ends excluded."""
        rows, columns = np.nonzero(self.labels == region)
        return (
            int(columns.min()),
            int(rows.min()),
            int(columns.max()) + 1,
            int(rows.max()) + 1,
        )

    def kept(self, masks: Ints) -> Bools:
        """(masks, height, width) bool: which pixels masks keep; bit i of a mask keeps region i.

        The background is kept by all of them.
        """
        bits = (np.asarray(masks)[:, None] >> np.arange(len(self))) & 1
        # The last column answers for the label -1.
        columns = np.concatenate([bits, np.ones((len(bits), 1), dtype=bits.dtype)], axis=1)
        shown: Bools = columns[:, self.labels] == 1
        return shown

    def without(self, dropped: Iterable[int]) -> Regions:
        """The others, numbered anew; the pixels of the dropped ones become background.

        Raises
        ------
        BadOption
            Fewer than two remain.
        """
        gone = set(dropped)
        rest = [region for region in range(len(self)) if region not in gone]
        numbers = np.full(len(self) + 1, BACKGROUND, dtype=self.labels.dtype)
        numbers[rest] = np.arange(len(rest))
        return Regions(numbers[self.labels], tuple(self.names[i] for i in rest), self.made)


def grid(size: tuple[int, int], rows: int, columns: int) -> Regions:
    """Tiles of equal size, up to one pixel, row by row.

    Parameters
    ----------
    size
        Height and width of the image.

    Raises
    ------
    BadOption
        The image has fewer pixels than that in one direction, or there is no tile.
    """
    height, width = size
    if rows < 1 or columns < 1:
        raise BadOption(f"a grid has at least 1 row and 1 column, not {rows} x {columns}")
    if rows > height or columns > width:
        raise BadOption(
            f"a grid of {rows} rows and {columns} columns has empty tiles on an image of {height} "
            f"rows and {width} columns; take fewer",
            rows=rows,
            columns=columns,
        )
    row = np.arange(height) * rows // height
    column = np.arange(width) * columns // width
    names = tuple(f"row {r + 1}, column {c + 1}" for r in range(rows) for c in range(columns))
    return Regions(row[:, None] * columns + column, names, f"grid:{rows}x{columns}")


def boxes(
    size: tuple[int, int],
    corners: Sequence[Box],
    names: Sequence[str] | None = None,
    overlap: Overlap = "refuse",
) -> Regions:
    """Boxes of a user; pixels in none of them are background and never masked.

    Parameters
    ----------
    size
        Height and width of the image.
    corners
        Left, top, right, bottom in pixels, ends excluded.
    overlap
        `first` gives a pixel of several boxes to the first of them; `refuse` refuses it.

    Raises
    ------
    BadOption
        A box is empty or leaves the image, two overlap, or one is hidden wholly.
    """
    height, width = size
    labels = np.full(size, BACKGROUND, dtype=np.int64)
    for number, (left, top, right, bottom) in enumerate(corners):
        shown = f"box {number} ({left}, {top}, {right}, {bottom})"
        if not (0 <= left < right <= width and 0 <= top < bottom <= height):
            raise BadOption(
                f"{shown} is empty or leaves the image of {width} x {height} pixels; a box is "
                "left < right, top < bottom, ends excluded",
                box=number,
            )
        inside = labels[top:bottom, left:right]
        taken = inside != BACKGROUND
        if overlap == "refuse" and taken.any():
            other = int(inside[taken][0])
            raise BadOption(
                f"{shown} overlaps box {other}; move one of them, or give shared pixels to the "
                "first with the suffix :first",
                box=number,
                other=other,
            )
        inside[~taken] = number
    told = tuple(names) if names is not None else tuple(f"box {n}" for n in range(len(corners)))
    return Regions(labels, told, "boxes")


def label_image(labels: Ints, names: Sequence[str] | None = None) -> Regions:
    """Regions of a label image: 0 is background, each other value is one region, in order.

    Raises
    ------
    BadOption
        There are fewer than two values besides 0, or a negative one.
    """
    if labels.size and labels.min() < 0:
        raise BadOption(f"a label image has values from 0, not {labels.min()}")
    values = np.setdiff1d(np.unique(labels), [0])
    numbers = np.searchsorted(values, labels)
    regions = np.where(labels == 0, BACKGROUND, numbers).astype(np.int64)
    told = tuple(names) if names is not None else tuple(f"label {value}" for value in values)
    return Regions(regions, told, "labels")
