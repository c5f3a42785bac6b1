"""How sub-feature circuits are found and tested."""

from __future__ import annotations

from dataclasses import dataclass, field

from proofsight_server.circuits.reductions import PassCriterion
from proofsight_server.circuits.score_options import ScoreOptions
from proofsight_server.errors import BadOption

_LEAST_DRAWS = 20


@dataclass(frozen=True, slots=True)
class SubfeatureOptions:
    """How circuits of groups of images are found and tested.

    Attributes
    ----------
    keeps
        Levels of keep, shares of N of the whole network.
    criterion
        How kernels are scored within the general circuit.
    error
        The own error that a group's chosen circuit has at most.
    draws
        Control groups with shuffled members.
    seed
        Of the shuffling.
    batch
        Images run at once.
    score
        How scores are computed.
    """

    keeps: tuple[float, ...] = (0.3, 0.2, 0.1)
    criterion: PassCriterion = "kernel_mask"
    error: float = 0.1
    draws: int = _LEAST_DRAWS
    seed: int = 0
    batch: int = 64
    score: ScoreOptions = field(default_factory=ScoreOptions)

    def __post_init__(self) -> None:
        if self.draws < _LEAST_DRAWS:
            raise BadOption(
                f"a control needs {_LEAST_DRAWS} draws at least, not {self.draws}", option="draws"
            )
        if not self.keeps:
            raise BadOption("name at least one level of keep", option="keeps")
