"""SmoothGrad: the gradient of a scalar, averaged over noisy copies of an image."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.symbols.feature import Bools, Floats
from proofsight_server.vision.scalar import Scalar, gradient


@dataclass(frozen=True, slots=True)
class SmoothGradOptions:
    """How gradients are averaged.

    Attributes
    ----------
    samples
        Noisy copies of each image.
    noise
        The deviation of the noise, as a share of max x − min x of that image over all its
        channels, in the network's input space; 0.1 to 0.2 is advised.
    squared
        Whether gradients are squared before they are averaged; the signs are lost then.
    """

    samples: int = 50
    noise: float = 0.15
    squared: bool = False

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise BadOption(
                f"samples must be at least 1, not {self.samples}; 50 is usual", option="samples"
            )
        if not (math.isfinite(self.noise) and self.noise >= 0):
            raise BadOption(
                f"noise is a share of an image's range from 0, not {self.noise}; 0.15 is usual",
                option="noise",
            )


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What a scalar is sensitive to, in n images.

    Attributes
    ----------
    maps
        (n, channels, height, width) float32, in units of the scalar per unit of input.
    constant
        (n,) whether all numbers of an image are equal: it has no range to take a share of, so
        its map is the plain gradient.
    """

    maps: Floats
    constant: Bools


def smoothgrad(
    scalar: Scalar,
    images: Tensor,
    options: SmoothGradOptions | None = None,
    *,
    generator: np.random.Generator,
    batch: int = 64,
    progress: Callable[[int, int], None] | None = None,
) -> Sensitivity:
    """The mean gradient of a scalar at x + ε, ε normal, per image.

    Noisy images are not clipped.  The noise is drawn image by image, so the answer does not
    depend on `batch` beyond rounding.

    Parameters
    ----------
    scalar
        From (n, channels, height, width) float32 to (n,), each image by itself.
    images
        (n, channels, height, width) float32, as the network takes them.
    generator
        Where the noise comes from.
    batch
        Noisy images per forward and backward pass.
    progress
        Called with noisy images done and in all, after each pass.

    Raises
    ------
    BadTensor
        The images have another shape or type, or numbers that are not finite.
    BadModel
        The scalar has no gradient, or one that is not finite.

    References
    ----------
    Smilkov et al., SmoothGrad, https://arxiv.org/abs/1706.03825, section 3.1.
    """
    options = options or SmoothGradOptions()
    if images.ndim != 4 or images.dtype != torch.float32 or not torch.isfinite(images).all():
        raise BadTensor(
            "SmoothGrad takes finite float32 images (n, channels, height, width), not "
            f"{str(images.dtype).removeprefix('torch.')} {tuple(images.shape)}"
        )
    spread = _range(images)
    deviation = spread * options.noise
    # Without noise all samples are the same.
    samples = options.samples if options.noise > 0 else 1
    total = torch.zeros(images.shape, dtype=torch.float64)
    count = len(images) * samples
    for start in range(0, count, batch):
        own = torch.arange(start, min(start + batch, count)) // samples
        noise = generator.standard_normal((len(own), *images.shape[1:]), dtype=np.float32)
        noisy = images[own] + deviation[own, None, None, None] * torch.from_numpy(noise)
        _, slope = gradient(scalar, noisy)
        total.index_add_(0, own, (slope.square() if options.squared else slope).double())
        if progress is not None:
            progress(min(start + batch, count), count)
    maps: Floats = (total / samples).float().numpy()
    return Sensitivity(maps, (spread == 0).numpy())


def _range(images: Tensor) -> Tensor:
    """Max − min of each image over all its channels and positions (n,)."""
    flat = images.flatten(1)
    return flat.amax(dim=1) - flat.amin(dim=1)
