"""Quantisers, programs and labels as Prolog text, laid out for people to read and edit.

The text is a function of the value alone: writing, reading and writing again gives the same
bytes.  Each file opens with a comment that says what it holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from proofsight_server.errors import BadProgram
from proofsight_server.knowledge.atom import number, quote
from proofsight_server.knowledge.label import Label
from proofsight_server.rules.program import (
    AtLeast,
    ClassHead,
    Element,
    ExceptionHead,
    Literal,
    Never,
    PointsHead,
    Program,
    Rule,
    Stat,
    Unless,
)
from proofsight_server.symbols.feature import Layer, Proposition

WIDTH = 100  # columns; a clause that is longer goes on in the next line
INDENT = "    "

QUANTISER_HEADER = """\
% What is read off the network, written by Proofsight.
% A proposition is active where its feature's value > the threshold (strictly).
"""
RULES_HEADER = """\
% The program, written by Proofsight; a person may edit it, and `proofsight check` reads it again.
% Every clause opens with rule(Id, Image), which names it.
"""
LABELS_HEADER = """\
% Names for people: label(Proposition, 'text', hand(Person)) or auto(Method, Score).
"""
USER_FILE = """\
% Knowledge of your own about images, on top of the rules; an example:
%     vehicle(Image) :- decision(Image, car).
"""


def write_quantiser(layers: Iterable[Layer], propositions: Iterable[Proposition]) -> str:
    """`quantiser.pl`: `layer/4` with `reads/2`, then `proposition/3`, in the given order.

    Raises
    ------
    BadProgram
        A threshold is not finite, or a name is no Unicode text.
    """
    lines = [QUANTISER_HEADER]
    for layer in layers:
        atom = quote(layer.atom)
        lines.append(f"layer({atom}, {quote(layer.module)}, {layer.kind}, {layer.size}).")
        lines.append(f"reads({atom}, {quote(layer.reads)}).")
    lines.append("")
    for proposition in propositions:
        threshold = "none" if proposition.threshold is None else number(proposition.threshold)
        name = quote(proposition.name)
        lines.append(f"proposition({name}, {feature_term(proposition)}, {threshold}).")
    return "\n".join(lines) + "\n"


def feature_term(proposition: Proposition) -> str:
    """What a proposition reads, as Prolog text: `channel(conv3, 26, l1)`."""
    feature = proposition.feature
    if feature is None:
        return f"derived({quote(proposition.layer)})"
    layer = quote(feature.layer)
    if feature.cell is not None:
        (rows, columns), (row, column) = feature.cell.grid, feature.cell.at
        return (
            f"cell({layer}, {feature.index}, {feature.reduction}, "
            f"grid({rows},{columns}), at({row},{column}))"
        )
    if is_unit(proposition):
        return f"unit({layer}, {feature.index})"
    return f"channel({layer}, {feature.index}, {feature.reduction})"


def is_unit(proposition: Proposition) -> bool:
    """Whether a proposition reads a unit of a linear layer: the signed value, without cell."""
    feature = proposition.feature
    return feature is not None and feature.reduction == "value" and feature.cell is None


def write_rules(program: Program) -> str:
    """`rules.pl`: the clauses in order, then how they decide, then their statistics.

    Raises
    ------
    BadProgram
        A statistic is not finite, or a name is no Unicode text.
    """
    blocks = [RULES_HEADER, *_rule_blocks(program.rules)]
    # all classes, since what it leaves out is unknown to the reader; under points that may not win
    order = program.contenders() if program.policy == "points" else program.order()
    tail = [f"policy({program.policy})."]
    if program.default is not None:
        tail.append(f"default_class({quote(program.default)}).")
    tail += [f"base_points({quote(name)}, {points})." for name, points in program.bases]
    tail.append(_filled("class_order([", [quote(name) for name in order], "])."))
    blocks.append("\n".join(tail) + "\n")
    stated: tuple[Rule | Never, ...] = (*program.rules, *program.never)
    stats = [_stats_text(rule) for rule in stated if rule.stats]
    if stats:
        blocks.append("\n".join(stats) + "\n")
    return "\n".join(blocks)


def rule_text(rule: Rule) -> str:
    """One clause as it stands in `rules.pl`, without a newline at its end."""
    head = rule.head
    if isinstance(head, ClassHead):
        goal = f"class(Image, {quote(head.name)})"
    elif isinstance(head, PointsHead):
        goal = f"points(Image, {quote(head.name)}, {head.points})"
    elif isinstance(head, ExceptionHead):
        goal = f"ab({quote(head.rule)}, Image)"
    else:
        goal = f"derived(Image, {quote(head.proposition)})"
    opening = f"{goal} :- rule({quote(rule.id)}, Image)"
    if not rule.body:
        return f"{opening}."
    elements = [_element(element) for element in rule.body]
    line = f"{opening}, {', '.join(elements)}."
    if isinstance(head, PointsHead) and len(line) <= WIDTH:
        return line  # a table of points is read down its columns
    return f"{opening},\n" + _filled(INDENT, elements, ".")


def _rule_blocks(rules: Iterable[Rule]) -> Iterator[str]:
    """Clauses apart from each other, but lines of points for one class together."""
    for _, block in groupby(
        rules, lambda rule: rule.head.name if isinstance(rule.head, PointsHead) else rule.id
    ):
        yield "".join(f"{rule_text(rule)}\n" for rule in block)


def write_labels(labels: Iterable[Label]) -> str:
    """`labels.pl`: one `label/3` per line, in the given order."""
    lines = [
        f"label({quote(label.proposition)}, {quote(label.text)}, {label.by})." for label in labels
    ]
    return LABELS_HEADER + "".join(f"{line}\n" for line in lines)


def _element(element: Element) -> str:
    if isinstance(element, Literal):
        return _literal(element)
    if isinstance(element, AtLeast):
        opening, literals = f"at_least({element.m}, [", list(map(_literal, element.literals))
        line = f"{opening}{', '.join(literals)}])"
        if len(INDENT) + len(line) < WIDTH:
            return line
        return _filled(opening, literals, "])", indent=2 * INDENT)
    assert isinstance(element, Unless)
    return f"\\+ ab({quote(element.rule)}, Image)"


def _literal(literal: Literal) -> str:
    return (
        f"{'' if literal.positive else chr(92) + '+ '}active(Image, {quote(literal.proposition)})"
    )


def _stats_text(rule: Rule | Never) -> str:
    stats = [f"{quote(key)}({_stat(rule, key, value)})" for key, value in rule.stats]
    return _filled(f"rule_stats({quote(rule.id)}, [", stats, "]).")


def _stat(rule: Rule | Never, key: str, value: Stat) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quote(value)
    if not math.isfinite(value):
        raise BadProgram(
            f"statistic {key} of rule {rule.id} is {value}; leave out what has no finite value",
            rule=rule.id,
            statistic=key,
        )
    return repr(value)


def _filled(opening: str, parts: Sequence[str], closing: str, indent: str = INDENT) -> str:
    """`opening`, the parts with commas, `closing`; broken before a part that would not fit.

    A part of several lines stands on lines of its own.
    """
    lines, line = [], opening
    for place, part in enumerate(parts):
        piece = part + (closing if place == len(parts) - 1 else ",")
        fresh = line in (opening, indent)
        if not fresh and ("\n" in line + piece or len(line) + 1 + len(piece) > WIDTH):
            lines.append(line)
            line, fresh = indent, True
        line += piece if fresh else f" {piece}"
    lines.append(line if parts else opening + closing)
    return "\n".join(lines)
