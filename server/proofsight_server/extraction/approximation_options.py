"""What the learner `approximation` takes, and what of it is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal as OneOf
from typing import get_args

from proofsight_server.errors import BadOption
from proofsight_server.extraction.approximated_layer import ReluCut, Softmax
from proofsight_server.extraction.composed_program import Negation
from proofsight_server.rules.unit_formulas import Plan
from proofsight_server.vision.unit_layer import UnitLayer

MOST_TERMS = 2000  # of one side of a unit, with max_terms=auto
MOST_RULES = 10_000  # of a program, with max_terms=auto

_WORDS: dict[object, bool | None] = {
    "on": True,
    True: True,
    "off": False,
    False: False,
    "auto": None,
}


@dataclass(frozen=True, slots=True)
class ApproximationOptions:
    """The options of `Approximation`.

    Attributes
    ----------
    order, max_terms, time_limit, min_support, literal, drop_quantile
        How the terms of one side of a unit are looked for: see `Plan`.  Terms that fewer than
        `min_support` training images satisfy are not written into the program.  `max_terms`
        `auto`: so many that the program has about 10,000 rules, 2,000 at most.
    limit_data
        Whether a term only has to hold on the training images.  `auto`: both are tried, and the
        program that is more faithful on validation images is taken; both figures are kept.
    cut
        The share of an input's range above which it counts as 1.
    sides
        `both`, or `on`: hidden units have no off side.
    relu_cut
        Where relu hidden units are cut; they are refused without.
    softmax
        `rivals`: a class holds where it beats every other.  `logit`: where its logit is above the
        cut that tells most of the network's class.
    negation
        `two_sided`: a hidden unit is off where its off side holds.  `closed`: where its on side
        does not, which turns missed positives into false ones.
    fallback
        `tree`: rules learned from the network's decisions take the place of composed ones that
        lean on relu or are less faithful on validation images.  None: never.
    diagram
        Whether the exact decision diagram of every unit is counted, for reference.
    """

    order: int | OneOf["auto"] | None = "auto"
    max_terms: int | OneOf["auto"] | None = "auto"
    time_limit: float | None = 10.0
    limit_data: bool | str = "auto"
    min_support: int = 1
    literal: OneOf["vertex", "box"] = "vertex"
    drop_quantile: float = 0.0
    cut: float = 0.5
    sides: OneOf["both", "on"] = "both"
    relu_cut: ReluCut = None
    softmax: Softmax = "rivals"
    negation: Negation = "two_sided"
    fallback: OneOf["tree"] | None = "tree"
    diagram: bool = False

    def __post_init__(self) -> None:
        for name, known in (
            ("literal", ("vertex", "box")),
            ("sides", ("both", "on")),
            ("relu_cut", (0, "gain", "half", None)),
            ("softmax", get_args(Softmax)),
            ("negation", get_args(Negation)),
            ("fallback", ("tree", None)),
            ("limit_data", ("auto", True, False, "on", "off")),
            ("diagram", (True, False)),
        ):
            value = getattr(self, name)
            if value not in known:
                words = ", ".join("none" if one is None else str(one).lower() for one in known)
                raise BadOption(f"{name} is one of {words}, not {value!r}", option=name)
        for name, least in (("order", 1), ("max_terms", 1), ("min_support", 0)):
            self._check_whole(name, least)
        for name in ("cut", "drop_quantile", "time_limit"):
            self._check_number(name)
        if not 0 < self.cut < 1:
            raise BadOption(
                f"cut is a share of the range of an input, between 0 and 1, not {self.cut!r}",
                option="cut",
            )
        self.plan(limited=bool(self.limited), sides=1)

    @property
    def both(self) -> bool:
        """Whether hidden units have an off side of their own."""
        return self.sides == "both" and self.negation == "two_sided"

    @property
    def limited(self) -> bool | None:
        """Whether terms only have to hold on images; None: where that is more faithful."""
        wanted = _WORDS[self.limit_data]
        return False if wanted is None and self.literal == "box" else wanted

    @property
    def tried(self) -> tuple[bool, ...]:
        """Whether terms only have to hold on images, in all the programs that are compared."""
        return (False, True) if self.limited is None else (self.limited,)

    def plan(self, *, limited: bool, sides: int) -> Plan:
        """How each of `sides` formulas is looked for."""
        most = self.max_terms
        if most == "auto":
            most = min(max(MOST_RULES // max(sides, 1), 1), MOST_TERMS)
        return Plan(
            self.order,
            most,
            self.time_limit,
            limited,
            max(self.min_support, 1) if limited and self.limited is None else self.min_support,
            self.literal,
            self.drop_quantile,
        )

    def _check_whole(self, name: str, least: int) -> None:
        value = getattr(self, name)
        words = ("auto", None) if name in ("order", "max_terms") else ()
        whole = isinstance(value, int) and not isinstance(value, bool)
        if value in words or (whole and value >= least):
            return
        more = "".join(f", {word or 'none'}" for word in words)
        raise BadOption(f"{name} is a whole number from {least}{more}, not {value!r}", option=name)

    def _check_number(self, name: str) -> None:
        value = getattr(self, name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if name != "time_limit" and not is_number:
            raise BadOption(f"{name} is a number, not {value!r}", option=name)
        if name == "time_limit" and value is not None and not (is_number and 0 < value < inf):
            raise BadOption(
                f"time_limit is a number of seconds above 0, or none, not {value!r}", option=name
            )

    def check_negation(self, stack: Sequence[UnitLayer]) -> None:
        """Refuse formulas that leave open where hidden units are off, if nothing else says it."""
        if len(stack) > 1 and self.sides == "on" and self.negation == "two_sided":
            caps = (self.order, self.max_terms, self.min_support or None)
            if caps == (None, None, None) and self.literal == "vertex" and not self.limited:
                return
            raise BadOption(
                "sides=on leaves open where a hidden unit is off, since its terms are cut; leave "
                "sides out, or add negation=closed, or order=none, max_terms=none, min_support=0",
                option="sides",
            )
