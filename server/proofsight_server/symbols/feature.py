"""Features, layers and propositions: what the words of a program stand for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

Kind = Literal["conv", "linear", "map"]
Reduction = Literal["l1", "l2", "mean", "max", "value"]

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
