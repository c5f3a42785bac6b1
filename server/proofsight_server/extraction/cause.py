"""What the causal check is asked, and what it finds of a proposition."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from proofsight_server.errors import BadOption
from proofsight_server.extraction.probing import SPLITS
from proofsight_server.symbols.opposite import REPLACEMENTS, Replacement

CAUSAL, CORRELATED = "causal", "correlated, not causal"
UNDECIDED, UNTRIED = "undecided", "not tried"


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
    level
        A proposition is called causal where its adjusted p value is at most this.
    seed, batch
        Of the draw; images per forward pass.
    """

    split: str = "validation"
    images: int = 200
    replace: Replacement = "opposite"
    controls: int = 3
    level: float = 0.05
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
        if not 0 < self.level < 1:
            raise BadOption(
                f"level is a probability between 0 and 1, not {self.level}", option="level"
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
    p
        Of the test that the class changes no more often, and the decided class loses no more of
        its logit, than by replacing some control: see `p_value`.  None where there was no image.
    adjusted
        The same, adjusted by Holm's method for the number of propositions that were tried.
    verdict
        `causal`: `adjusted` is at most the level, so the channel does more to the network than
        each of the controls.  `correlated, not causal`: in these images it does no more than
        the strongest control.  `undecided`: it does more, but chance could have it so.
    """

    proposition: str
    label: str
    rules: tuple[str, ...]
    images: int
    effect: Effect | None
    agreement: float | None
    controls: tuple[Effect, ...]
    p: float | None
    adjusted: float | None
    verdict: str

    def to_json(self) -> dict[str, Any]:
        """One entry of `causal --json`."""
        return {
            **asdict(self),
            "rules": list(self.rules),
            "controls": list(map(asdict, self.controls)),
        }
