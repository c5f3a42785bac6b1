"""Finding the circuit of a feature: scored on some images, measured on others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from proofsight_server.circuits.automatic import (
    ABLATIONS,
    AUTO,
    SELECTIONS,
    Automatic,
    Candidate,
    automatic,
)
from proofsight_server.circuits.connecting import selected
from proofsight_server.circuits.evaluation import Level, curve
from proofsight_server.circuits.force import ForceOptions, force
from proofsight_server.circuits.graph import CircuitGraph, circuit_graph
from proofsight_server.circuits.masked import MaskedNetwork, contributions_for, masked
from proofsight_server.circuits.partition import HALVES, THIRDS, partition
from proofsight_server.circuits.reductions import Reduce
from proofsight_server.circuits.score_options import ScoreOptions
from proofsight_server.circuits.scores import Mask, Scores
from proofsight_server.circuits.scoring import score
from proofsight_server.circuits.selection import effective
from proofsight_server.circuits.target import Logit
from proofsight_server.circuits.target_network import TargetNetwork, target_network
from proofsight_server.errors import BadDataset
from proofsight_server.extraction.circuit_options import FORCE, CircuitOptions, checked_keep
from proofsight_server.extraction.probing import check_classes
from proofsight_server.extraction.progress import Watch
from proofsight_server.symbols.feature import Ints
from proofsight_server.vision.dataset import Dataset
from proofsight_server.vision.network import Network


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """The images of a circuit as the network takes them: to score on, held out, to choose by."""

    scored: Tensor
    held_out: Tensor
    chosen: Tensor | None
    data: str


@dataclass(frozen=True, slots=True, eq=False)
class FoundCircuit:
    """A circuit with all that was made on the way to it.

    `mask` is as it was chosen, `kept` its effective part; `level` says how faithful it is, `curve`
    what other shares would give, by falling keep.  `candidate` is how it was found, with the
    criterion, selection and ablation that were taken; `automatic` how these were chosen, None
    where the criterion was named.
    """

    options: CircuitOptions
    network: TargetNetwork
    images: Images
    scores: Scores
    mask: Mask
    kept: Mask
    level: Level
    curve: tuple[Level, ...]
    candidate: Candidate
    automatic: Automatic | None = None

    @property
    def collapse(self) -> bool:
        """Whether no path of kept kernels leads from the image to the target."""
        return not self.kept.kept

    def graph(self) -> CircuitGraph:
        """What is left, as a graph."""
        return circuit_graph(self.network, self.scores, self.mask)

    def masked(self) -> MaskedNetwork:
        """The network with the circuit's kernels alone."""
        left = contributions_for(self.network, self.candidate.ablation, self.images.scored)
        return masked(self.network, self.mask, left)

    def report(self) -> dict[str, Any]:
        """Settings and figures, as JSON can express them."""
        wiring = self.network.wiring
        counted = wiring.counted()
        options = self.options
        return {
            "target": str(options.parsed),
            "added": list(self.network.added),
            "loss": None if isinstance(options.parsed, Logit) else str(options.parsed.loss),
            "head": getattr(options.parsed, "head", None),
            "criterion": options.criterion,
            "chosen": None if self.automatic is None else str(self.candidate),
            "choice": None if self.automatic is None else dict(self.automatic.strengths),
            "reduce": options.reduce,
            "selection": self.candidate.selection,
            "ablation": self.candidate.ablation,
            "keep": float(checked_keep(options.keep)),
            "kept": self.mask.kept,
            "shortfall": self.mask.shortfall,
            "kernels": self.kept.kept,
            "total_kernels": wiring.total(),
            "effective_keep": self.kept.keep,
            "collapse": self.collapse,
            "data": self.images.data,
            "images": {
                "in_sample": len(self.images.scored),
                "held_out": len(self.images.held_out),
            },
            "seed": options.seed,
            "figures": {
                part: None if figures is None else figures.to_json()
                for part, figures in (
                    ("in_sample", self.level.in_sample),
                    ("held_out", self.level.held_out),
                )
            },
            "curve": [level.to_json() for level in self.curve],
            "layers": [
                {
                    "layer": node.atom,
                    "module": name,
                    "kept": int(self.kept[name].sum()),
                    "kernels": int(counted[name].sum()),
                }
                for name, node in wiring.layers.items()
            ],
        }


def find_circuit(
    network: Network, dataset: Dataset, options: CircuitOptions, watch: Watch | None = None
) -> FoundCircuit:
    """Find the kernels that compute a target, and how faithfully they do.

    Raises
    ------
    BadTarget, UnknownLayer, UnknownClass
        The target is none of this network's, or dead on these images.
    BadModel
        The network's flow cannot be traced, or its channels not be followed; it says where.
    BadDataset, BadImage
        The data has too few images, other classes than the network, or images that do not fit.
    Cancelled
        `watch` says that the work is no longer wanted.
    """
    watch = watch or Watch()
    with watch.step("following channels"):
        cut = target_network(network, options.parsed)
    images = circuit_images(network, dataset, options, watch)
    chosen = _automatic(cut, images, options, watch)
    candidate = options.candidate if chosen is None else chosen.candidate
    contributions = contributions_for(cut, candidate.ablation, images.scored)
    scores = (
        chosen.scores if chosen else scores_of(cut, images.scored, options, contributions, watch)
    )
    masks = {
        float(share): selected(scores, share, candidate.selection)
        for share in _shares(options, candidate)
    }
    levels = curve(
        cut,
        masks,
        images.scored,
        images.held_out,
        contributions=contributions,
        progress=watch.phase("measuring"),
    )
    own = float(checked_keep(options.keep))
    return FoundCircuit(
        options=options,
        network=cut,
        images=images,
        scores=scores,
        mask=masks[own],
        kept=effective(masks[own]),
        level=next(level for level in levels if level.keep == own),
        curve=levels,
        candidate=candidate,
        automatic=chosen,
    )


def circuit_images(
    network: Network, dataset: Dataset, options: CircuitOptions, watch: Watch
) -> Images:
    """Training images, drawn by the seed, in parts that have none in common.

    Two halves, or three parts where the criterion is still to be chosen.

    Raises
    ------
    BadDataset
        There are fewer than two images, or the classes are not the network's.
    BadImage, BadTensor
        Images do not fit the network.
    """
    check_classes(dataset, network.classes)
    split = dataset.train
    if len(split) < 2:
        raise BadDataset(
            f"{dataset.uri} has {len(split)} training images, and a circuit needs two at least: "
            "one to score on, one to measure on",
            data=dataset.uri,
        )
    rng = np.random.default_rng(options.seed)
    drawn: Ints = np.sort(rng.permutation(len(split))[: options.images])
    chosen = split.take(drawn)
    report, parts = watch.phase("reading images"), []
    for start in range(0, len(chosen), options.batch):
        parts.append(network.prepare(chosen.images[start : start + options.batch]))
        report(min(start + options.batch, len(chosen)), len(chosen))
    prepared = torch.cat(parts)
    labels = chosen.labels
    shares = THIRDS if options.criterion == AUTO else HALVES
    scored, held_out, *rest = partition(prepared, labels, shares=shares, seed=options.seed)
    third = prepared[rest[0]] if rest else None
    return Images(prepared[scored], prepared[held_out], third, dataset.uri)


def _automatic(
    cut: TargetNetwork, images: Images, options: CircuitOptions, watch: Watch
) -> Automatic | None:
    if images.chosen is None:
        return None
    return automatic(
        cut,
        images.scored,
        images.chosen,
        keep=checked_keep(options.keep),
        selections=(options.candidate.selection,) if options.selection else SELECTIONS,
        ablations=(options.candidate.ablation,) if options.ablation else ABLATIONS,
        options=_settings(options),
        progress=watch.phase("scoring by each criterion"),
    )


def _settings(options: CircuitOptions) -> ScoreOptions:
    reduce = cast(Reduce, options.reduce)
    return ScoreOptions(reduce=reduce, batch=options.batch, seed=options.seed)


def scores_of(
    cut: TargetNetwork,
    images: Tensor,
    options: CircuitOptions,
    contributions: Mapping[str, Tensor] | None,
    watch: Watch,
) -> Scores:
    """The scores by the criterion asked for; those of FORCE are the last that it took."""
    settings = _settings(options)
    report = watch.phase("scoring")
    if options.criterion == FORCE:
        steps = ForceOptions(score=settings)
        keep = checked_keep(options.keep)
        return force(
            cut, images, keep=keep, options=steps, contributions=contributions, progress=report
        ).scores
    criteria = (options.criterion,)
    found = score(cut, images, criteria=criteria, options=settings, progress=report)
    return found[options.criterion]


def _shares(options: CircuitOptions, candidate: Candidate) -> list[Fraction]:
    """The shares to measure, each once, by falling value; that of the circuit among them."""
    own = checked_keep(options.keep)
    shares = {own, *map(checked_keep, options.curve)}
    if candidate.criterion.partition(":")[0] == FORCE:
        # Its last scores were taken where no more kernels than these were left.
        shares = {share for share in shares if share <= own}
    return sorted(shares, reverse=True)
