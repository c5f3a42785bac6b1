"""What reading M-of-N rules is asked to do, checked once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from proofsight_server.errors import BadOption
from proofsight_server.rules.mofn import check_beta, check_order
from proofsight_server.rules.mofn_order import Order

Weights = Literal["raw", "centred"]
Splits = Literal["per_target", "common"]

# β of the λ that were published: 0, .1, .2, 1, 5, 1000 (β = λ / (1 + λ)).
BETAS = (0.0, 1 / 11, 1 / 6, 0.5, 5 / 6, 1000 / 1001)
BETA = 1 / 11


@dataclass(frozen=True, slots=True)
class MofNOptions:
    """How M-of-N rules are read off a layer.

    Attributes
    ----------
    order
        In which order literals join bodies (see `best_rule`).
    beta, betas
        What complexity weighs against error, 0..1: in the rules of the program, and on the
        curves that are kept.
    max_body
        Most literals of a body; None is no bound, and 16 for `greedy` and
        `triples`.
    output_weights
        `raw`: the logits' weights as they are; `centred`: less the mean over classes, which
        softmax ignores.
    splits
        `per_target`: each input is cut anew for every target; `common`: once, so that layers
        chain.
    position
        Where the channels of a convolution are explained: `max_gain`, each where its value tells
        most about the class, or one (row, column) for all.
    holdout
        Share of the images that cuts, order and rules never see.
    images
        Most training images that are looked at, and most test images.
    """

    order: Order = "weight"
    beta: float = BETA
    betas: tuple[float, ...] = BETAS
    max_body: int | None = None
    output_weights: Weights = "raw"
    splits: Splits = "per_target"
    position: Literal["max_gain"] | tuple[int, int] = "max_gain"
    holdout: float = 0.2
    images: int = 12_500

    def __post_init__(self) -> None:
        check_order(self.order)
        for beta in (self.beta, *self.betas):
            check_beta(beta)
        for name, value, known in (
            ("output_weights", self.output_weights, get_args(Weights)),
            ("splits", self.splits, get_args(Splits)),
        ):
            if value not in known:
                raise BadOption(
                    f"{name} is one of {', '.join(known)}, not {value!r}", option=name, value=value
                )
        if self.max_body is not None and (
            isinstance(self.max_body, bool)
            or not isinstance(self.max_body, int)
            or self.max_body < 1
        ):
            raise BadOption(
                f"max_body is a number of literals from 1, or none, not {self.max_body!r}",
                option="max_body",
                value=self.max_body,
            )
        if not isinstance(self.holdout, int | float) or not 0 <= self.holdout < 1:
            raise BadOption(
                f"holdout is a share of the images from 0 and below 1, not {self.holdout!r}",
                option="holdout",
                value=self.holdout,
            )
        if isinstance(self.images, bool) or not isinstance(self.images, int) or self.images < 2:
            raise BadOption(
                f"images is a number from 2, not {self.images!r}",
                option="images",
                value=self.images,
            )

    def to_json(self) -> dict[str, Any]:
        """The options as a manifest records them."""
        return {
            "order": self.order,
            "beta": float(self.beta),
            "betas": [float(beta) for beta in self.betas],
            "max_body": self.max_body,
            "output_weights": self.output_weights,
            "splits": self.splits,
            "position": self.position if isinstance(self.position, str) else list(self.position),
            "holdout": self.holdout,
            "images": self.images,
        }


def parsed_betas(betas: object) -> tuple[float, ...]:
    """Several β as a command line gives them, `0,0.1,0.5`. Raises BadOption."""
    if betas is None:
        return BETAS
    try:
        return tuple(float(part) for part in _parts(betas))
    except (TypeError, ValueError) as error:
        raise BadOption(
            f"betas are numbers in 0..1 with commas between, as 0,0.1,0.5, not {betas!r}",
            option="betas",
            value=betas,
        ) from error


def parsed_position(position: object) -> Literal["max_gain"] | tuple[int, int]:
    """`max_gain`, or a position as a command line gives it, `ROW,COLUMN`. Raises BadOption."""
    if position == "max_gain":
        return "max_gain"
    try:
        row, column = (int(part) for part in _parts(position))
    except (TypeError, ValueError) as error:
        raise BadOption(
            f"position is max_gain or ROW,COLUMN from 0, as 3,5, not {position!r}",
            option="position",
            value=position,
        ) from error
    return row, column


def _parts(value: object) -> Iterable[Any]:
    """What stands between the commas of a text, or the members of a list; else the value alone."""
    if isinstance(value, str):
        return value.split(",")
    return value if isinstance(value, Iterable) else (value,)
