"""The criterion `auto`: the best of several for one target, on images set aside for the choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from torch import Tensor

from proofsight_server.circuits.evaluation import choose
from proofsight_server.circuits.force import ForceOptions, force
from proofsight_server.circuits.masked import masked
from proofsight_server.circuits.reductions import PassCriterion
from proofsight_server.circuits.scores import Mask, Scores
from proofsight_server.circuits.scoring import CRITERIA, Progress, ScoreOptions, score
from proofsight_server.circuits.selection import Share, select
from proofsight_server.circuits.target_network import TargetNetwork
from proofsight_server.errors import BadOption

AUTO = "auto"
# In the order of preference where two are equally faithful.  `force:X` is FORCE with X iterated.
CANDIDATES = (
    "kernel_mask",
    "force:kernel_mask",
    "actgrad",
    "force:actgrad",
    "snip",
    "force:snip",
    "magnitude",
)


@dataclass(frozen=True, slots=True, eq=False)
class Automatic:
    """The best of several circuits of one size.

    `criterion` is the candidate chosen, `strengths` each candidate's |r| on the images that it was
    chosen by, 0 for a collapse: not a figure to report, since the best of several is flattered.
    """

    criterion: str
    scores: Scores
    mask: Mask
    strengths: Mapping[str, float]


def automatic(
    network: TargetNetwork,
    scored: Tensor,
    chosen: Tensor,
    *,
    keep: Share,
    candidates: Sequence[str] = CANDIDATES,
    options: ScoreOptions | None = None,
    contributions: Mapping[str, Tensor] | None = None,
    rounds: int = 10,
    progress: Progress | None = None,
) -> Automatic:
    """Score by each candidate, and take the circuit that follows its target best elsewhere.

    Parameters
    ----------
    network
        Cut off at its target.
    scored
        Images to score on, (n, channels, height, width) float32.
    chosen
        Images to choose by; share none with `scored`, nor with those that are reported on.
    keep
        Share of N to keep.
    candidates
        Names of criteria, and `force:NAME` for FORCE that iterates one.
    options, progress
        As in `score`; progress counts the images of all passes over `scored`.
    contributions
        For mean ablation; see `masked`.
    rounds
        Of FORCE.

    Raises
    ------
    BadOption
        There is no such candidate, or `keep` is out of range.
    BadTarget, BadTensor
        As `score`.
    """
    options = options or ScoreOptions()
    plain, iterated = _parted(candidates)
    dense_for = {*plain, *(name for name in iterated)}
    steps = _Steps(progress, len(scored) * (1 + rounds * len(iterated)))
    scores = score(network, scored, None, sorted(dense_for), options=options, progress=steps.next())
    found = {name: scores[name] for name in plain}
    for name in iterated:
        settings = ForceOptions(rounds, name, score=options)
        forced = force(
            network, scored, keep=keep, options=settings, dense=scores[name], progress=steps.next()
        )
        provenance = {**forced.scores.provenance, "criterion": f"force:{name}"}
        found[f"force:{name}"] = replace(
            forced.scores, criterion=f"force:{name}", provenance=provenance
        )
    ordered = {name: found[name] for name in candidates}
    masks = {name: select(one, keep=keep) for name, one in ordered.items()}
    circuits = {name: masked(network, mask, contributions) for name, mask in masks.items()}
    choice = choose(circuits, chosen, batch=options.batch)
    return Automatic(choice.name, found[choice.name], masks[choice.name], choice.strengths)


def _parted(candidates: Sequence[str]) -> tuple[list[str], list[PassCriterion]]:
    """Criteria that score once, and those that FORCE iterates."""
    passing: tuple[PassCriterion, ...] = get_args(PassCriterion)
    plain = [name for name in candidates if not name.startswith("force:")]
    forced = [name.removeprefix("force:") for name in candidates if name.startswith("force:")]
    unknown = [name for name in plain if name not in CRITERIA]
    unknown += [f"force:{name}" for name in forced if name not in passing]
    if unknown or not candidates:
        known = [*CRITERIA, *(f"force:{name}" for name in passing)]
        raise BadOption(
            f"no criterion named {unknown[0] if unknown else ''!r}; candidates are some of "
            f"{', '.join(known)}",
            option="candidates",
        )
    return plain, [name for name in passing if name in forced]


class _Steps:
    """Progress over passes one after the other, each of which counts from its own start."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def next(self) -> Callable[[int, int], None] | None:
        """Progress of the next step."""
        if self._progress is None:
            return None
        report, before = self._progress, self._done

        def tick(done: int, all: int) -> None:
            self._done = before + done
            report(self._done, self._total)

        return tick
