"""The criterion `auto`: the best of several ways to a circuit, on images set aside for the choice.

What counts is |r| alone, so that ways are compared at the same number of kernels, but not at the
same number of constants: mean ablation also moves biases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from torch import Tensor

from proofsight_server.circuits.connecting import Selection, selected
from proofsight_server.circuits.evaluation import choose
from proofsight_server.circuits.force import ForceOptions, force
from proofsight_server.circuits.masked import Ablation, contributions_for, masked
from proofsight_server.circuits.reductions import PassCriterion
from proofsight_server.circuits.score_options import CRITERIA, Progress, ScoreOptions
from proofsight_server.circuits.scores import Mask, Scores
from proofsight_server.circuits.scoring import score
from proofsight_server.circuits.selection import Share, wanted_kernels
from proofsight_server.circuits.target_network import TargetNetwork
from proofsight_server.errors import BadOption

AUTO = "auto"
# In the order of preference where two are equally faithful: all share one pass over the images.
ONE_PASS = ("kernel_mask", "actgrad", "snip", "magnitude")
# `force:X` is FORCE with X iterated.  Each round is one more pass, which few kernels repay.
ITERATED = "force:kernel_mask"
FORCED = 0.05
SELECTIONS: tuple[Selection, ...] = get_args(Selection)
ABLATIONS: tuple[Ablation, ...] = get_args(Ablation)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to a circuit: what scores kernels, which of them stay, and what the others leave."""

    criterion: str
    selection: Selection = "ranked"
    ablation: Ablation = "zero"

    def __str__(self) -> str:
        connected = ", connected" if self.selection == "connected" else ""
        mean = ", mean ablation" if self.ablation == "mean" else ""
        return f"{self.criterion}{connected}{mean}"


@dataclass(frozen=True, slots=True, eq=False)
class Automatic:
    """The best of several circuits of one size.

    `candidate` is the one chosen, `strengths` each candidate's |r| by its name on the images that
    it was chosen by, 0 for a collapse: not a figure to report, since the best of several is
    flattered.
    """

    candidate: Candidate
    scores: Scores
    mask: Mask
    strengths: Mapping[str, float]


def automatic(
    network: TargetNetwork,
    scored: Tensor,
    chosen: Tensor,
    *,
    keep: Share,
    criteria: Sequence[str] | None = None,
    selections: Sequence[Selection] = SELECTIONS,
    ablations: Sequence[Ablation] = ABLATIONS,
    options: ScoreOptions | None = None,
    rounds: int = 5,
    progress: Progress | None = None,
) -> Automatic:
    """Try each candidate, and take the circuit that follows its target best elsewhere.

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
    criteria, selections, ablations
        Candidates are all combinations.  Criteria are names, and `force:NAME` for FORCE that
        iterates one, under each ablation; None: see `considered`.
    options, progress
        As in `score`; progress counts the images of all passes over `scored`.
    rounds
        Of FORCE.

    Raises
    ------
    BadOption
        There is no such criterion or ablation, or `keep` is out of range.
    BadTarget, BadTensor
        As `score`.
    """
    criteria = considered(keep) if criteria is None else criteria
    plain, iterated = _parted(criteria)
    options = options or ScoreOptions()
    wanted_kernels(keep, network.wiring.total())  # refused before anything is scored
    left = {ablation: contributions_for(network, ablation, scored) for ablation in ablations}
    steps = _Steps(progress, len(scored) * (1 + rounds * len(iterated) * len(left)))
    needed = sorted({*plain, *iterated.values()})
    dense = score(network, scored, None, needed, options=options, progress=steps.next())
    tried: dict[str, tuple[Candidate, Scores, Mask]] = {}
    strengths: dict[str, float] = {}
    # One criterion after the other: each circuit has weights of its own while it is measured.
    for criterion in criteria:
        circuits = {}
        for ablation, contributions in left.items():
            if criterion in iterated:
                iterates = iterated[criterion]
                scores = _named(
                    force(
                        network, scored, keep=keep, dense=dense[iterates],
                        options=ForceOptions(rounds, iterates, score=options),
                        contributions=contributions, progress=steps.next(),
                    ).scores,
                    criterion,
                )  # fmt: skip
            else:
                scores = dense[criterion]
            for selection in selections:
                candidate = Candidate(criterion, selection, ablation)
                mask = selected(scores, keep, selection)
                tried[str(candidate)] = candidate, scores, mask
                circuits[str(candidate)] = masked(network, mask, contributions)
        strengths |= choose(circuits, chosen, batch=options.batch).strengths
    best = max(strengths, key=lambda name: strengths[name])
    return Automatic(*tried[best], strengths)


def considered(keep: Share) -> tuple[str, ...]:
    """The criteria that are tried: one pass, and FORCE where few kernels are kept."""
    return (*ONE_PASS, ITERATED) if float(keep) <= FORCED else ONE_PASS


def _named(scores: Scores, criterion: str) -> Scores:
    provenance = {**scores.provenance, "criterion": criterion}
    return replace(scores, criterion=criterion, provenance=provenance)


def _parted(criteria: Sequence[str]) -> tuple[list[str], dict[str, PassCriterion]]:
    """Criteria that score once, and by name those that FORCE iterates."""
    passing: tuple[PassCriterion, ...] = get_args(PassCriterion)
    forced = {f"force:{name}": name for name in passing}
    known = [*CRITERIA, *forced]
    unknown = [name for name in criteria if name not in known]
    if unknown or not criteria:
        raise BadOption(
            f"no criterion named {unknown[0] if unknown else ''!r}; candidates are some of "
            f"{', '.join(known)}",
            option="criteria",
        )
    plain = [name for name in criteria if name not in forced]
    return plain, {name: forced[name] for name in criteria if name in forced}


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
