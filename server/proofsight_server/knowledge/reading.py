"""Program files back into values, read and checked by SWI-Prolog itself."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

from proofsight_server.errors import BadProgram, Issue
from proofsight_server.knowledge.label import Label
from proofsight_server.knowledge.swipl import ToolLimits, run_tool
from proofsight_server.rules.program import (
    AtLeast,
    ClassHead,
    DerivedHead,
    Element,
    ExceptionHead,
    Head,
    Literal,
    Never,
    PointsHead,
    Policy,
    Program,
    Rule,
    Stat,
    Unless,
)
from proofsight_server.symbols.feature import Cell, Feature, Kind, Layer, Proposition, Reduction

_HEADS: dict[str, Callable[..., Head]] = {
    "class": ClassHead,
    "points": PointsHead,
    "ab": ExceptionHead,
    "derived": DerivedHead,
}
_TRUTH: dict[object, bool] = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class ProgramSource:
    """What the files of a program say.

    `issues` holds errors and warnings; `layers` to `user` are empty where there are errors.
    `user` names the predicates of `user.pl`, as `vehicle/1`.  The program's `classes` are
    those of its `class_order`: a manifest knows the network's.
    """

    layers: tuple[Layer, ...]
    propositions: tuple[Proposition, ...]
    program: Program
    labels: tuple[Label, ...]
    user: tuple[str, ...]
    issues: tuple[Issue, ...]

    @property
    def errors(self) -> tuple[Issue, ...]:
        """The issues for which the program is refused."""
        return tuple(issue for issue in self.issues if issue.severity == "error")

    def checked(self) -> ProgramSource:
        """Itself, where nothing is wrong with it. Raises BadProgram."""
        if self.errors:
            raise refusal(self.errors)
        return self


def refusal(errors: Sequence[Issue]) -> BadProgram:
    """The error for a program with these findings; its message is the first of them."""
    first, more = errors[0], len(errors) - 1
    rest = f" (and {more} more error{'s' if more > 1 else ''})" if more else ""
    return BadProgram(
        f"{first}{rest}", errors, file=first.file, line=first.line, column=first.column
    )


def read_program(
    source: Path | Mapping[str, str], *, limits: ToolLimits | None = None
) -> ProgramSource:
    """Read and check the program files of a directory, or a mapping of file name to text.

    Findings are no exception: see `ProgramSource.checked`.

    Raises
    ------
    TimeLimit, MemoryLimit, ProofsightError
        As `run_tool` does.
    """
    if isinstance(source, Path):
        return _source(run_tool("check", str(source.absolute()), limits=limits))
    with tempfile.TemporaryDirectory(prefix="proofsight-") as name:
        for file, text in source.items():
            path = Path(name) / file
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text.encode())
        return read_program(Path(name), limits=limits)


def _source(answer: Mapping[str, Any]) -> ProgramSource:
    issues = tuple(Issue(**{key: found[key] for key in _ISSUE}) for found in answer["issues"])
    if any(issue.severity == "error" for issue in issues):
        return ProgramSource((), (), Program((), ()), (), (), issues)
    layers = tuple(
        Layer(
            layer["atom"],
            layer["module"],
            cast(Kind, layer["kind"]),
            layer["size"],
            layer["reads"],
        )
        for layer in answer["layers"]
    )
    order = tuple(answer["class_order"])
    rules = tuple(map(_rule, answer["rules"]))
    heads = [rule.head for rule in rules]
    named = (head.name for head in heads if isinstance(head, ClassHead | PointsHead))
    return ProgramSource(
        layers,
        tuple(map(_proposition, answer["propositions"])),
        Program(
            rules,
            order or tuple(dict.fromkeys(named)),
            _policy(answer["policy"]),
            answer["default_class"],
            order,
            tuple((name, points) for name, points in answer["bases"]),
            tuple(Never(found["id"], _stats(found)) for found in answer["never"]),
        ),
        tuple(Label(*label) for label in answer["labels"]),
        tuple(answer["user"]),
        issues,
    )


_ISSUE = ("severity", "code", "file", "line", "column", "message")


def _policy(name: str) -> Policy:
    if name not in get_args(Policy):
        raise BadProgram(
            f"rules.pl: policy({name}) cannot be evaluated; "
            f"use one of {', '.join(get_args(Policy))}",
            policy=name,
        )
    return cast(Policy, name)


def _proposition(found: Mapping[str, Any]) -> Proposition:
    name, layer, kind = found["name"], found["layer"], found["kind"]
    if kind == "derived":
        return Proposition(name, layer, None, None)
    cell = Cell(_pair(found["grid"]), _pair(found["at"])) if kind == "cell" else None
    reduction = cast(Reduction, "value" if kind == "unit" else found["reduction"])
    feature = Feature(layer, found["index"], reduction, cell)
    return Proposition(name, layer, feature, float(found["threshold"]))


def _pair(numbers: Sequence[int]) -> tuple[int, int]:
    first, second = numbers
    return first, second


def _rule(found: Mapping[str, Any]) -> Rule:
    noun, *rest = found["head"]
    body = tuple(map(_element, found["body"]))
    return Rule(found["id"], _HEADS[noun](*rest), body, _stats(found))


def _stats(found: Mapping[str, Any]) -> tuple[tuple[str, Stat], ...]:
    return tuple((key, _stat(value)) for key, value in found["stats"])


def _element(found: Sequence[Any]) -> Element:
    kind, *rest = found
    if kind == "active":
        return Literal(*rest)
    if kind == "unless":
        return Unless(*rest)
    m, literals = rest
    return AtLeast(m, tuple(Literal(*literal) for literal in literals))


def _stat(value: Stat) -> Stat:
    return _TRUTH.get(value, value) if isinstance(value, str) else value
