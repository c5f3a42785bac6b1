"""The learners that read weights, by name, and how options choose one."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature

from proofsight_server.errors import BadOption
from proofsight_server.extraction.approximation import Approximation
from proofsight_server.extraction.layerwise import LayerwiseLearner
from proofsight_server.extraction.mofn_learner import MofNRules
from proofsight_server.extraction.options import ExtractOptions
from proofsight_server.rules.learner import LEARNERS, is_own

LAYERWISE: dict[str, Callable[..., LayerwiseLearner]] = {
    "mofn": MofNRules,
    "approximation": Approximation,
}


def is_layerwise(learner: str) -> bool:
    """Whether a learner of that name reads weights.

    Raises
    ------
    BadOption
        There is no learner of that name.
    """
    if learner not in LEARNERS and learner not in LAYERWISE and not is_own(learner):
        raise BadOption(
            f"a learner is one of {', '.join((*LEARNERS, *LAYERWISE))} or module:factory, not "
            f"{learner!r}",
            option="learner",
            value=learner,
        )
    return learner in LAYERWISE


def build_layerwise(options: ExtractOptions) -> LayerwiseLearner:
    """The learner that options name, with its own options (`--learner-option KEY=VALUE`).

    Raises
    ------
    BadOption
        The learner does not take an option, or the options speak of bits that it does not read.
    """
    for flag, given in (
        ("--chain", options.chain is not None),
        ("--budget", options.budget is not None),
        ("--max-rules", options.max_rules is not None),
        ("--grid", options.grids != (1,) or bool(options.layer_grids)),
        ("--reduction", options.reduction != "l1"),
        ("--threshold", options.threshold is not None or options.cuts > 1),
    ):
        if given:
            raise BadOption(
                f"{flag} is for learners that get a table of bits; {options.learner} reads "
                "weights and cuts the layers' own inputs: leave it out",
                option=flag,
            )
    make = LAYERWISE[options.learner]
    known = signature(make).parameters
    for option in options.learner_options:
        if option not in known:
            raise BadOption(
                f"the {options.learner} learner has no option {option!r}; it has "
                f"{', '.join(known)}",
                option=option,
            )
    return make(**options.learner_options)
