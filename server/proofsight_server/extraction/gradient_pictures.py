"""Pictures by gradients: what features and logits are sensitive to, and images made for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from proofsight_server.extraction.exemplars import Exemplars, Exhibition
from proofsight_server.extraction.gallery_files import add_picture
from proofsight_server.knowledge.revision import Revision
from proofsight_server.symbols.feature import Ints
from proofsight_server.vision.ascent import AscentOptions, ascend
from proofsight_server.vision.dataset import Split
from proofsight_server.vision.network import Network
from proofsight_server.vision.overlay import enlarged, is_tiny, sensitive
from proofsight_server.vision.scalar import Scalar, Scalars
from proofsight_server.vision.smoothgrad import SmoothGradOptions, smoothgrad
from proofsight_server.vision.valid_pixels import ValidPixels

_TOGETHER = 256  # images whose mean is taken at once


@dataclass(frozen=True, slots=True)
class GradientOptions:
    """Which pictures by gradients a gallery has; None: not these. `seed` is of their noise."""

    smoothgrad: SmoothGradOptions | None = None
    ascent: AscentOptions | None = None
    seed: int = 0

    @property
    def any(self) -> bool:
        """Whether there are any."""
        return self.smoothgrad is not None or self.ascent is not None


class GradientPictures:
    """Draws the pictures by gradients of one gallery into its revision.

    Parameters
    ----------
    revision, network, exhibition
        Whose gallery, its network, and the images that are in it.
    options
        Which pictures.  Each proposition and each logit has noise of its own, which does not
        depend on what else is drawn.

    Raises
    ------
    UnknownLayer
        A proposition's layer is read where the network has no such point.
    """

    def __init__(
        self,
        revision: Revision,
        network: Network,
        exhibition: Exhibition,
        options: GradientOptions,
    ) -> None:
        self._revision, self._network, self._options = revision, network, options
        self._split = exhibition.split
        self._scalars = Scalars(network)
        self._layers = {layer.atom: layer for layer in revision.quantisation.layers}
        self._places = {p.name: n for n, p in enumerate(revision.quantisation.observable)}
        self._valid = ValidPixels.of(network.preprocessing)
        self._mean = cache(lambda: mean_image(network, exhibition.split))

    def of_proposition(self, one: Exemplars) -> dict[str, Any]:
        """What a gallery's index says of them: `smoothgrad` per image, and `ascent`.

        Raises
        ------
        BadModel
            The feature has no gradient, or one that is not finite.
        """
        feature = one.proposition.feature
        assert feature is not None  # exemplars have one
        scalar = self._scalars.feature(feature, self._layers[feature.layer])
        place = self._places[one.proposition.name]
        return self._pictures(scalar, (0, place), one.images, float(one.values[0]))

    def of_logit(self, index: int, images: Ints, best: float) -> dict[str, Any]:
        """The same of the logit of a class, by its place, on some images; `best` is the greatest.

        Raises
        ------
        BadModel
            As `of_proposition`.
        """
        return self._pictures(self._scalars.logit(index), (1, index), images, best)

    def _pictures(
        self, scalar: Scalar, noise: tuple[int, int], images: Ints, best: float
    ) -> dict[str, Any]:
        generator = np.random.default_rng((self._options.seed, *noise))
        maps: Sequence[Any] = [None] * len(images)
        if self._options.smoothgrad is not None:
            maps = self._sensitivities(scalar, images, self._options.smoothgrad, generator)
        climbed = None
        if self._options.ascent is not None:
            climbed = self._ascent(scalar, best, self._options.ascent, generator)
        return {"smoothgrad": maps, "ascent": climbed}

    def _sensitivities(
        self,
        scalar: Scalar,
        images: Ints,
        options: SmoothGradOptions,
        generator: np.random.Generator,
    ) -> list[dict[str, Any]]:
        pictures = [self._split.images[int(image)] for image in images]
        found = smoothgrad(scalar, self._network.prepare(pictures), options, generator=generator)
        entries = []
        for picture, slope, constant in zip(pictures, found.maps, found.constant, strict=True):
            window = self._network.preprocessing.window(*picture.shape[:2])
            drawn = sensitive(picture, slope, window)
            path = add_picture(self._revision, "smoothgrad", drawn, lossless=is_tiny(picture))
            entries.append({"picture": path, "constant": bool(constant)})
        return entries

    def _ascent(
        self, scalar: Scalar, best: float, options: AscentOptions, generator: np.random.Generator
    ) -> dict[str, Any]:
        found = ascend(scalar, self._mean(), self._valid, options, generator=generator)
        picture = self._valid.picture(found.image)
        path = add_picture(self._revision, "ascent", enlarged(picture), lossless=is_tiny(picture))
        return {"picture": path, "value": found.value, "best": best, "moved": found.moved}


def mean_image(network: Network, split: Split) -> Tensor:
    """The mean of a split's images (channels, height, width) float32, as the network takes them."""
    total = torch.zeros(network.input_shape, dtype=torch.float64)
    for start in range(0, len(split), _TOGETHER):
        batch = network.prepare(split.images[start : start + _TOGETHER])
        total += batch.sum(dim=0, dtype=torch.float64)
    return (total / len(split)).float()
