"""One sum of a layer, with weights: what it reads, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from proofsight_server.symbols.feature import Feature
from proofsight_server.vision.layers import LayerInfo

Doubles = npt.NDArray[np.float64]
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Unit:
    """One sum: unit `index` of a layer, for a convolution that of one position of its map.

    Its value before the activation is the sum of `weight` (n,) times its inputs, plus `bias`.
    `inputs` are n features, None where a convolution reads the zero of its padding.  `feature`
    is the unit's own value, after the activation.
    """

    index: int
    weight: Doubles
    bias: float
    inputs: tuple[Feature | None, ...]
    feature: Feature


class Summing(Protocol):
    """What linear layers and convolutions have in common."""

    @property
    def info(self) -> LayerInfo:
        """The layer; its values are those after batch norm and activation."""

    @property
    def below(self) -> LayerInfo:
        """The layer, or the point read as it stands, whose features its units read."""

    @property
    def activation(self) -> str:
        """What comes after the sum: torch's name of the function in lower case.

        `identity` for none, `softmax` for the layer of the logits.
        """

    def unit(self, index: int, place: Place | None = None) -> Unit:
        """A unit, or a channel at (row, column) of its map."""
