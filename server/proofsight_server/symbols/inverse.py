"""From bits back to maps: what a layer looks like where a proposition is active, and where not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, Self, get_args

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.symbols.feature import Bools, Cell, Feature, Floats, Ints, Layer, features_of
from proofsight_server.symbols.quantisation import Quantisation
from proofsight_server.symbols.reduction import MapReducer

if TYPE_CHECKING:  # torch takes seconds to import, and is only needed by who has a map
    from torch import Tensor

Doubles = npt.NDArray[np.float64]
Variant = Literal["map", "uniform"]

_WHOLE = Cell((1, 1), (0, 0))


class Templates:
    """Inverse quantisation: the maps of a layer as far as its bits tell them.

    In place of each map stands Q, what is to be expected of it given its bit: its mean over the
    training images with that bit.  Where cells have propositions, each part of the map follows
    the finest cell that has one; several thresholds on one cell have a Q for each number of them
    that are passed.  What no proposition speaks of has its mean over all training images.
    ERIC (https://arxiv.org/abs/2010.09452) names the idea; this formula is ours.

    Parameters
    ----------
    quantisation
        The propositions, of this layer and maybe of others.
    layer
        Whose maps these are.
    variant
        `map`: Q is the mean map.  `uniform`: Q is one number, of which the reduction over the
        cell is the mean value; it has the sign of the mean map.

    Attributes
    ----------
    images_
        How many training images were seen.
    empty_
        (proposition, number of thresholds passed) that no training image has; Q is then the mean
        over all.
    """

    images_: int
    empty_: tuple[tuple[str, int], ...]

    def __init__(self, quantisation: Quantisation, layer: Layer, variant: Variant = "map") -> None:
        self.quantisation = quantisation
        self.layer = layer
        self.variant = variant

    def fit(self, map: Tensor) -> Self:
        """Learn from the maps of all training images, and forget what was learned before."""
        self.__dict__.pop("_sums", None)
        return self.partial_fit(map)

    def partial_fit(self, map: Tensor) -> Self:
        """Learn from the maps of some more training images.

        Parameters
        ----------
        map
            (n, channels, h, w) or (n, units), as the layer's values are read from.

        Raises
        ------
        BadOption
            For an unknown variant, or a layer that has no propositions.
        BadTensor
            For a map that lacks what the propositions read.
        """
        array = self._array(map)
        if not hasattr(self, "_sums"):
            self._start(array.shape[2:])
        bits, values = self._read(map)
        self.images_ += len(array)
        self._sums += array.sum(axis=0, dtype=np.float64)
        for tile in self._tiles:
            tile.add(array, bits, values)
        self.empty_ = tuple(empty for tile in self._tiles for empty in tile.empty())
        return self

    def __call__(self, map: Tensor) -> Tensor:
        """The map as far as its own bits tell it: same shape, float32."""
        array = self._array(map)
        if not hasattr(self, "_sums") or array.shape[1:] != self._sums.shape:
            raise BadTensor(
                f"the templates of {self.layer.atom} were not fitted on maps of shape "
                f"{array.shape[1:]}; fit them on the training images of the same network",
                layer=self.layer.atom,
            )
        bits, _ = self._read(map)
        mean = self._sums / self.images_
        told = np.empty(array.shape, dtype=np.float32)
        told[...] = mean
        for tile in self._tiles:
            tile.fill(told, bits, mean, uniform=self.variant == "uniform")
        return map.new_tensor(told).reshape(map.shape)

    def _array(self, map: Tensor) -> Floats:
        array: Floats = map.detach().cpu().float().numpy()
        if array.ndim not in (2, 4) or array.shape[1] != self.layer.size:
            raise BadTensor(
                f"the map of {self.layer.atom} has {self.layer.size} channels or units, not shape "
                f"{tuple(map.shape)}",
                layer=self.layer.atom,
            )
        return array if array.ndim == 4 else array[..., None, None]

    def _start(self, shape: tuple[int, ...]) -> None:
        if self.variant not in get_args(Variant):
            raise BadOption(
                f"a template is one of {', '.join(get_args(Variant))}, not {self.variant!r}",
                option="variant",
                value=self.variant,
            )
        own = [p for p in self.quantisation.observable if p.layer == self.layer.atom]
        if not own:
            raise BadOption(
                f"layer {self.layer.atom} has no propositions to tell its maps from",
                layer=self.layer.atom,
            )
        height, width = shape
        self.images_ = 0
        self._sums: Doubles = np.zeros((self.layer.size, height, width))
        self._features = tuple(p.feature for p in own if p.feature is not None)
        self._thresholds = np.array([p.threshold for p in own], dtype=np.float32)
        self._tiles = tuple(self._tiled((height, width)))

    def _read(self, map: Tensor) -> tuple[Bools, Floats]:
        """Bits and values (n, p) of the layer's own propositions."""
        flat = self.layer.kind == "map" and map.ndim == 2
        values = MapReducer(self._features)(map[..., None, None] if flat else map)
        bits: Bools = values > self._thresholds
        return bits, values

    def _tiled(self, shape: tuple[int, int]) -> Iterator[_Tile]:
        """Cells with the channels that have propositions there, the coarsest first."""
        names = [p.name for p in self.quantisation.observable if p.layer == self.layer.atom]
        column = {name: place for place, name in enumerate(names)}
        told: dict[Cell, dict[int, list[tuple[int, bool]]]] = {}
        for place, feature in enumerate(self._features):
            cell = feature.cell or _WHOLE
            told.setdefault(cell, {}).setdefault(feature.index, []).append((place, True))
        for feature, representative, equal in self._merged(shape, set(told)):
            if representative in column:
                own = told.setdefault(feature.cell or _WHOLE, {})
                own.setdefault(feature.index, []).append((column[representative], equal))
        for cell in sorted(told, key=lambda cell: (cell.grid[0] * cell.grid[1], cell.at)):
            yield _Tile(names, self._features, cell.span(*shape), told[cell])

    def _merged(
        self, shape: tuple[int, int], cells: set[Cell]
    ) -> Iterator[tuple[Feature, str, bool]]:
        """Features without a proposition of their own, whose bit is told by another's."""
        aliases = {name: (by, equal) for name, by, equal in self.quantisation.aliases}
        if not aliases:
            return
        reductions = {feature.reduction for feature in self._features}
        kind, default = self.layer.kind, self.quantisation.default_reduction
        for reduction in sorted(reductions):
            for feature in features_of(
                self.layer,
                None if kind == "linear" else shape,
                reduction=reduction,
                grids={cell.grid for cell in cells},
            ):
                name = feature.name(kind, default)
                if name in aliases:
                    yield feature, *aliases[name]


class _Tile:
    """One cell of some channels: how often, and with what sums, each level was seen.

    The level of a channel is the number of its propositions on this cell that are active.
    """

    def __init__(
        self,
        names: list[str],
        features: tuple[Feature, ...],
        span: tuple[slice, slice],
        told: dict[int, list[tuple[int, bool]]],
    ) -> None:
        self._span = span
        self._channels: Ints = np.array(sorted(told), dtype=np.int64)
        self._told = [told[int(channel)] for channel in self._channels]
        self._first = [own[0][0] for own in self._told]
        self._names = [names[first] for first in self._first]
        self._reductions = [features[first].reduction for first in self._first]
        levels = 1 + max(map(len, self._told))
        area = tuple(part.stop - part.start for part in span)
        self._counts: Ints = np.zeros((levels, len(self._channels)), dtype=np.int64)
        self._sums: Doubles = np.zeros((levels, len(self._channels), *area))
        self._values: Doubles = np.zeros((levels, len(self._channels)))

    def add(self, array: Floats, bits: Bools, values: Floats) -> None:
        """Count the images of a batch: maps (n, channels, h, w), bits and values (n, p)."""
        part = array[:, self._channels, *self._span].astype(np.float64)
        own = values[:, self._first].astype(np.float64)
        levels = self._levels(bits)
        for level in range(len(self._counts)):
            here = levels == level
            self._counts[level] += here.sum(axis=0)
            self._sums[level] += np.einsum("nk,nkhw->khw", here.astype(np.float64), part)
            self._values[level] += np.where(here, own, 0.0).sum(axis=0)

    def empty(self) -> Iterator[tuple[str, int]]:
        """The levels that a channel could have and no image had."""
        for at, own in enumerate(self._told):
            for level in range(len(own) + 1):
                if not self._counts[level, at]:
                    yield self._names[at], level

    def fill(self, told: Floats, bits: Bools, mean: Doubles, *, uniform: bool) -> None:
        """Put what the bits tell of these cells into maps `told` (n, channels, h, w)."""
        counts = np.maximum(self._counts, 1)[..., None, None]
        seen = self._counts[..., None, None] > 0
        maps = np.where(seen, self._sums / counts, mean[self._channels, *self._span])
        if uniform:
            maps = np.broadcast_to(self._constants(maps), maps.shape)
        levels = self._levels(bits)
        told[:, self._channels, *self._span] = maps[levels, np.arange(len(self._channels))]

    def _constants(self, maps: Doubles) -> Doubles:
        """(levels, k, 1, 1): the number whose reduction over the cell is the mean value."""
        total = self._values.sum(axis=0) / np.maximum(self._counts.sum(axis=0), 1)
        expected = np.where(self._counts > 0, self._values / np.maximum(self._counts, 1), total)
        positions = maps.shape[2] * maps.shape[3]
        parts = {"l1": positions, "l2": positions**0.5}
        size = np.array([parts.get(reduction, 1.0) for reduction in self._reductions])
        signed = np.array([reduction == "value" for reduction in self._reductions])
        sign = np.where((maps.sum(axis=(2, 3)) < 0) & ~signed, -1.0, 1.0)
        constants: Doubles = (sign * expected / size)[..., None, None]
        return constants

    def _levels(self, bits: Bools) -> Ints:
        """(n, k) how many of the propositions of each channel are active."""
        levels = np.empty((len(bits), len(self._channels)), dtype=np.int64)
        for at, own in enumerate(self._told):
            levels[:, at] = sum(
                (bits[:, column] == equal).astype(np.int64) for column, equal in own
            )
        return levels
