"""What a rule learner is, and the ones there are by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any, Protocol, Self

from proofsight_server.errors import BadOption
from proofsight_server.rules.fold import DefaultRules
from proofsight_server.rules.program import Program
from proofsight_server.rules.scorecard import Scorecard
from proofsight_server.rules.table import Validation
from proofsight_server.rules.tree import TreeRules
from proofsight_server.symbols.feature import Bools, Ints


class Learner(Protocol):
    """An estimator of programs; `check_learner` certifies one.

    `__init__` only stores its options; `fit` learns from its arguments alone, forgets what an
    earlier `fit` learned, and leaves the program in `program_`.  The order of the columns must
    not matter.  A class without images is fine and gets no rule.
    """

    program_: Program

    def fit(
        self,
        bits: Bools,
        target: Ints,
        names: Sequence[str],
        classes: Sequence[str],
        *,
        validation: Validation | None = None,
    ) -> Self:
        """Learn from training images.

        Parameters
        ----------
        bits
            Shape (n, p): whether each proposition is active.
        target
            Shape (n,): class index that the program is to decide.
        names, classes
            Atoms of the columns and of the classes.
        validation
            (bits, target) of other images; choices (sizes, pruning) look at nothing else.

        Raises
        ------
        BadTensor
            For tables of wrong shape or type.
        BadOption
            For an option out of its range, or validation images that are needed and missing.
        """
        ...


LEARNERS: dict[str, Callable[..., Learner]] = {
    "tree": TreeRules,
    "fold": DefaultRules,
    "scorecard": Scorecard,
}


def build_learner(name: str, **options: Any) -> Learner:
    """Make the learner of that name with its options.

    Raises
    ------
    BadOption
        For an unknown name, or an option that the learner does not take.
    """
    if name not in LEARNERS:
        raise BadOption(
            f"a learner is one of {', '.join(LEARNERS)}, not {name!r}", option="learner", value=name
        )
    known = signature(LEARNERS[name]).parameters
    for option in options:
        if option not in known:
            raise BadOption(
                f"the {name} learner has no option {option!r}; it has {', '.join(known)}",
                option=option,
            )
    return LEARNERS[name](**options)
