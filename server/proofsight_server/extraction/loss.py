"""What decisions lose by a replaced channel, image by image, and whether that is chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from proofsight_server.extraction.cause import CAUSAL, CORRELATED, UNDECIDED, Cause, Effect
from proofsight_server.extraction.sign_flip import holm, sign_flip
from proofsight_server.symbols.feature import Bools
from proofsight_server.symbols.reduction import Doubles

TINY = 1e-6  # logits of the same map differ by this much between two runs


@dataclass(frozen=True, slots=True)
class Loss:
    """Of n images: whether the class `changed` (n,), and how much `logit` (n,) the decided lost."""

    changed: Bools
    logit: Doubles

    def effect(self, name: str) -> Effect:
        """The mean over the images; `name` says whose channel was replaced."""
        return Effect(name, float(self.changed.mean()), float(-self.logit.mean()))


def p_value(loss: Loss, controls: Sequence[Loss], generator: np.random.Generator) -> float:
    """The p value of the hypothesis that a channel does no more than some control.

    Changed classes and lost logits are each compared with each control in pairs by image
    (`sign_flip`).  More than *every* control is claimed only if the test against the one that
    it beats least is significant, so of the controls the greatest p counts, without correction;
    of the two measures the smaller one counts, twice.  Without controls the channel is compared
    with nothing replaced.

    The images are what varies here: p speaks of other images and these controls.
    """
    nothing = Loss(np.zeros_like(loss.changed), np.zeros_like(loss.logit))
    against = controls or [nothing]
    changed = [loss.changed.astype(np.float64) - other.changed for other in against]
    lost = [_rounded(loss.logit - other.logit) for other in against]
    worst = [max(sign_flip(one, generator) for one in measure) for measure in (changed, lost)]
    return min(1.0, 2 * min(worst))


def judged(causes: Sequence[Cause], level: float) -> tuple[Cause, ...]:
    """Causes with their adjusted p values and verdicts; those without images stay untried."""
    adjusted = iter(holm([cause.p for cause in causes if cause.p is not None]))
    return tuple(
        cause if cause.p is None else _judged(cause, next(adjusted), level) for cause in causes
    )


def _judged(cause: Cause, adjusted: float, level: float) -> Cause:
    verdict = CORRELATED if _no_more(cause) else UNDECIDED
    return replace(cause, adjusted=adjusted, verdict=CAUSAL if adjusted <= level else verdict)


def _no_more(cause: Cause) -> bool:
    """Whether the class changes no more often, and loses no more, than by some control."""
    assert cause.effect is not None  # it was tried
    changed = max((control.changed for control in cause.controls), default=0.0)
    lost = max((-control.logit for control in cause.controls), default=0.0)
    return cause.effect.changed <= changed and -cause.effect.logit <= max(lost, 0.0) + TINY


def _rounded(differences: Doubles) -> Doubles:
    return np.where(np.abs(differences) <= TINY, 0.0, differences)
