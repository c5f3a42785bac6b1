"""Masked versions of one image as one network sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from proofsight_server.interactions.regions import Regions
from proofsight_server.symbols.feature import Floats, Ints
from proofsight_server.vision.network import Network


@dataclass(frozen=True, slots=True, eq=False)
class MaskedImage:
    """An image whose regions are kept or filled, in pixels, before any preprocessing.

    Attributes
    ----------
    network
        Whose preprocessing follows.
    pixels, fill
        (height, width, channels) float32 in 0..255: the image, and what masked pixels show.
    regions
        What is masked together.
    """

    network: Network
    pixels: Floats
    fill: Floats
    regions: Regions

    def batch(self, masks: Ints) -> Tensor:
        """The network's input for masks: (masks, channels, height, width) float32."""
        kept = self.regions.kept(masks)[:, None]
        image, fill = self.pixels.transpose(2, 0, 1), self.fill.transpose(2, 0, 1)
        levels = np.where(kept, image, fill).astype(np.float32)
        return self.network.preprocessing.of_levels(torch.from_numpy(levels))

    def parts(self) -> tuple[Tensor, Tensor]:
        """The input with nothing kept, and what each region adds to it.

        Preprocessing resizes, crops and scales, which is affine: the input of any mask is the
        first and the sum of its regions' parts, up to rounding.

        Returns
        -------
        (channels, height, width) and (regions, channels, height, width) float32
        """
        alone = 1 << np.arange(len(self.regions), dtype=np.int64)
        batch = self.batch(np.concatenate([[0], alone]))
        return batch[0], batch[1:] - batch[0]

    def logits(self, masks: Ints) -> Tensor:
        """(masks, classes) float32, by plain forward passes."""
        with torch.inference_mode():
            logits: Tensor = self.network.module(self.batch(masks))
        return logits


def dummies(images: Sequence[MaskedImage]) -> list[int]:
    """Regions that change no input of any of the images: equal to the baseline, or cropped away.

    They are in no interaction.  `images` have the same regions.
    """
    count = len(images[0].regions)
    moves = np.zeros(count, dtype=np.bool_)
    for image in images:
        _, parts = image.parts()
        moves |= parts.flatten(1).abs().amax(dim=1).numpy() > 0
    return [region for region in range(count) if not moves[region]]
