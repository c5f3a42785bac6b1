"""A program as data: ordered rules over propositions, mirroring `rules.pl` one to one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal as OneOf

Policy = OneOf["exclusive", "ordered", "confidence", "points"]
Stat = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Literal:
    """`active(Image, proposition)` or, where not `positive`, its negation."""

    proposition: str
    positive: bool = True


@dataclass(frozen=True, slots=True)
class AtLeast:
    """`at_least(m, literals)`: m or more of the literals hold."""

    m: int
    literals: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Unless:
    r"""`\+ ab(rule, Image)`: no exception of that rule fires."""

    rule: str


Element = Literal | AtLeast | Unless


@dataclass(frozen=True, slots=True)
class ClassHead:
    """`class(Image, name)`."""

    name: str


@dataclass(frozen=True, slots=True)
class ExceptionHead:
    """`ab(rule, Image)`: an exception of `rule`."""

    rule: str


@dataclass(frozen=True, slots=True)
class DerivedHead:
    """`derived(Image, proposition)`, for layers that are not observed."""

    proposition: str


@dataclass(frozen=True, slots=True)
class PointsHead:
    """`points(Image, name, points)`: where the body holds, that class's score gains `points`."""

    name: str
    points: int


Head = ClassHead | ExceptionHead | DerivedHead | PointsHead


@dataclass(frozen=True, slots=True)
class Rule:
    """One clause; it fires where every element of its body holds. `id` is unique.

    `stats` becomes `rule_stats(id, [key(value), …])`, in the order of the tuple.
    """

    id: str
    head: Head
    body: tuple[Element, ...]
    stats: tuple[tuple[str, Stat], ...] = ()

    def literals(self) -> Iterator[Literal]:
        """All literals of the body, those inside `at_least` included."""
        for element in self.body:
            if isinstance(element, Literal):
                yield element
            elif isinstance(element, AtLeast):
                yield from element.literals


@dataclass(frozen=True, slots=True)
class Never:
    """A rule that is constantly false: it has no clause, only `rule_stats`.

    They open with `constant(false)`, by which `check` knows that no clause is missing.
    """

    id: str
    stats: tuple[tuple[str, Stat], ...]


@dataclass(frozen=True, slots=True)
class Program:
    """Rules in the order of the file, and how they decide.

    `classes` is the network's order; `class_order` breaks ties.  One answer per image:

    * `exclusive`: the class that holds; where several do (a program edited by hand),
      the first of them in `class_order`; the rule that decides is the first clause of that
      class, in the order of the file, that fires;
    * `ordered`: the head of the first class rule that fires;
    * `confidence`: the head of the firing class rule with the greatest `confidence`
      statistic (0 where it has none), then the first in `class_order`, then in the file;
    * `points`: the class with the greatest score, its base (0 where `bases` has none) and the
      points of its rules that fire; of equal ones the first in `class_order`, and where that
      names some classes, no other one.  Only this policy has rules for points, and it has no
      rules for classes and no default;
    * where no class rule fires: `default`, or no decision if that is None.

    `never` are rules that a learner looked for and found constantly false; they decide nothing.
    """

    rules: tuple[Rule, ...]
    classes: tuple[str, ...]
    policy: Policy = "exclusive"
    default: str | None = None
    class_order: tuple[str, ...] = field(default=())
    bases: tuple[tuple[str, int], ...] = ()
    never: tuple[Never, ...] = ()

    def order(self) -> tuple[str, ...]:
        """All classes in the order that breaks ties; those `class_order` leaves out come last."""
        return tuple(dict.fromkeys((*self.class_order, *self.classes)))

    def contenders(self) -> tuple[str, ...]:
        """The classes that points can decide for, in the order that breaks ties."""
        return self.class_order or self.classes

    def propositions(self) -> tuple[str, ...]:
        """The propositions that bodies use, each once, in order of first use."""
        return tuple(
            dict.fromkeys(literal.proposition for rule in self.rules for literal in rule.literals())
        )
