"""What a circuit is to compute: a channel, a direction over channels, or the logit of a class."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Literal, get_args

from proofsight_server.errors import BadTarget

LossKind = Literal["abs_sum", "sum", "mean", "max", "position", "argmax"]
LOSS_KINDS: tuple[LossKind, ...] = get_args(LossKind)
Head = Literal["frozen", "kernels"]

_LOGIT = ("class", "logit")
_POSITION = re.compile(r"position(?:\(\s*(\d+)\s*,\s*(\d+)\s*\))?")


@dataclass(frozen=True, slots=True)
class Loss:
    """How the target's map of one image becomes the number that is differentiated.

    `abs_sum`: the sum of absolute values over positions; `sum`, `mean`, `max` over positions;
    `position`: the value at `at` (row, column), None for the centre; `argmax`: the value where the
    map of the whole network has its maximum, the first of several.
    """

    kind: LossKind = "abs_sum"
    at: tuple[int, int] | None = None

    def __str__(self) -> str:
        return self.kind if self.at is None else f"{self.kind}({self.at[0]},{self.at[1]})"

    @classmethod
    def parse(cls, text: str) -> Loss:
        """The loss of that name: `abs_sum`, `position`, `position(3,4)`, ...

        Raises
        ------
        BadTarget
            There is none.
        """
        position = _POSITION.fullmatch(text.strip())
        if position is not None:
            row, column = position.groups()
            return cls("position", None if row is None else (int(row), int(column)))
        for kind in LOSS_KINDS:
            if text == kind:
                return cls(kind)
        if text == "distance":
            raise BadTarget(
                "the distance to the network's own map has no gradient at that map, so it ranks "
                "nothing; use abs_sum",
                loss=text,
            )
        raise BadTarget(
            f"no loss named {text!r}; known: {', '.join(LOSS_KINDS)}, position(ROW,COLUMN)",
            loss=text,
        )


@dataclass(frozen=True, slots=True)
class Unit:
    """A channel of a convolution, before batch norm and non-linearity.

    `layer` is the convolution's atom (`conv3`) or path (`features.6`).
    """

    layer: str
    channel: int
    loss: Loss = Loss()

    def __str__(self) -> str:
        return f"{self.layer}:{self.channel}"


@dataclass(frozen=True, slots=True)
class Direction:
    """A weighted sum of channels of one convolution: y = Σ d[o] · z[o].

    `weights` are (channel, weight) pairs; channels that are not named weigh 0.
    """

    layer: str
    weights: tuple[tuple[int, float], ...]
    loss: Loss = Loss()

    def __post_init__(self) -> None:
        """Refuse weights that are not finite, all zero, or given twice."""
        channels = [channel for channel, _ in self.weights]
        if len(set(channels)) < len(channels):
            raise BadTarget(f"a direction over {self.layer} weighs a channel twice", target=self)
        if not all(math.isfinite(weight) for _, weight in self.weights):
            raise BadTarget(f"the weights of a direction over {self.layer} must be finite")
        if not any(weight for _, weight in self.weights):
            raise BadTarget(f"a direction over {self.layer} needs a weight that is not 0")

    def __str__(self) -> str:
        return f"{self.layer}:" + ",".join(
            f"{channel}={weight!r}" for channel, weight in self.weights
        )


@dataclass(frozen=True, slots=True)
class Logit:
    """The logit of a class.

    `label` is the class's name, or its index.  With the head `frozen`, linear modules stay whole
    and are no kernels; with `kernels`, each block of weights from one channel to one unit is one.
    """

    label: str | int
    head: Head = "frozen"

    def __str__(self) -> str:
        return f"class:{self.label}"


Target = Unit | Direction | Logit


def parse_target(text: str, *, loss: str | None = None, head: str | None = None) -> Target:
    """The target that a person writes.

    Parameters
    ----------
    text
        `conv3:12`, `features.6:12`; `conv3:12=1,7=-0.5`; `class:street`, `class:3`
        (or `logit:street`).
    loss
        Of a channel or direction; see `Loss.parse`.
    head
        Of a logit: `frozen` or `kernels`.

    Raises
    ------
    BadTarget
        It reads otherwise, or loss or head do not belong to it.
    """
    prefix, _, label = text.partition(":")
    if prefix in _LOGIT and label:
        return _logit(text, label, loss, head)
    place, _, rest = text.rpartition(":")
    if not place or not rest:
        raise BadTarget(
            f"no target reads {text!r}; write LAYER:CHANNEL (conv3:12), "
            "LAYER:CHANNEL=WEIGHT,... (conv3:12=1,7=-0.5) or class:NAME",
            target=text,
        )
    if head is not None:
        raise BadTarget(f"{text} has no head; leave the head out, or write class:NAME", target=text)
    chosen = Loss() if loss is None else Loss.parse(loss)
    if rest.isdecimal():
        return Unit(place, int(rest), chosen)
    pairs = [re.fullmatch(r"\s*(\d+)\s*=\s*(\S+)\s*", pair) for pair in rest.split(",")]
    try:
        weights = tuple((int(pair[1]), float(pair[2])) for pair in pairs if pair is not None)
    except ValueError:
        weights = ()
    if len(weights) < len(pairs):
        raise BadTarget(
            f"{rest!r} is no channel of {place}; write its number ({place}:12), or "
            f"CHANNEL=WEIGHT,... ({place}:12=1,7=-0.5)",
            target=text,
        )
    return Direction(place, weights, chosen)


def with_loss(target: Target, loss: Loss) -> Target:
    """The same target under another loss; a logit has none and stays."""
    return target if isinstance(target, Logit) else replace(target, loss=loss)


def _logit(text: str, label: str, loss: str | None, head: str | None) -> Logit:
    if loss is not None:
        raise BadTarget(f"{text} is a number already; leave the loss out", target=text, loss=loss)
    if head is not None and head not in get_args(Head):
        raise BadTarget(
            f"no head named {head!r}; known: {', '.join(get_args(Head))}", target=text, head=head
        )
    return Logit(label, "kernels" if head == "kernels" else "frozen")
