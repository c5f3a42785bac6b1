"""What a person asks to happen to images, and how it stands to what a network was trained with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from proofsight_server.errors import BadOption
from proofsight_server.vision.image import Mode
from proofsight_server.vision.preprocessing import Preprocessing

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class PreprocessingOptions:
    """What a person asked for, flag by flag; None where nothing was said."""

    size: int | None = None
    crop: int | None = None
    scale: float | None = None
    normalize: tuple[tuple[float, ...], tuple[float, ...]] | None = None

    def new(self, mode: Mode) -> Preprocessing:
        """The preprocessing asked for, with defaults where nothing was said."""
        mean, std = self.normalize or ((), ())
        return Preprocessing(
            mode=mode,
            size=self.size,
            crop=self.crop,
            scale=1 / 255 if self.scale is None else self.scale,
            mean=mean,
            std=std,
        )

    def agree(self, recorded: Preprocessing) -> Preprocessing:
        """The recorded preprocessing, if nothing asked for contradicts it.

        Raises
        ------
        BadOption
            A flag was given that differs from the record; the message shows both.
        """
        for flag, asked, known in (
            ("--size", self.size, recorded.size),
            ("--crop", self.crop, recorded.side if self.crop is not None else None),
            ("--scale", self.scale, recorded.scale),
            ("--normalize", self.normalize, (recorded.mean, recorded.std)),
        ):
            if asked is not None and asked != known:
                raise BadOption(
                    f"{flag} says {_told(asked)}, but the weights were trained with "
                    f"{_told(known)}; leave the flag out",
                    flag=flag,
                    asked=asked,
                    recorded=known,
                )
        return recorded


def _told(value: object) -> str:
    """A flag's value as a person writes it."""
    match value:
        case None | ((), ()):
            return "none"
        case (tuple() as mean, tuple() as std):
            return "/".join(",".join(map(str, numbers)) for numbers in (mean, std))
    return str(value)


def parse_normalize(text: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation from `imagenet` or `MEAN[,MEAN..]/STD[,STD..]`.

    Raises
    ------
    BadOption
        Any other text, or a deviation that nothing can be divided by.

    Examples
    --------
    >>> parse_normalize("0.5/0.25")
    ((0.5,), (0.25,))
    """
    if text.strip().lower() == "imagenet":
        return IMAGENET_MEAN, IMAGENET_STD
    try:
        mean, std = (tuple(float(number) for number in part.split(",")) for part in text.split("/"))
    except ValueError:
        raise BadOption(
            f"--normalize takes 'imagenet' or MEAN[,MEAN..]/STD[,STD..] such as 0.5/0.25, "
            f"not {text!r}",
            normalize=text,
        ) from None
    if not all(math.isfinite(number) for number in (*mean, *std)) or min(std) <= 0:
        raise BadOption(
            "--normalize takes finite means and positive deviations, such as 0.5/0.25, "
            f"not {text!r}",
            normalize=text,
        )
    return mean, std


def parse_scale(text: str) -> float:
    """A scale from a decimal or a fraction: `1/256` or `0.00390625`.

    Raises
    ------
    BadOption
        Any other text, or a number that is not positive.
    """
    try:
        number = float(Fraction(text.strip()))
    except (ValueError, ZeroDivisionError, OverflowError):
        number = 0.0
    if not number > 0:
        raise BadOption(
            f"--scale takes a positive number or fraction such as 1/255, not {text!r}", scale=text
        )
    return number
