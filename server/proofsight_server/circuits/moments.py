"""What two maps have in common, image by image: moments from which every figure follows.

Pearson's r, the slope and the error of a circuit are functions of a few sums over images and
positions.  They are kept per image, in float64 and centred on the image's own mean, so that maps
need not be kept, sums over images lose nothing, and a bootstrap over images is a weighting.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from proofsight_server.errors import BadTensor

Doubles = npt.NDArray[np.float64]

# A map whose spread is below its size times this is constant: float32 says no more of it.
FLAT = 1e-6


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over the positions of each of n images, of an original map y and a circuit's ŷ.

    Attributes
    ----------
    count
        (n,) positions of an image.
    mean, circuit_mean
        (n,) means of y and of ŷ.
    square, circuit_square, product
        (n,) Σ(y−mean)², Σ(ŷ−circuit_mean)² and Σ(y−mean)(ŷ−circuit_mean).
    error, size, circuit_size
        (n,) Σ|ŷ−y|, Σ|y| and Σ|ŷ|.
    """

    count: Doubles
    mean: Doubles
    circuit_mean: Doubles
    square: Doubles
    circuit_square: Doubles
    product: Doubles
    error: Doubles
    size: Doubles
    circuit_size: Doubles

    def __len__(self) -> int:
        return len(self.count)

    @classmethod
    def of(cls, original: npt.ArrayLike, circuit: npt.ArrayLike) -> Moments:
        """Moments of maps (n, ...), one image per row.

        Raises
        ------
        BadTensor
            The shapes differ, there is no position, or a value is not finite.
        """
        y, z = _rows(original), _rows(circuit)
        if y.shape != z.shape or not y.shape[1]:
            raise BadTensor(
                f"maps to compare have one shape and a position at least, not {y.shape} and "
                f"{z.shape} (images, positions)"
            )
        if not (np.isfinite(y).all() and np.isfinite(z).all()):
            raise BadTensor("a map has values that are not finite, so it cannot be compared")
        mean, circuit_mean = y.mean(axis=1), z.mean(axis=1)
        centred, circuit_centred = y - mean[:, None], z - circuit_mean[:, None]
        return cls(
            count=np.full(len(y), y.shape[1], dtype=np.float64),
            mean=mean,
            circuit_mean=circuit_mean,
            square=(centred**2).sum(axis=1),
            circuit_square=(circuit_centred**2).sum(axis=1),
            product=(centred * circuit_centred).sum(axis=1),
            error=np.abs(z - y).sum(axis=1),
            size=np.abs(y).sum(axis=1),
            circuit_size=np.abs(z).sum(axis=1),
        )

    @classmethod
    def joined(cls, parts: Sequence[Moments]) -> Moments:
        """The moments of several batches, one after the other."""
        return cls(
            *(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls))
        )

    def summed(self, weights: Doubles | None = None) -> Comparison:
        """All images as one map; `weights` (n,) says how often each counts, once by default."""
        weights = np.ones((1, len(self))) if weights is None else weights[None]
        return Comparison(*(float(values[0]) for values in self._figures(weights)))

    def resampled(self, draws: int, rng: np.random.Generator) -> dict[str, Doubles]:
        """Figures of bootstrap samples of the images, (draws,) each; NaN where undefined.

        Whole images are drawn, never positions, since neighbouring positions are no evidence
        of their own.
        """
        share = np.full(len(self), 1 / max(len(self), 1))
        weights = rng.multinomial(len(self), share, size=draws).astype(np.float64)
        names = (field.name for field in fields(Comparison))
        return dict(zip(names, self._figures(weights), strict=True))

    def _figures(self, weights: Doubles) -> tuple[Doubles, ...]:
        """r, slope, nmae and the two standard deviations, per row of `weights` (draws, n)."""
        total = weights @ self.count
        # Centred before summing, so that the squares of large means do not swallow the spread.
        y = self.mean - np.average(self.mean, weights=self.count)
        z = self.circuit_mean - np.average(self.circuit_mean, weights=self.count)
        y_mean, z_mean = weights @ (self.count * y) / total, weights @ (self.count * z) / total
        square = weights @ (self.square + self.count * y**2) - total * y_mean**2
        circuit_square = weights @ (self.circuit_square + self.count * z**2) - total * z_mean**2
        product = weights @ (self.product + self.count * y * z) - total * y_mean * z_mean
        size, circuit_size = weights @ self.size, weights @ self.circuit_size
        deviation, circuit_deviation = (
            np.sqrt(np.maximum(value, 0) / total) for value in (square, circuit_square)
        )
        deviation[deviation <= FLAT * size / total] = 0
        circuit_deviation[circuit_deviation <= FLAT * circuit_size / total] = 0
        with np.errstate(divide="ignore", invalid="ignore"):
            r = product / total / (deviation * circuit_deviation)
            slope = product / total / deviation**2
            nmae = weights @ self.error / size
        r[(deviation == 0) | (circuit_deviation == 0)] = 0
        slope[deviation == 0] = np.nan
        nmae[size == 0] = np.nan
        return np.clip(r, -1, 1), slope, nmae, deviation, circuit_deviation


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a circuit's map ŷ follows the original y, over images and positions together.

    Attributes
    ----------
    r
        Pearson's correlation, -1..1; 0 where either map is constant.
    slope
        cov(y, ŷ) / var(y): 0.5 is half the amplitude.  NaN where y is constant.
    nmae
        mean|ŷ−y| / mean|y|.  NaN where y is 0 everywhere.
    deviation, circuit_deviation
        Standard deviations of y and ŷ, 0 where the map is constant.
    """

    r: float
    slope: float
    nmae: float
    deviation: float
    circuit_deviation: float

    @property
    def constant(self) -> bool:
        """Whether the circuit's map is the same everywhere and for every image."""
        return self.circuit_deviation == 0

    @property
    def dead(self) -> bool:
        """Whether the original map is the same everywhere: nothing is there to be followed."""
        return self.deviation == 0


def interval(values: Doubles, level: float = 0.95) -> tuple[float, float]:
    """The middle `level` of bootstrap figures; NaN where any of them is undefined."""
    if np.isnan(values).any():
        return math.nan, math.nan
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _rows(maps: npt.ArrayLike) -> Doubles:
    array = np.asarray(maps, dtype=np.float64)
    return array.reshape(len(array), -1)
