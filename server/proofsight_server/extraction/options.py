"""What an extraction is asked to do, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from proofsight_server.errors import BadOption
from proofsight_server.symbols.feature import REDUCTIONS, Reduction

Threshold = Literal["mean", "mean_std", "quantile", "info_gain"]


@dataclass(frozen=True, slots=True)
class ExtractOptions:
    """How rules are extracted.

    Attributes
    ----------
    layers
        Layers to read, as people name them; none means the default layer.
    learner, max_rules, learner_options
        The rule learner, its bound on the number of rules (None: its own default; `auto`:
        chosen on validation images), and what else it takes.
    reduction, grids
        How maps become numbers: over each cell of each grid of rows × columns.
    threshold, threshold_options
        How thresholds are fitted, and what the strategy takes.
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
    threshold: Threshold = "mean"
    threshold_options: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    batch: int = 256

    def __post_init__(self) -> None:
        for name, value, known in (
            ("reduction", self.reduction, REDUCTIONS),
            ("threshold", self.threshold, get_args(Threshold)),
        ):
            if value not in known:
                raise BadOption(
                    f"{name} {value!r} is not known; use one of {', '.join(known)}",
                    option=name,
                    value=value,
                )
        for name, number in (("grid", min(self.grids, default=0)), ("batch", self.batch)):
            if number < 1:
                raise BadOption(f"{name} must be at least 1, not {number}", option=name)

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
            "threshold": self.threshold,
            "threshold_options": dict(self.threshold_options),
            "seed": self.seed,
        }
