"""How kernels are scored: the criteria there are, and the options of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from proofsight_server.circuits.reductions import Reduce
from proofsight_server.errors import BadOption

Criterion = Literal["kernel_mask", "actgrad", "snip", "magnitude", "random"]
LayerNorm = Literal["none", "minmax"]
Precision = Literal["double", "single"]
Progress = Callable[[int, int], None]

CRITERIA: tuple[Criterion, ...] = get_args(Criterion)


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """How kernels are scored.

    Attributes
    ----------
    reduce
        Whether `magnitude`, `snip` and `actgrad` take the mean over taps or positions, or the
        sum.  The mean divides an 11 x 11 kernel by 121 and a 55 x 55 map by 3025, which weighs
        layers differently.
    layer_norm
        `minmax` brings each layer's scores to 0 ... 1, the least to 0.
    precision
        The type of activations and gradients; sums are float64 always.  With `double` scores are
        the same to some 1e-12 (actgrad, whose kernels' own maps are single always: 1e-7) whatever
        the size of the batch, the number of threads and the order of the images; with `single`,
        to some 1e-5.
    batch
        Images in one pass.
    seed
        Of `random`.
    """

    reduce: Reduce = "mean"
    layer_norm: LayerNorm = "none"
    precision: Precision = "double"
    batch: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        for name, known in (
            ("reduce", Reduce),
            ("layer_norm", LayerNorm),
            ("precision", Precision),
        ):
            if getattr(self, name) not in get_args(known):
                raise BadOption(
                    f"{name} is one of {', '.join(get_args(known))}, not {getattr(self, name)!r}",
                    option=name,
                )
        if self.batch < 1:
            raise BadOption(f"a batch has at least 1 image, not {self.batch}", option="batch")
