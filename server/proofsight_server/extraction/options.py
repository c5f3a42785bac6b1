"""What an extraction is asked to do, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from proofsight_server.errors import BadOption
from proofsight_server.rules.chain import Mode
from proofsight_server.rules.learner import is_own
from proofsight_server.symbols.feature import REDUCTIONS, Layer, Reduction

Threshold = Literal["mean", "mean_std", "quantile", "info_gain"]
CHAIN_LEAVES = 16


@dataclass(frozen=True, slots=True)
class ExtractOptions:
    """How rules are extracted.

    Attributes
    ----------
    layers
        Layers to read, as people name them; none means the default layer.
    learner, max_rules, learner_options
        The rule learner, by name or as `module:factory` (which is imported), its bound on the
        number of rules (None: its own default; `auto`: chosen on validation images), and what else
        it takes.
    reduction, grids
        How maps become numbers: over each cell of each grid of rows × columns.
    layer_grids
        The grids of single layers, by path or atom, where they are others than `grids`.
    chain, chain_leaves
        The mode in which several layers are chained, None where they are not: the learner then
        sees the propositions of the top layer only, and a tree of at most so many leaves decides
        each one that is used from the layer below it (see `Chain`).
    threshold, cuts, threshold_options
        How thresholds are fitted, how many there are per feature, and what else the strategy
        takes.  None is `mean` or, under a budget, chosen on validation images with the cuts.
    budget
        Most literals; bits and the size of the program are then chosen on validation images.
    seed
        Breaks ties.
    batch
        Images per forward pass.
    """

    layers: tuple[str, ...] = ()
    learner: str = "tree"
    max_rules: int | Literal["auto"] | None = None
    learner_options: Mapping[str, Any] = field(default_factory=dict)
    reduction: Reduction = "l1"
    grids: tuple[int, ...] = (1,)
    layer_grids: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    chain: Mode | None = None
    chain_leaves: int = CHAIN_LEAVES
    threshold: Threshold | None = None
    cuts: int = 1
    threshold_options: Mapping[str, float] = field(default_factory=dict)
    budget: int | None = None
    seed: int = 0
    batch: int = 256

    def __post_init__(self) -> None:
        for name, value, known in (
            ("reduction", self.reduction, REDUCTIONS),
            ("threshold", self.threshold, (None, *get_args(Threshold))),
            ("chain mode", self.chain, (None, *get_args(Mode))),
        ):
            if value not in known:
                raise BadOption(
                    f"{name} {value!r} is not known; use one of {', '.join(filter(None, known))}",
                    option=name,
                    value=value,
                )
        grids = (self.grids, *self.layer_grids.values())
        for name, number in (
            ("grid", min(min(sizes, default=0) for sizes in grids)),
            ("batch", self.batch),
            ("cuts", self.cuts),
            ("budget", 1 if self.budget is None else self.budget),
        ):
            if number < 1:
                raise BadOption(f"{name} must be at least 1, not {number}", option=name)
        severally = ("quantile", "info_gain")
        if self.cuts > 1 and self.threshold not in severally:
            raise BadOption(
                f"{self.cuts} cuts per feature need the threshold quantile or info-gain, not "
                f"{(self.threshold or 'mean').replace('_', '-')}",
                option="cuts",
                value=self.cuts,
            )
        if self.budget is not None and is_own(self.learner):
            raise BadOption(
                f"a budget is for learners whose size it can choose, and {self.learner} is one of "
                "your own; leave out --budget, and bound it with --learner-option",
                option="budget",
                value=self.budget,
            )
        if self.budget is not None and self.chain is not None:
            raise BadOption(
                "a budget is for the rules of one program, and chained layers have several; leave "
                "out --budget or --chain",
                option="budget",
                value=self.budget,
            )

    def grids_of(self, layer: Layer) -> tuple[int, ...]:
        """The grids over the maps of a layer."""
        own = (
            self.layer_grids[name]
            for name in (layer.atom, layer.module)
            if name in self.layer_grids
        )
        return next(own, self.grids)

    def threshold_arguments(self) -> dict[str, Any]:
        """What thresholds are fitted with."""
        cuts = {"cuts": self.cuts} if self.cuts > 1 else {}
        return {"threshold": self.threshold or "mean", **cuts, **self.threshold_options}

    def learner_arguments(self) -> dict[str, Any]:
        """What the learner is made with."""
        bound = {} if self.max_rules is None else {"max_rules": self.max_rules}
        return {**bound, "seed": self.seed, **self.learner_options}

    def to_json(self) -> dict[str, Any]:
        """The options as a manifest records them."""
        return {
            "learner": self.learner,
            "learner_options": self.learner_arguments(),
            "layers": list(self.layers),
            "reduction": self.reduction,
            "grids": list(self.grids),
            "layer_grids": {name: list(sizes) for name, sizes in self.layer_grids.items()},
            "chain": self.chain,
            "chain_leaves": None if self.chain is None else self.chain_leaves,
            "threshold": self.threshold or "mean",
            "cuts": self.cuts,
            "budget": self.budget,
            "threshold_options": dict(self.threshold_options),
            "seed": self.seed,
        }
