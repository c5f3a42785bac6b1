"""Features, layers and propositions: what the words of a program stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadOption

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

Kind = Literal["conv", "linear", "map"]
Reduction = Literal["l1", "l2", "mean", "max", "value"]
Grid = tuple[int, int]

REDUCTIONS: tuple[Reduction, ...] = ("l1", "l2", "mean", "max", "value")


@dataclass(frozen=True, slots=True)
class Layer:
    """A named point of the network whose values can be read.

    `atom` is its name in programs (`conv13`), `module` the module's path in the network
    (`features.28`; `path#2` for the second run of a module that runs more than once),
    `size` its number of channels or units, `reads` the graph node or module where its
    values are taken (`features.29`: after batch norm and non-linearity).
    """

    atom: str
    module: str
    kind: Kind
    size: int
    reads: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One tile of a grid over a map: `grid` is (rows, columns), `at` the tile's (row, column)."""

    grid: tuple[int, int]
    at: tuple[int, int]

    def span(self, height: int, width: int) -> tuple[slice, slice]:
        """Rows and columns of the map that the cell covers; cells partition the map."""
        (rows, columns), (row, column) = self.grid, self.at
        return (
            slice(row * height // rows, (row + 1) * height // rows),
            slice(column * width // columns, (column + 1) * width // columns),
        )


@dataclass(frozen=True, slots=True)
class Feature:
    """One number read off a layer for one image.

    `index` is the channel of a map or the unit of a linear layer; a linear layer's only
    reduction is `value` and it has no cell.
    """

    layer: str
    index: int
    reduction: Reduction = "l1"
    cell: Cell | None = None

    def name(self, kind: Kind, default: Reduction = "l1") -> str:
        """Name the feature as an atom, e.g. `conv13_c26_max_g2_r0c1`; `default` goes unsaid."""
        parts = [self.layer, f"{'u' if kind == 'linear' else 'c'}{self.index}"]
        if kind != "linear" and self.reduction != default:
            parts.append(self.reduction)
        if self.cell is not None:
            rows, columns = self.cell.grid
            parts.append(f"g{rows}" if rows == columns else f"g{rows}x{columns}")
            parts.append("r{}c{}".format(*self.cell.at))
        return "_".join(parts)


@dataclass(frozen=True, slots=True)
class Proposition:
    """`feature > threshold`, strictly, under the atom that Prolog knows it by.

    `threshold` is the double equal to a float32.  A proposition without a feature is
    never observed and always decided by `derived/2` rules; then `threshold` is None and
    `layer` says where it belongs.
    """

    name: str
    layer: str
    feature: Feature | None
    threshold: float | None

    def holds(self, values: Floats) -> Bools:
        """Whether the proposition is active, per image. `values`: shape (n,) float32."""
        if self.threshold is None:
            raise ValueError(f"{self.name} has no threshold: derived/2 decides it")
        active: Bools = values > np.float32(self.threshold)
        return active


def module_atom(path: str) -> str:
    """Make a module's path an atom that needs no quotes: `layer1.0` becomes `layer1_0`."""
    atom = re.sub(r"[^A-Za-z0-9]+", "_", path).strip("_").lower()
    return atom if atom[:1].isalpha() else f"m{atom}"


def features_of(
    layer: Layer,
    shape: tuple[int, int] | None,
    *,
    reduction: Reduction = "l1",
    grids: Iterable[int | Grid] = (1,),
) -> tuple[Feature, ...]:
    """All features of a layer, in canonical order: channel, grid, cell row, cell column.

    Parameters
    ----------
    layer
        The layer; its `size` is the number of channels or units.
    shape
        (height, width) of its maps; None where it has no maps (a linear layer), which then
        offers one signed `value` per unit, whatever `reduction` and `grids` say.
    reduction
        How a cell becomes one number.  `value` needs cells of one position.
    grids
        Rows of each grid (or rows and columns); 1 is the whole map.

    Raises
    ------
    BadOption
        For an unknown reduction, a grid that is finer than the map, or `value` on larger cells.
    """
    if reduction not in REDUCTIONS:
        raise BadOption(
            f"a reduction is one of {', '.join(REDUCTIONS)}, not {reduction!r}",
            option="reduction",
            value=reduction,
        )
    if shape is None:
        return tuple(Feature(layer.atom, unit, "value") for unit in range(layer.size))
    cells = [cell for grid in _ordered(grids) for cell in _cells(layer, shape, grid, reduction)]
    return tuple(
        Feature(layer.atom, channel, reduction, cell)
        for channel in range(layer.size)
        for cell in cells
    )


def _ordered(grids: Iterable[int | Grid]) -> list[Grid]:
    pairs = {(grid, grid) if isinstance(grid, int) else (grid[0], grid[1]) for grid in grids}
    return sorted(pairs)


def _cells(
    layer: Layer, shape: tuple[int, int], grid: Grid, reduction: Reduction
) -> list[Cell | None]:
    (rows, columns), (height, width) = grid, shape
    if not (1 <= rows <= height and 1 <= columns <= width):
        raise BadOption(
            f"a grid over {layer.atom} has between 1 and {height} rows and 1 and {width} columns, "
            f"for its maps are {height} x {width}; {rows} x {columns} was asked for",
            option="grid",
            value=f"{rows}x{columns}",
        )
    if reduction == "value" and grid != shape:
        raise BadOption(
            f"`value` reads one position: over the {height} x {width} maps of {layer.atom} it "
            f"needs a {height} x {width} grid, not {rows} x {columns}; or choose another reduction",
            option="reduction",
            value=reduction,
        )
    if grid == (1, 1):
        return [None]
    return [Cell(grid, (u, v)) for u in range(rows) for v in range(columns)]
