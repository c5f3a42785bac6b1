"""FORCE: kernels are removed step by step, and scored again in what is left.

De Jorge et al., *Progressive Skeletonization* (https://arxiv.org/abs/2006.09081).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor, nn

from proofsight_server.circuits.masked import masked
from proofsight_server.circuits.passes import kernel_scores, original_peaks, precise
from proofsight_server.circuits.reductions import PassCriterion
from proofsight_server.circuits.score_options import Progress, ScoreOptions
from proofsight_server.circuits.scores import Mask, Scores
from proofsight_server.circuits.scoring import as_target_network, finished_scores
from proofsight_server.circuits.selection import Share, select, wanted_kernels
from proofsight_server.circuits.target import Target
from proofsight_server.circuits.target_network import TargetNetwork
from proofsight_server.errors import BadOption
from proofsight_server.vision.network import Network


@dataclass(frozen=True, slots=True)
class ForceOptions:
    """How FORCE goes about.

    Attributes
    ----------
    rounds
        T, how often kernels are removed and scored again.
    criterion
        What is iterated: `snip` as published, `kernel_mask` or `actgrad`.
    revive
        Whether removed kernels keep a score and may return; without, it is iterative SNIP.
    score
        How kernels are scored.
    """

    rounds: int = 10
    criterion: PassCriterion = "snip"
    revive: bool = True
    score: ScoreOptions = field(default_factory=ScoreOptions)

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        if self.rounds < 1:
            raise BadOption(f"force has at least 1 round, not {self.rounds}", option="rounds")
        if self.criterion not in ("snip", "kernel_mask", "actgrad"):
            raise BadOption(
                f"force iterates snip, kernel_mask or actgrad, not {self.criterion!r}",
                option="criterion",
            )


@dataclass(frozen=True, slots=True, eq=False)
class Forced:
    """A mask found step by step, and the last scores, of which it is the top."""

    mask: Mask
    scores: Scores


def force(
    model: Network | nn.Module | TargetNetwork,
    images: Tensor,
    target: Target | str | None = None,
    *,
    keep: Share,
    options: ForceOptions | None = None,
    dense: Scores | None = None,
    contributions: Mapping[str, Tensor] | None = None,
    progress: Progress | None = None,
) -> Forced:
    """The kernels that are left after T rounds of removing the weakest.

    In round t the k_t best of the latest scores stay, k_t falling geometrically from N to k.
    Then all kernels are scored with respect to the mask: dense weights times the gradient taken
    in the masked network, with the ablation that the circuit is to have.

    Parameters
    ----------
    model, images, target, progress
        As in `score`; progress counts the images of all passes.
    keep
        Share of N to keep, 0 to 1.
    options
        See there.
    dense
        Scores of the whole network by the same criterion, if they are known: they are the same
        for every keep.
    contributions
        For mean ablation; see `masked`.

    Returns
    -------
    forced
        The mask has at most ceil(keep · N) kernels, ties cut by place.

    Raises
    ------
    BadModel, BadTarget, BadTensor, BadOption, UnknownLayer, UnknownClass
        As `score`.
    """
    options = options or ForceOptions()
    network, images = precise(as_target_network(model, target, images), images, options.score)
    total = network.wiring.total()
    wanted = wanted_kernels(keep, total)
    passes = options.rounds + (dense is None)
    ticks = _Ticks(progress, len(images) * passes)
    if dense is None:
        arrays = kernel_scores(
            network, images, [options.criterion], options.score, progress=ticks.of_pass()
        )[options.criterion]
        dense = finished_scores(network, options.criterion, arrays, options.score, images)
    peaks = original_peaks(network, images, options.score)
    latest = dense
    for count in schedule(total, wanted, options.rounds):
        mask = select(latest, budget=count)
        arrays = kernel_scores(
            network, images, [options.criterion], options.score,
            parameters=masked(network, mask, contributions).parameters, peaks=peaks,
            progress=ticks.of_pass(),
        )[options.criterion]  # fmt: skip
        if not options.revive:
            arrays = {name: np.where(mask[name], array, 0.0) for name, array in arrays.items()}
        latest = finished_scores(
            network, "force", arrays, options.score, images,
            keep=float(keep), rounds=options.rounds, iterated=options.criterion,
            revive=options.revive, ablation="zero" if contributions is None else "mean",
        )  # fmt: skip
    return Forced(select(latest, budget=wanted), latest)


def schedule(total: int, wanted: int, rounds: int) -> list[int]:
    """k_t of each round: ceil(exp((t/T)·ln k + (1 − t/T)·ln N)), the last one exactly k.

    With k = 0 the steps go down to one kernel and then to none.
    """
    low, high = math.log(max(wanted, 1)), math.log(max(total, 1))
    steps = []
    for t in range(1, rounds):
        share = t / rounds
        # Rounding must not lift an exact value over the next whole number.
        steps.append(math.ceil(math.exp(share * low + (1 - share) * high) * (1 - 1e-9)))
    return [*steps, wanted]


class _Ticks:
    """Progress over several passes over the same images."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._before = 0

    def of_pass(self) -> Progress | None:
        """Progress of the next pass."""
        if self._progress is None:
            return None
        report, before = self._progress, self._before

        def tick(done: int, all: int) -> None:
            self._before = before + all
            report(before + done, self._total)

        return tick
