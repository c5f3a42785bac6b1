"""Gradient ascent: an image that a scalar of the network is great for, made from noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from proofsight_server.errors import BadOption
from proofsight_server.vision.scalar import Scalar
from proofsight_server.vision.smoothgrad import SmoothGradOptions, smoothgrad
from proofsight_server.vision.valid_pixels import ValidPixels


@dataclass(frozen=True, slots=True)
class AscentOptions:
    """How an image is climbed to.

    Attributes
    ----------
    steps
        Steps of the ascent.
    rate
        Length of the first step, as a share of the pixels' range per pixel (root mean square);
        it falls linearly to a tenth.
    start
        Deviation of the noise that is added to the mean image at first, as a share of the range.
    shift
        At each step the image is moved by up to so many pixels along both axes, so that no
        pattern depends on its exact place.
    penalty
        Pull back to the mean image, per step and share of the way gone from it.
    samples, noise
        Of the smoothed gradient; see `SmoothGradOptions`.
    """

    steps: int = 64
    rate: float = 0.05
    start: float = 0.1
    shift: int = 1
    penalty: float = 0.02
    samples: int = 8
    noise: float = 0.1

    def __post_init__(self) -> None:
        for name in ("steps", "samples"):
            if getattr(self, name) < 1:
                raise BadOption(f"{name} must be at least 1", option=name)
        for name in ("rate", "start", "shift", "penalty", "noise"):
            if not getattr(self, name) >= 0:
                raise BadOption(f"{name} must be 0 or more", option=name)


@dataclass(frozen=True, slots=True)
class Ascended:
    """The best image of an ascent.

    Attributes
    ----------
    image
        (channels, height, width) float32: an input that stands for a picture.
    value
        The scalar there.
    moved
        Whether the scalar rose above where it began; it cannot where there is no gradient.
    """

    image: Tensor
    value: float
    moved: bool


def ascend(
    scalar: Scalar,
    mean: Tensor,
    valid: ValidPixels,
    options: AscentOptions | None = None,
    *,
    generator: np.random.Generator,
) -> Ascended:
    """Climb from the mean image plus noise to an image of great value.

    Each step adds the smoothed gradient at the image, moved by a few pixels and moved back, at a
    length of its own; pulls back towards the mean image; and clips to what a picture can be.
    The answer is the best image on the way.

    Parameters
    ----------
    scalar
        What is to be great.
    mean
        (channels, height, width) float32, the mean of images as the network takes them.
    valid
        The bounds of its pixels.
    generator
        Where noise and shifts come from.

    Raises
    ------
    BadModel
        The scalar has no gradient, or one that is not finite.
    """
    options = options or AscentOptions()
    smoothing = SmoothGradOptions(options.samples, options.noise)
    spread = valid.white - valid.black
    noise = torch.from_numpy(generator.standard_normal(mean.shape, dtype=np.float32))
    image = valid.clip(mean + options.start * spread * noise)[None]
    first = value = _value(scalar, image)
    best = image
    for step in range(options.steps):
        down, right = generator.integers(-options.shift, options.shift, size=2, endpoint=True)
        shift = int(down), int(right)
        moved = torch.roll(image, shift, dims=(2, 3))
        found = smoothgrad(scalar, moved, smoothing, generator=generator)
        # In shares of each channel's range, so that a normalisation does not bend the way.
        slope = torch.roll(torch.from_numpy(found.maps), (-shift[0], -shift[1]), dims=(2, 3))
        slope = slope * spread
        length = slope.square().mean().sqrt()
        if length > 0:
            rate = options.rate * (1 - 0.9 * step / options.steps)
            image = image + rate * spread * slope / length
        image = valid.clip(image - options.penalty * (image - mean))
        reached = _value(scalar, image)
        if reached > value:
            value, best = reached, image
    return Ascended(best[0], value, value > first)


def _value(scalar: Scalar, image: Tensor) -> float:
    with torch.no_grad():
        return float(scalar(image)[0])
