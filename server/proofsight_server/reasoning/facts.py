"""The facts of one image, as they travel to a worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a worker must start without numpy
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class FactsFrame:
    """The facts of one image.

    `image` is the atom that stands for the image in proofs, `values` the feature values
    of the program's observable propositions in its own order, shape (propositions,)
    float32, NaN where unobserved; `predicted` the network's classes with probabilities,
    by falling probability, empty where unknown; `measured` the values of propositions above
    the layer at which the program is entered, for comparison only.
    """

    image: str
    values: npt.NDArray[np.float32]
    predicted: tuple[tuple[str, float], ...] = ()
    measured: tuple[tuple[str, float], ...] = ()
