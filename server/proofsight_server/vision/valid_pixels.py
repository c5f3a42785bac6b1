"""The inputs of a network that stand for pictures, and the pictures that they stand for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from proofsight_server.vision.image import Pixels
from proofsight_server.vision.preprocessing import Preprocessing


@dataclass(frozen=True, slots=True)
class ValidPixels:
    """What black and white become as a network's input, (channels, 1, 1) float32 each."""

    black: Tensor
    white: Tensor

    @classmethod
    def of(cls, preprocessing: Preprocessing) -> ValidPixels:
        """The bounds under a preprocessing: what it makes of the pixels 0 and 255."""
        side = max(preprocessing.size or 1, preprocessing.crop or 1)
        shape = (1, side, side, preprocessing.channels)
        black, white = (
            preprocessing(np.full(shape, level, dtype=np.uint8))[0, :, :1, :1].clone()
            for level in (0, 255)
        )
        return cls(black, white)

    def clip(self, batch: Tensor) -> Tensor:
        """The nearest input that stands for a picture."""
        return torch.minimum(torch.maximum(batch, self.black), self.white)

    def picture(self, image: Tensor) -> Pixels:
        """The picture (height, width, channels) uint8 of an input (channels, height, width)."""
        shares = (image - self.black) / (self.white - self.black)
        pixels = (shares * 255).round().clamp(0, 255).to(torch.uint8)
        return np.ascontiguousarray(pixels.permute(1, 2, 0).numpy())
