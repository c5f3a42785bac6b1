"""Baselines: what a masked region shows instead of the image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.ndimage import gaussian_filter

from proofsight_server.errors import BadOption
from proofsight_server.symbols.feature import Floats
from proofsight_server.vision.preprocessing import Preprocessing

Kind = Literal["zero", "black", "mean", "image_mean", "blur", "noise_mean", "learned"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_NUMBERS: dict[Kind, str] = {
    "blur": "the deviation in pixels",
    "noise_mean": "the number of draws",
    "learned": "the number of steps",
}
_BLURRED_SHARE = 8  # of the short side, where no deviation is given
_DRAWS = 8
_STEPS = 30


@dataclass(frozen=True, slots=True)
class Baseline:
    """A named baseline.

    `zero` is 0 in the network's own input, after its normalisation; `black` is pixel 0; `mean`
    the mean colour of the training images; `image_mean` that of the image; `blur` the image,
    blurred by a Gaussian of `number` pixels (an eighth of the short side); `noise_mean` the mean
    score over `number` draws of uniform noise (8); `learned` one colour per region, see
    `learned_baseline.py`, after `number` steps (30).
    """

    kind: Kind = "zero"
    number: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadOption(f"a baseline is one of {', '.join(KINDS)}, not {self.kind!r}")
        if self.number is None:
            return
        if self.kind not in _NUMBERS:
            raise BadOption(f"the baseline {self.kind} takes no number")
        whole = self.kind != "blur"
        if not (math.isfinite(self.number) and 0 < self.number <= 1000) or (
            whole and self.number != int(self.number)
        ):
            raise BadOption(
                f"{self.kind}:{self.number:g} is refused; {_NUMBERS[self.kind]} is a "
                f"{'whole ' if whole else ''}number above 0 and up to 1000"
            )

    def __str__(self) -> str:
        return self.kind if self.number is None else f"{self.kind}:{self.number:g}"

    @property
    def draws(self) -> int:
        """How many images a masked region is filled from; scores are their mean."""
        return int(self.number or _DRAWS) if self.kind == "noise_mean" else 1

    @property
    def steps(self) -> int:
        """How many steps a learned baseline takes."""
        return int(self.number or _STEPS)

    def fill(
        self,
        pixels: Floats,
        preprocessing: Preprocessing,
        mean: Floats | None,
        rng: np.random.Generator,
    ) -> Floats:
        """What masked pixels show.

        Parameters
        ----------
        pixels
            (height, width, channels) float32 in 0..255, channels as the network's.
        preprocessing
            That of the network, which says where its input is 0.
        mean
            (channels,) the mean colour of its training images; needed for `mean`.
        rng
            For the draws of noise.

        Returns
        -------
        (draws, height, width, channels) float32

        Raises
        ------
        BadOption
            The mean is needed and not known.
        """
        if self.kind == "noise_mean":
            shape = (self.draws, *pixels.shape)
            return rng.uniform(0, 255, size=shape).astype(np.float32)
        return np.broadcast_to(self._fill(pixels, preprocessing, mean), (1, *pixels.shape))

    def _fill(self, pixels: Floats, preprocessing: Preprocessing, mean: Floats | None) -> Floats:
        if self.kind == "black":
            return np.float32(0) * pixels
        if self.kind == "zero":
            return np.asarray(preprocessing.mean or (0.0,), np.float32) / np.float32(
                preprocessing.scale
            )
        if self.kind == "blur":
            sigma = self.number or min(pixels.shape[:2]) / _BLURRED_SHARE
            return np.asarray(
                gaussian_filter(pixels, (sigma, sigma, 0), mode="nearest"), np.float32
            )
        if self.kind == "mean":
            if mean is None:
                raise BadOption(
                    "the baseline mean needs the data that the network was trained on; give "
                    "--data, or take image_mean"
                )
            return mean
        # A learned baseline starts from the image's mean.
        return np.asarray(pixels.mean(axis=(0, 1), dtype=np.float64), np.float32)


def parse_baseline(text: str) -> Baseline:
    """A baseline from its name, and a number where it has one: `zero`, `blur:4`, `noise_mean:8`.

    Raises
    ------
    BadOption
        Any other text.
    """
    name, colon, number = text.partition(":")
    for known in KINDS:
        if name == known:
            try:
                return Baseline(known, float(number) if colon else None)
            except ValueError as error:
                if isinstance(error, BadOption):
                    raise
                break
    raise BadOption(
        f"a baseline is {', '.join(KINDS)}, of which blur, noise_mean and learned take a number "
        f"(blur:4), not {text!r}"
    )
