"""Whether a shrunk network computes what its masked network does: the check before it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from proofsight_server.circuits.faithfulness import Run
from proofsight_server.errors import BadModel

TOLERANCE = 1e-5
# Units in the last place of the target that summing in another order may move it by.
_ROUNDINGS = 8


@dataclass(frozen=True, slots=True)
class Exactness:
    """The largest difference between a masked network and its shrunk one, on some images.

    Attributes
    ----------
    images
        How many.
    difference
        max|F_raw − F_ext|.
    deviation, size
        Standard deviation of F_raw over images and positions, and max|F_raw|.
    rounding
        What the arithmetic itself leaves open: a few units in the last place of `size`.
    """

    images: int
    difference: float
    deviation: float
    size: float
    rounding: float

    @property
    def relative(self) -> float | None:
        """The difference in deviations; None where the target is the same everywhere."""
        return self.difference / self.deviation if self.deviation else None

    @property
    def exact(self) -> bool:
        """Whether the difference is within 1e-5 of the deviation, or rounding."""
        return self.difference <= max(TOLERANCE * self.deviation, self.rounding)

    def require(self) -> None:
        """Refuse a shrunk network that is not equal to its masked one.

        Raises
        ------
        BadModel
            It is not.
        """
        if not self.exact:
            raise BadModel(
                f"the shrunk network differs from the masked one by up to {self.difference:.3g}, "
                f"with a deviation of {self.deviation:.3g} (allowed: {TOLERANCE:g} of it); it is "
                "not saved. Report the network's kind of layers",
                difference=self.difference,
                deviation=self.deviation,
            )

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON can express them."""
        return {**asdict(self), "relative": self.relative, "exact": self.exact}


def verify(
    circuit: Run,
    shrunk: Run,
    images: Tensor | None,
    *,
    input_shape: Sequence[int],
    draws: int = 16,
    seed: int = 0,
) -> Exactness:
    """Compare a masked network with its shrunk one on random images, and real ones.

    Parameters
    ----------
    circuit, shrunk
        The two networks.
    images
        Real ones (n, channels, height, width), None where there are none.
    input_shape
        (channels, height, width) of the random ones.
    draws
        How many random ones.
    seed
        Of those.
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn((draws, *input_shape), generator=generator)
    if images is not None:
        drawn = torch.cat([images, drawn.to(images.dtype)])
    with torch.inference_mode():
        before, after = (
            torch.cat([run(part) for part in torch.split(drawn, 16)]) for run in (circuit, shrunk)
        )
    size = float(before.abs().max())
    rounding = _ROUNDINGS * torch.finfo(before.dtype).eps * size
    difference = float((before - after).abs().max())
    return Exactness(len(drawn), difference, float(before.double().std()), size, rounding)
