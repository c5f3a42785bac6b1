"""Scores: one number per masked image, from logits and never through probabilities.

Probabilities of 1 − 1e-8 and 1 − 1e-12 are the same float32, but their log-odds differ by 9: what
is cut off there comes back as interactions of high order that the network does not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.interactions.masks import Doubles
from proofsight_server.vision.class_column import class_column

Kind = Literal["log_odds", "margin", "contrast", "logit"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# A span below it, in the score's unit, is rounding: the regions do not move the network.
_LEAST_SPAN = 1e-6


@dataclass(frozen=True, slots=True)
class Score:
    """What is explained of a network's logits z, for class c.

    `log_odds` is z_c − log Σ_{j≠c} exp z_j, positive where p_c > ½; `margin` is
    z_c − max_{j≠c} z_j, positive where c is the top class; `contrast` is z_c − z_d, where d is
    `against`; `logit` is z_c.
    """

    kind: Kind = "log_odds"
    against: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadOption(f"a score is one of {', '.join(KINDS)}, not {self.kind!r}")
        if (self.kind == "contrast") != (self.against is not None):
            raise BadOption(
                "the score contrast needs a second class, and no other takes one: "
                "write contrast:CLASS"
            )

    def __str__(self) -> str:
        return self.kind if self.against is None else f"{self.kind}:{self.against}"

    @property
    def verdict(self) -> str:
        """What a score above 0 says of class c."""
        return {
            "log_odds": "p > 1/2",
            "margin": "top class",
            "contrast": f"ahead of {self.against}",
            "logit": "logit > 0",
        }[self.kind]

    def of(self, logits: Doubles, chosen: int, classes: Sequence[str]) -> Doubles:
        """The score of one class.

        Parameters
        ----------
        logits
            (masks, classes) float64.
        chosen
            The class c, by its index.
        classes
            The names of all, in the order of the logits.

        Returns
        -------
        (masks,) float64

        Raises
        ------
        BadOption
            There is one class only, or c is contrasted with itself.
        UnknownClass
            `against` is no class.
        BadTensor
            A logit is not finite, or the logits are probabilities.
        """
        self._check(logits, classes)
        own = logits[:, chosen]
        if self.kind == "logit":
            return own.copy()
        if self.kind == "contrast":
            return own - logits[:, self._rival(chosen, classes)]
        others = np.delete(logits, chosen, axis=1)
        top = others.max(axis=1)
        if self.kind == "margin":
            return np.asarray(own - top)
        return np.asarray(own - top - np.log(np.exp(others - top[:, None]).sum(axis=1)))

    def named(self, chosen: int, classes: Sequence[str]) -> Score:
        """The score with the other class by its name, which may have been an index.

        Raises
        ------
        UnknownClass, BadOption
            As `of` does, for what the class cannot be contrasted with.
        """
        if self.kind != "contrast":
            return self
        return replace(self, against=classes[self._rival(chosen, classes)])

    def _rival(self, chosen: int, classes: Sequence[str]) -> int:
        rival = class_column(str(self.against), classes)
        if rival == chosen:
            raise BadOption(
                f"{classes[rival]} is contrasted with itself; name another class after contrast:"
            )
        return rival

    def _check(self, logits: Doubles, classes: Sequence[str]) -> None:
        if len(classes) < 2:
            raise BadOption(f"a network with {len(classes)} class has no score against others")
        strange = ~np.isfinite(logits).all(axis=1)
        if strange.any():
            mask = int(np.argmax(strange))
            raise BadTensor(
                f"the network gives {logits[mask].tolist()[:3]}… for mask {mask}; scores need "
                "finite logits: look for an overflow in the network",
                mask=mask,
            )
        if (logits >= 0).all() and np.allclose(logits.sum(axis=1), 1, atol=1e-4):
            raise BadTensor(
                "the network gives probabilities, which saturate; take the softmax off its end, so "
                "that it gives logits"
            )


def parse_score(text: str) -> Score:
    """A score from `log_odds`, `margin`, `logit` or `contrast:CLASS`.

    Raises
    ------
    BadOption
        Any other text.
    """
    kind, colon, against = text.partition(":")
    for known in KINDS:
        if kind == known:
            return Score(known, against if colon else None)
    raise BadOption(f"a score is log_odds, margin, logit or contrast:CLASS, not {text!r}")


def check_moves(scores: Doubles, network: str) -> None:
    """Whether the regions move a score at all, and it is not cut off at one value.

    Parameters
    ----------
    scores
        (2^n,), by mask.

    Raises
    ------
    BadTensor
        The score is constant, or stands at its greatest or least value for most of the masks.
    """
    low, high = float(scores.min()), float(scores.max())
    if high - low <= _LEAST_SPAN * max(1.0, abs(high)):
        raise BadTensor(
            f"{network}: the score is {high:.6g} whatever is masked; the regions do not matter to "
            "the network: take another baseline, other regions or another class",
            network=network,
        )
    stuck = max(float(np.mean(scores == low)), float(np.mean(scores == high)))
    if stuck > 0.5 + 1 / len(scores):
        raise BadTensor(
            f"{network}: the score is saturated: {stuck:.0%} of the masks have exactly its "
            "extreme value; take scores from logits that are not clipped, or another baseline",
            network=network,
        )
