"""From feature maps to numbers: the values of features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.symbols.feature import Cell, Feature, Floats, Grid, Ints, Reduction

if TYPE_CHECKING:  # torch takes seconds to import, and most who need features need no tensor
    from torch import Tensor

Doubles = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating]

# Maps are worked on in pieces whose doubles stay in the second-level cache: as a whole they
# would go through memory once per step, which costs two to four times as much.
_PIECE = 1 << 16


def reduce_map(map: Tensor, features: Sequence[Feature]) -> Floats:
    """Values of the features of one layer, read off its map; see `MapReducer`.

    `map` has shape (n, channels, h, w), or (n, units); the answer (n, len(features)) float32.
    """
    return MapReducer(features)(map)


class MapReducer:
    """Reads the values of fixed features of one layer off its maps; planned once.

    The reductions are, over the cell Q: `l1` sum of |A|; `l2` square root of the sum of A²;
    `mean` l1 / |Q|; `max` greatest |A|; `value` the signed number itself, for cells of one
    position and for units.  Sums are accumulated in float64 and rounded once to float32.

    Parameters
    ----------
    features
        Features of one layer, in any order; the columns of the answer follow it.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self.features = tuple(features)
        layers = sorted({feature.layer for feature in self.features})
        if len(layers) > 1:
            raise BadOption(
                f"one map belongs to one layer, but the features name {', '.join(layers)}; "
                "reduce each layer's map by itself"
            )
        self._layer = layers[0] if layers else ""
        self._index: Ints = np.array([f.index for f in self.features], dtype=np.int64)
        self._channels, self._row = np.unique(self._index, return_inverse=True)
        self._groups = _grouped(self.features)

    def __call__(self, map: Tensor) -> Floats:
        """Values of the features: shape (n, features) float32.

        Parameters
        ----------
        map
            Shape (n, channels, h, w), or (n, units); a floating type.

        Raises
        ------
        BadTensor
            For a map that lacks what the features name, and for a value that is not finite
            in a channel that is read; the message names layer, channel and image.
        """
        array = self._checked(map)
        if array.ndim == 2:
            exact = array[:, self._index].astype(np.float64)
        else:
            exact = self._reduced(array)
        with np.errstate(over="ignore"):
            values: Floats = exact.astype(np.float32)
        if not np.isfinite(values).all():
            self._refuse(array, values)
        return values

    def _checked(self, map: Tensor) -> Numbers:
        if not map.is_floating_point() or map.ndim not in (2, 4) or 0 in map.shape[1:]:
            raise BadTensor(
                f"the map of {self._layer} has type {map.dtype} and shape {tuple(map.shape)}; "
                "it must be a floating type of shape (n, channels, h, w) or (n, units)",
                layer=self._layer,
            )
        if self.features and self._channels[-1] >= map.shape[1]:
            raise BadTensor(
                f"{self._layer} has {map.shape[1]} channels or units, "
                f"but a feature reads number {self._channels[-1]}",
                layer=self._layer,
            )
        for group in self._groups:
            self._check_group(group, map)
        tensor = map.detach().cpu()
        if tensor.element_size() < 4:  # half precision: numpy lacks bfloat16
            tensor = tensor.float()
        array: Numbers = tensor.numpy()
        return array

    def _check_group(self, group: _Group, map: Tensor) -> None:
        if map.ndim == 2:
            if group.reduction != "value" or group.grid != (1, 1):
                raise BadTensor(
                    f"{self._layer} gives one number per unit, shape {tuple(map.shape)}; "
                    f"only `value` without a cell can be read, not {group.reduction!r}",
                    layer=self._layer,
                )
            return
        height, width = map.shape[2:]
        rows, columns = group.grid
        if rows > height or columns > width:
            raise BadTensor(
                f"a {rows} x {columns} grid does not fit the {height} x {width} map of "
                f"{self._layer}",
                layer=self._layer,
            )
        if group.reduction == "value" and group.grid != (height, width):
            raise BadTensor(
                f"`value` reads one position, but cells of a {rows} x {columns} grid over the "
                f"{height} x {width} map of {self._layer} have more",
                layer=self._layer,
            )

    def _reduced(self, array: Numbers) -> Doubles:
        images, channels, height, width = array.shape
        exact = np.empty((images, len(self.features)))
        for group in self._groups:
            if group.reduction == "value":
                at = group.columns
                row, column = np.divmod(group.cells, width)
                exact[:, at] = array[:, self._index[at], row, column]
        groups = [group for group in self._groups if group.reduction != "value"]
        if not groups:
            return exact
        used = array if len(self._channels) == channels else array[:, self._channels]
        maps = used.reshape(-1, height, width)
        tiles = [np.empty((len(maps), group.grid[0] * group.grid[1])) for group in groups]
        step = min(len(maps), max(1, _PIECE // (height * width)))
        buffer = np.empty((step, height, width))
        for start in range(0, len(maps), step or 1):
            piece = maps[start : start + step]
            magnitudes = buffer[: len(piece)]
            magnitudes[...] = piece
            np.abs(magnitudes, out=magnitudes)
            for group, tile in zip(groups, tiles, strict=True):
                tile[start : start + step] = _tiles(magnitudes, group.reduction, group.grid)
        for group, tile in zip(groups, tiles, strict=True):
            by_channel = tile.reshape(images, len(self._channels), tile.shape[1])
            exact[:, group.columns] = by_channel[:, self._row[group.columns], group.cells]
        return exact

    def _refuse(self, array: Numbers, values: Floats) -> None:
        image, column = np.argwhere(~np.isfinite(values))[0]
        feature = self.features[column]
        noun = "unit" if array.ndim == 2 else "channel"
        where = f"layer {self._layer}, {noun} {feature.index}, image {image} of the batch"
        if np.isfinite(array[image, feature.index]).all():
            problem = f"the {feature.reduction} is beyond the range of float32"
        else:
            problem = "a value is not finite"
        raise BadTensor(
            f"{where}: {problem}; check the network's weights and the image's preprocessing",
            layer=self._layer,
            channel=feature.index,
            image=image,
        )


@dataclass(frozen=True, slots=True)
class _Group:
    """Features of one reduction and grid: their columns in the answer, their cells' numbers."""

    reduction: Reduction
    grid: Grid
    columns: Ints
    cells: Ints


def _grouped(features: Sequence[Feature]) -> tuple[_Group, ...]:
    whole = Cell((1, 1), (0, 0))
    found: dict[tuple[Reduction, Grid], tuple[list[int], list[int]]] = {}
    for column, feature in enumerate(features):
        cell = feature.cell or whole
        columns, cells = found.setdefault((feature.reduction, cell.grid), ([], []))
        columns.append(column)
        cells.append(cell.at[0] * cell.grid[1] + cell.at[1])
    return tuple(
        _Group(reduction, grid, np.array(columns), np.array(cells))
        for (reduction, grid), (columns, cells) in found.items()
    )


def _tiles(magnitudes: Doubles, reduction: Reduction, grid: Grid) -> Doubles:
    """Reduce each map to its cells, (maps, rows * columns), in float64."""
    maps, height, width = magnitudes.shape
    combine = np.maximum if reduction == "max" else np.add
    summands = np.square(magnitudes) if reduction == "l2" else magnitudes
    tiles: Doubles
    if grid == (1, 1):
        tiles = combine.reduce(summands.reshape(maps, -1), axis=1)[:, None]
    else:
        # With the maps along the last axis, a cell's sum is one vector addition per position.
        positions = np.ascontiguousarray(summands.transpose(1, 2, 0))
        spans = [[Cell(grid, (u, v)).span(height, width) for v in range(grid[1])]
                 for u in range(grid[0])]  # fmt: skip
        bands = [combine.reduce(positions[row[0][0]], axis=0) for row in spans]
        tiles = np.stack(
            [
                combine.reduce(band[columns], axis=0)
                for band, row in zip(bands, spans, strict=True)
                for _, columns in row
            ],
            axis=1,
        )
    if reduction == "l2":
        return np.sqrt(tiles)
    if reduction == "mean":
        return tiles / _areas(height, width, grid)
    return tiles


def _areas(height: int, width: int, grid: Grid) -> Doubles:
    """Positions in each cell, in the order of the cells."""
    rows = np.diff([u * height // grid[0] for u in range(grid[0] + 1)])
    columns = np.diff([v * width // grid[1] for v in range(grid[1] + 1)])
    return np.outer(rows, columns).ravel().astype(np.float64)
