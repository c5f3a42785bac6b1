"""What is asked of a circuit, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import cast, get_args

from proofsight_server.circuits.automatic import AUTO, Candidate
from proofsight_server.circuits.connecting import Selection
from proofsight_server.circuits.masked import Ablation
from proofsight_server.circuits.reductions import Reduce
from proofsight_server.circuits.score_options import CRITERIA
from proofsight_server.circuits.target import Target, parse_target
from proofsight_server.errors import BadOption

FORCE = "force"
KNOWN_CRITERIA = (*CRITERIA, FORCE, AUTO)
CURVE = ("0.5", "0.3", "0.2", "0.1", "0.05", "0.01")


@dataclass(frozen=True, slots=True)
class CircuitOptions:
    """What is asked of a circuit.

    Attributes
    ----------
    target
        `conv3:12`, `conv3:12=1,7=-0.5` or `class:street`.
    keep
        Share of kernels to keep, above 0 and up to 1, as the decimal that it is written as.
    criterion
        One of `KNOWN_CRITERIA`; `auto` takes the best of them, with what of `selection` and
        `ablation` is not fixed, on a third part of the images.
    loss, head
        See `parse_target`; None for their defaults.
    reduce
        See `ScoreOptions`.
    selection
        Which kernels stay: `ranked`, the best, or `connected`, the best on a path.  None: `ranked`,
        but chosen with `auto`.
    ablation
        What removed kernels leave: `zero` or `mean`.  None: `zero`, but chosen with `auto`.
    images
        Most images to score and to measure on, together.
    curve
        Other shares to measure, so that one sees what more or fewer kernels would give.
    batch
        Images in one pass; no figure depends on it.
    seed
        Of the choice and the division of images, and of the criterion `random`.
    """

    target: str
    keep: str = "0.1"
    criterion: str = AUTO
    loss: str | None = None
    head: str | None = None
    reduce: str = "mean"
    selection: str | None = None
    ablation: str | None = None
    images: int = 512
    curve: tuple[str, ...] = CURVE
    batch: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what is out of range. Raises BadOption and BadTarget."""
        for share in (self.keep, *self.curve):
            checked_keep(share)
        for name, known in (
            ("criterion", KNOWN_CRITERIA),
            ("selection", (None, *get_args(Selection))),
            ("ablation", (None, *get_args(Ablation))),
            ("reduce", get_args(Reduce)),
        ):
            if getattr(self, name) not in known:
                named = ", ".join(filter(None, known))
                raise BadOption(
                    f"no {name} named {getattr(self, name)!r}; known: {named}",
                    field=name,
                    value=getattr(self, name),
                )
        for name, least in (("images", 3 if self.criterion == AUTO else 2), ("batch", 1)):
            if getattr(self, name) < least:
                raise BadOption(
                    f"{name} must be at least {least}, not {getattr(self, name)}"
                    + ("; some are scored on, others measured on" if name == "images" else ""),
                    field=name,
                )
        _ = self.parsed

    @property
    def candidate(self) -> Candidate:
        """The criterion with what is fixed of selection and ablation, and their defaults."""
        return Candidate(
            self.criterion,
            cast(Selection, self.selection or "ranked"),
            cast(Ablation, self.ablation or "zero"),
        )

    @property
    def parsed(self) -> Target:
        """The target. Raises BadTarget."""
        return parse_target(self.target, loss=self.loss, head=self.head)


def checked_keep(text: str) -> Fraction:
    """A share of kernels to keep. Raises BadOption where it is not above 0 and up to 1."""
    try:
        share = Fraction(text)
    except (ValueError, ZeroDivisionError):
        share = None
    if share is None or not 0 < share <= 1:
        raise BadOption(
            f"keep is the share of kernels that stay, above 0 and up to 1 (0.1 keeps a tenth), "
            f"not {text}",
            field="keep",
            value=text,
        )
    return share
