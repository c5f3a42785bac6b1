"""What the causal check is asked, and what it finds of a proposition."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from proofsight_server.errors import BadOption
from proofsight_server.extraction.probing import SPLITS
from proofsight_server.symbols.opposite import REPLACEMENTS, Replacement

CAUSAL, CORRELATED, UNTRIED = "causal", "correlated, not causal", "not tried"


@dataclass(frozen=True, slots=True)
class CausalOptions:
    """How the check is done.

    Attributes
    ----------
    split
        Whose images are looked at.
    images
        At most so many per proposition, drawn by the seed.
    replace
        What stands in for the map: what it looks like with the `opposite` bit, `zero`, or its
        `mean`.
    controls
        Channels that the program does not use, per proposition, to compare with.
    seed, batch
        Of the draw; images per forward pass.
    """

    split: str = "validation"
    images: int = 200
    replace: Replacement = "opposite"
    controls: int = 3
    seed: int = 0
    batch: int = 128

    def __post_init__(self) -> None:
        for name, value, known in (
            ("split", self.split, SPLITS),
            ("replace", self.replace, REPLACEMENTS),
        ):
            if value not in known:
                raise BadOption(
                    f"{name} is one of {', '.join(known)}, not {value!r}", option=name, value=value
                )
        for name, number, least in (("images", self.images, 1), ("controls", self.controls, 0)):
            if number < least:
                raise BadOption(f"{name} must be at least {least}, not {number}", option=name)


@dataclass(frozen=True, slots=True)
class Effect:
    """What replacing a channel does to the network, over some images.

    Attributes
    ----------
    proposition
        Whose channel, or cell of it, was replaced.
    changed
        Share of the images whose class changes.
    logit
        Mean change of the logit of the class that the program decides; below 0 it loses.
    """

    proposition: str
    changed: float
    logit: float


@dataclass(frozen=True, slots=True)
class Cause:
    """A proposition that proofs use, and what the network does without it.

    Attributes
    ----------
    proposition, label, rules
        Its name, what people call it, and the rules for classes that read it.
    images
        How many images were tried; of those whose proof uses it.
    effect
        Of replacing its channel; None where there was no image to try.
    agreement
        Share of the images where the program, with that bit flipped, gives the class that the
        network now gives.
    controls
        The same for channels that the program does not use and that are active about as often.
    verdict
        `causal`: the class changes more often, or the decided class loses more of its logit,
        than by replacing any of the controls.  `correlated, not causal` otherwise.
    """

    proposition: str
    label: str
    rules: tuple[str, ...]
    images: int
    effect: Effect | None
    agreement: float | None
    controls: tuple[Effect, ...]
    verdict: str

    def to_json(self) -> dict[str, Any]:
        """One entry of `causal --json`."""
        return {
            **asdict(self),
            "rules": list(self.rules),
            "controls": list(map(asdict, self.controls)),
        }
