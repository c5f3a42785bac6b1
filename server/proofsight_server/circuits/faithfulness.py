"""How faithfully a circuit computes its target: figures over images, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from proofsight_server.circuits.moments import Moments, interval
from proofsight_server.errors import BadDataset, BadOption

# Maps a batch (n, channels, height, width) to the target's map (n, ...), or to logits.
Run = Callable[[Tensor], Tensor]
Range = tuple[float, float]

_BATCH = 64


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    """How figures are taken.

    Attributes
    ----------
    batch
        Images run at once; no figure depends on it.
    draws
        Bootstrap samples of the images for the intervals.
    level
        Share of the samples within an interval.
    seed
        Of the bootstrap.
    """

    batch: int = _BATCH
    draws: int = 1000
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if self.batch < 1 or self.draws < 1 or not 0 < self.level < 1:
            raise BadOption(
                "measuring needs batch ≥ 1, draws ≥ 1 and 0 < level < 1, not "
                f"{self.batch}, {self.draws} and {self.level}"
            )


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """A circuit's target map beside the original one, on some images.

    Attributes
    ----------
    images
        How many.
    r, slope, nmae
        As in `Comparison`, over images and positions; None where they are undefined.
    r_interval, slope_interval, nmae_interval
        Bootstrap intervals over images; None where some sample leaves the figure undefined.
    constant
        Whether the circuit's map is the same everywhere; r is then 0.
    dead
        Whether the original map is: nothing is there to be followed.
    collapse
        Whether no kept kernel connects the target with the input.
    agreement
        Share of images where both decide for the same class; None where the target is no logit.
    """

    images: int
    r: float
    slope: float | None
    nmae: float | None
    r_interval: Range | None
    slope_interval: Range | None
    nmae_interval: Range | None
    constant: bool
    dead: bool
    collapse: bool
    agreement: float | None = None

    @property
    def absolute_r(self) -> float:
        """|r|, 0 for a collapse: what published curves show."""
        return 0.0 if self.collapse else abs(self.r)

    @classmethod
    def of(
        cls,
        moments: Moments,
        *,
        collapse: bool = False,
        agreement: float | None = None,
        options: MeasureOptions | None = None,
    ) -> Faithfulness:
        """The figures that follow from moments.

        Raises
        ------
        BadDataset
            There is no image.
        """
        options = options or MeasureOptions()
        if not len(moments):
            raise BadDataset("no image is left to measure on; give more images")
        found = moments.summed()
        samples = moments.resampled(options.draws, np.random.default_rng(options.seed))
        ranges = {
            name: _defined_range(interval(samples[name], options.level))
            for name in ("r", "slope", "nmae")
        }
        return cls(
            images=len(moments),
            r=found.r,
            slope=_defined(found.slope),
            nmae=_defined(found.nmae),
            r_interval=ranges["r"],
            slope_interval=ranges["slope"],
            nmae_interval=ranges["nmae"],
            constant=found.constant,
            dead=found.dead,
            collapse=collapse,
            agreement=agreement,
        )

    def to_json(self) -> dict[str, object]:
        """The figures as JSON can express them."""
        ranges = {
            name: None if value is None else list(value)
            for name, value in (
                ("r_interval", self.r_interval),
                ("slope_interval", self.slope_interval),
                ("nmae_interval", self.nmae_interval),
            )
        }
        names = ("images", "r", "absolute_r", "slope", "nmae", "constant", "dead", "collapse")
        figures = {name: getattr(self, name) for name in names}
        return {**figures, **ranges, "agreement": self.agreement}


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value


def _defined_range(value: Range) -> Range | None:
    return None if math.isnan(value[0]) else value
