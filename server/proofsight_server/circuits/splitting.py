"""Whether a target answers to unlike images by different routes: the protocol and its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from proofsight_server.circuits.grouping import Grouping, GroupingOptions, group
from proofsight_server.circuits.masked import MaskedNetwork
from proofsight_server.circuits.routes import most_active, routes
from proofsight_server.circuits.subfeature_options import SubfeatureOptions
from proofsight_server.circuits.subfeatures import Progress, Subfeatures, subfeatures
from proofsight_server.errors import BadOption
from proofsight_server.symbols.feature import Ints


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """How a split is looked for.

    Attributes
    ----------
    images
        How many of the images that activate the target most are looked at.
    grouping
        What counts as groups.
    circuits
        How the groups' circuits are found and tested.
    """

    images: int = 100
    grouping: GroupingOptions = field(default_factory=GroupingOptions)
    circuits: SubfeatureOptions = field(default_factory=SubfeatureOptions)

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        if self.images < 2 * self.grouping.smallest:
            raise BadOption(
                f"{self.images} images cannot have two groups of {self.grouping.smallest}; look at "
                f"{2 * self.grouping.smallest} at least",
                option="images",
            )


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """What was found about a target's routes.

    Attributes
    ----------
    considered
        Positions of the images looked at, the most active first.
    grouping
        Groups by route, None where they were given.
    subfeatures
        The groups' circuits and their test; its groups are positions among all images.  None
        where no groups were found.
    """

    considered: Ints
    grouping: Grouping | None
    subfeatures: Subfeatures | None

    @property
    def reason(self) -> str:
        """Why no split is claimed, '' where one is."""
        if self.subfeatures is not None:
            return self.subfeatures.reason
        assert self.grouping is not None
        return f"no split found: {self.grouping.reason}"

    @property
    def found(self) -> bool:
        """Whether groups of images have circuits of their own."""
        return not self.reason

    def to_json(self) -> dict[str, Any]:
        """What was found, as JSON can express it; undefined errors are null."""
        return {
            "found": self.found,
            "reason": self.reason,
            "images": len(self.considered),
            "grouping": None if self.grouping is None else _grouping(self.grouping),
            "circuits": None if self.subfeatures is None else _subfeatures(self.subfeatures),
        }


def split(
    general: MaskedNetwork,
    images: Tensor,
    groups: Sequence[Ints] | None = None,
    options: SplitOptions | None = None,
    *,
    progress: Progress | None = None,
) -> Split:
    """Look for circuits of the images' own within a general one.

    The images that activate the target most are grouped by the routes that they take; each group
    gets its circuit, and those are tested crosswise and beside shuffled groups.

    Parameters
    ----------
    general
        The general circuit, at a generous keep, or with the full mask.
    images
        (n, channels, height, width) float32.
    groups
        Positions of each group's images, where they are given; they are not looked for then.
    options
        See there.
    progress
        Called with circuits tested and circuits in all.

    Raises
    ------
    BadOption, BadDataset, BadTensor
        As `subfeatures`, `group` and `most_active`.
    """
    options = options or SplitOptions()
    if groups is not None:
        found = subfeatures(general, images, groups, options.circuits, progress=progress)
        return Split(np.sort(np.concatenate(list(groups))), None, found)
    considered = most_active(general.network, images, options.images)
    some = images[torch.from_numpy(considered)]
    grouping = group(routes(general.network, some, options.circuits.score), options.grouping)
    if not grouping.found:
        return Split(considered, grouping, None)
    members = [np.sort(considered[part]) for part in grouping.groups]
    tested = subfeatures(general, images, members, options.circuits, progress=progress)
    return Split(considered, grouping, tested)


def _grouping(grouping: Grouping) -> dict[str, Any]:
    return {
        "sizes": [len(members) for members in grouping.groups],
        "silhouette": grouping.silhouette,
        "silhouette_without_groups": grouping.reference,
        "adjusted_rand_index": grouping.stability,
        "tried": [
            {"groups": t.groups, "silhouette": t.silhouette, "smallest": t.smallest}
            for t in grouping.trials
        ],
    }


def _subfeatures(found: Subfeatures) -> dict[str, Any]:
    return {
        "groups": [members.tolist() for members in found.groups],
        "chosen_keep": list(found.chosen),
        "separation": _number(found.control.separation),
        "shuffled": [_number(value) for value in found.control.shuffled],
        "p": found.control.p,
        "levels": [
            {
                "keep": level.keep,
                "errors": [[_number(value) for value in row] for row in level.errors.tolist()],
                "separation": _number(level.control.separation),
                "overlap": [
                    {"groups": list(pair), "layers": dict(layers)}
                    for pair, layers in level.overlaps.items()
                ],
            }
            for level in found.levels
        ],
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
