"""Sub-feature circuits: whether unlike images reach one target through circuits of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from proofsight_server.circuits.masked import MaskedNetwork, masked
from proofsight_server.circuits.moments import Doubles
from proofsight_server.circuits.passes import kernel_scores, precise
from proofsight_server.circuits.routes import at_maximum, peaks
from proofsight_server.circuits.scores import Mask, Scores
from proofsight_server.circuits.selection import select
from proofsight_server.circuits.selectivity import (
    Control,
    cross_errors,
    overlap,
    separation,
    shuffled,
)
from proofsight_server.circuits.subfeature_options import SubfeatureOptions
from proofsight_server.circuits.target_network import TargetNetwork
from proofsight_server.errors import BadDataset, BadOption
from proofsight_server.symbols.feature import Ints

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class SubfeatureLevel:
    """The groups' circuits at one level of keep.

    Attributes
    ----------
    keep
        As it was asked for.
    circuits
        The mask of each group, within the general circuit.
    errors
        (groups, groups): E_ij = Σ|ŷ−y| / Σ|y| of the circuit of group i on the images of group j,
        at each image's original maximum; E_ij − E_ii is its selectivity.
    overlaps
        By pair of groups, intersection over union of their kernels in each layer.
    control
        The mean selectivity beside those of shuffled groups.
    """

    keep: float
    circuits: tuple[Mask, ...]
    errors: Doubles
    overlaps: Mapping[tuple[int, int], Mapping[str, float | None]]
    control: Control


@dataclass(frozen=True, slots=True, eq=False)
class Subfeatures:
    """Circuits of groups of images, and whether they are the groups' own.

    Attributes
    ----------
    groups
        Positions of the images of each group.
    levels
        In the order of the keeps asked for.
    control
        The mean selectivity over all levels beside those of shuffled groups: one test, whatever
        the number of levels.
    chosen
        Per group, the smallest keep with an own error within the option, None where none is.
    reason
        Why no split is claimed, '' where one is.
    """

    groups: tuple[Ints, ...]
    levels: tuple[SubfeatureLevel, ...]
    control: Control
    chosen: tuple[float | None, ...]
    reason: str

    @property
    def split(self) -> bool:
        """Whether the groups have circuits of their own."""
        return not self.reason


def subfeatures(
    general: MaskedNetwork,
    images: Tensor,
    groups: Sequence[Ints],
    options: SubfeatureOptions | None = None,
    *,
    progress: Progress | None = None,
) -> Subfeatures:
    """Find a circuit for each group of images within a general one, and test them crosswise.

    Parameters
    ----------
    general
        The general circuit: kernels outside it belong to no group.
    images
        (n, channels, height, width) float32.
    groups
        Positions of the images of each group, two groups at least, disjoint.
    options
        See there.
    progress
        Called with circuits done and circuits in all.

    Raises
    ------
    BadOption
        There are fewer than two groups.
    BadDataset
        A group is empty, or an image is in two.
    """
    options = options or SubfeatureOptions()
    members = _checked(groups, len(images))
    rng = np.random.default_rng(options.seed)
    deals = (tuple(groups), *shuffled(groups, options.draws, rng))
    totals = _group_scores(general, images, members, deals, options)
    original, positions = peaks(general.network, images, options.batch)
    tested = _Tested(general, images, original, positions, options.batch)
    errors = np.empty((len(options.keeps), len(deals), len(groups), len(groups)))
    levels: list[tuple[Mask, ...]] = []
    count, done = errors.size // len(groups), 0
    for level, keep in enumerate(options.keeps):
        for place, deal in enumerate(deals):
            masks = tuple(
                _selected(general, arrays, keep, options.criterion) for arrays in totals[place]
            )
            if place == 0:
                levels.append(masks)
            circuit_peaks = np.stack([tested.peaks(mask) for mask in masks])
            errors[level, place] = cross_errors(original, circuit_peaks, deal)
            done += len(masks)
            if progress is not None:
                progress(done, count)
    return _judged(general.network, tuple(groups), levels, errors, options)


@dataclass(frozen=True, slots=True, eq=False)
class _Tested:
    """Images on which circuits are compared with the whole network, at its maxima."""

    general: MaskedNetwork
    images: Tensor
    original: Doubles
    positions: Ints
    batch: int

    def peaks(self, mask: Mask) -> Doubles:
        """(n,) the target of a circuit where the whole network has its maximum."""
        circuit = masked(self.general.network, mask)
        at = torch.from_numpy(self.positions)[:, None]
        with torch.inference_mode():
            maps = [
                circuit(some).reshape(len(some), -1)
                for some in torch.split(self.images, self.batch)
            ]
        return torch.cat(maps).gather(1, at)[:, 0].double().numpy()


def _group_scores(
    general: MaskedNetwork,
    images: Tensor,
    members: Ints,
    deals: Sequence[Sequence[Ints]],
    options: SubfeatureOptions,
) -> list[list[dict[str, Doubles]]]:
    """Per deal and group, the sum of its images' scores within the general circuit.

    Each image is scored once and counts in every deal, so that the control costs no more passes.
    """
    network, batch = precise(at_maximum(general.network), images, options.score)
    parameters = masked(network, general.mask).parameters
    sizes = {name: node.shape for name, node in network.wiring.layers.items()}
    totals = [
        [{name: np.zeros(shape) for name, shape in sizes.items()} for _ in deal] for deal in deals
    ]
    group_of = [_group_of(deal, len(images)) for deal in deals]
    for image in members.tolist():
        (found,) = kernel_scores(
            network, batch[image : image + 1], [options.criterion], options.score,
            parameters=parameters,
        ).values()  # fmt: skip
        for place, of in enumerate(group_of):
            for name, array in found.items():
                totals[place][of[image]][name] += array
    return totals


def _selected(
    general: MaskedNetwork, arrays: Mapping[str, Doubles], keep: float, criterion: str
) -> Mask:
    """The strongest kernels of the general circuit; those outside score 0 and are never kept."""
    inside = {name: np.where(general.mask[name], array, 0.0) for name, array in arrays.items()}
    return select(Scores(inside, general.network.wiring, criterion), keep=keep)


def _judged(
    network: TargetNetwork,
    groups: tuple[Ints, ...],
    levels: Sequence[tuple[Mask, ...]],
    errors: Doubles,
    options: SubfeatureOptions,
) -> Subfeatures:
    separations = np.array([[separation(matrix) for matrix in level] for level in errors])
    controls = [Control(float(row[0]), tuple(row[1:].tolist())) for row in separations]
    means = separations.mean(axis=0)
    control = Control(float(means[0]), tuple(means[1:].tolist()))
    tested = tuple(
        SubfeatureLevel(keep, masks, matrices[0], _overlaps(network, masks), one)
        for keep, masks, matrices, one in zip(options.keeps, levels, errors, controls, strict=True)
    )
    reason = ""
    if not control.separated:
        reason = (
            f"no split found: own and other images differ by {control.separation:.3f} in the error "
            f"of the groups' circuits, by up to {max(control.shuffled):.3f} in shuffled groups'"
        )
    return Subfeatures(groups, tested, control, _chosen(tested, options.error), reason)


def _chosen(levels: Sequence[SubfeatureLevel], error: float) -> tuple[float | None, ...]:
    own = [np.diagonal(level.errors) for level in levels]
    return tuple(
        min((lv.keep for lv, e in zip(levels, own, strict=True) if e[group] <= error), default=None)
        for group in range(len(own[0]))
    )


def _overlaps(
    network: TargetNetwork, masks: Sequence[Mask]
) -> dict[tuple[int, int], dict[str, float | None]]:
    kernels = [network.wiring.effective(mask) for mask in masks]
    return {
        (left, right): overlap(kernels[left], kernels[right])
        for left in range(len(kernels))
        for right in range(left + 1, len(kernels))
    }


def _group_of(deal: Sequence[Ints], images: int) -> Ints:
    found = np.full(images, -1, dtype=np.int64)
    for number, group in enumerate(deal):
        found[group] = number
    return found


def _checked(groups: Sequence[Ints], images: int) -> Ints:
    """All members, once groups are known to be sets of images."""
    if len(groups) < 2:
        raise BadOption(f"sub-features need two groups of images at least, not {len(groups)}")
    members: Any = np.concatenate(list(groups))
    if any(not len(group) for group in groups) or len(set(members.tolist())) < len(members):
        raise BadDataset("groups have an image each at least, and none in two of them")
    if members.min() < 0 or members.max() >= images:
        raise BadDataset(f"a group names image {int(members.max())}, but there are {images}")
    found: Ints = np.sort(members)
    return found
