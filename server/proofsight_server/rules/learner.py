"""What a rule learner is, and the ones there are by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from typing import Any, Protocol, Self, cast

from proofsight_server.errors import BadOption
from proofsight_server.factory import import_factory
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


def is_own(name: str) -> bool:
    """Whether a learner's name is `module:factory`, one of a person's own."""
    return ":" in name


def build_learner(name: str, **options: Any) -> Learner:
    """Make the learner of that name with its options.

    Parameters
    ----------
    name
        One of `LEARNERS`, or `module:factory`.  That is imported, which runs its code: a name from
        a file or a request must have been allowed before.
    options
        Keywords of the learner.  `seed` is left out where one of your own has no such parameter.

    Raises
    ------
    BadOption
        For an unknown name, or an option that the learner does not take.
    """
    make = _own(name) if is_own(name) else LEARNERS.get(name)
    if make is None:
        raise BadOption(
            f"a learner is one of {', '.join(LEARNERS)} or module:factory, not {name!r}",
            option="learner",
            value=name,
        )
    known = signature(make).parameters
    if not any(parameter.kind is Parameter.VAR_KEYWORD for parameter in known.values()):
        if is_own(name) and "seed" not in known:
            options.pop("seed", None)
        for option in options:
            if option not in known:
                raise BadOption(
                    f"the {name} learner has no option {option!r}; it has "
                    f"{', '.join(known) or 'none'}",
                    option=option,
                )
    return make(**options)


def _own(name: str) -> Callable[..., Learner]:
    try:
        return cast("Callable[..., Learner]", import_factory(name))
    except ImportError as error:
        raise BadOption(str(error), option="learner", value=name) from error
