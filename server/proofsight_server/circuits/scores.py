"""Scores and masks of kernels: one array per layer, input first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from proofsight_server.circuits.wiring import Wiring
from proofsight_server.symbols.feature import Bools

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Scores(Mapping[str, Doubles]):
    """How much each kernel matters to a target, by one criterion.

    A mapping from layer to array (rows, sources) float64, input first, target layer last.  Rows
    stand for the channels `wiring.layers[layer].rows`: of the target's layer only those that
    count.  Sources are the channels of the layer's input, or of the destination's group.

    `criterion` names what was computed; `wiring` says which kernels count; `provenance` has one
    entry for each setting (`target`, `loss`, `reduce`, `layer_norm`, `images`, `seed`, ...).
    """

    arrays: Mapping[str, Doubles]
    wiring: Wiring
    criterion: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, layer: str) -> Doubles:
        return self.arrays[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)


@dataclass(frozen=True, slots=True, eq=False)
class Mask(Mapping[str, Bools]):
    """Which kernels are kept: a mapping like `Scores`, of bool arrays.

    `shortfall` is how many kernels fewer than asked for are kept since the others score 0.
    """

    arrays: Mapping[str, Bools]
    wiring: Wiring
    shortfall: int = 0

    def __getitem__(self, layer: str) -> Bools:
        return self.arrays[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    @property
    def kept(self) -> int:
        """How many kernels are kept."""
        return sum(int(array.sum()) for array in self.arrays.values())

    @property
    def keep(self) -> float:
        """Kept kernels as a share of N; of an effective mask this is the effective keep."""
        return self.kept / self.wiring.total()

    @property
    def collapsed(self) -> bool:
        """Whether no path of kept kernels leads from the image to the target."""
        return not any(array.any() for array in self.wiring.effective(self.arrays).values())
