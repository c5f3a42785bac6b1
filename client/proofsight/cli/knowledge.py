"""`proofsight kbs` and `proofsight rules`."""

from __future__ import annotations

import argparse
from typing import Any, Final

from proofsight.cli.printing import Span, print_json, print_spans, say
from proofsight.cli.session import class_name, connect, knowledge_base
from proofsight.knowledge import KnowledgeBase, Rule
from proofsight.names import short
from proofsight.rendering.atoms import quote

STATISTICS: Final = ("support", "decided", "confidence", "confidence_low", "confidence_high")


def kbs(args: argparse.Namespace) -> int:
    """Print the knowledge bases of the server."""
    with connect(args) as client:
        bases = client.knowledge_bases()
    if args.form == "json":
        print_json([base.to_dict() for base in bases])
    elif args.form == "prolog":
        for base in bases:
            print(f"knowledge_base({quote(base.kb)}, {list(base.revisions)}, {_term(base)}).")
    else:
        width = max((len(short(base.latest_revision)) for base in bases), default=0)
        for base in bases:
            _print_base(base, width)
        if not bases:
            say(f"the server at {args.server} has no knowledge base yet")
    return 0


def _print_base(base: KnowledgeBase, width: int) -> None:
    name = short(base.latest_revision) or base.kb
    count = len(base.revisions)
    print_spans(
        [
            (f"{name:<{width}}", "bold"),
            (f"  {count} revision{'s' if count != 1 else ''}  ", ""),
            _state(base),
        ]
    )


def _state(base: KnowledgeBase) -> Span:
    """Whether a knowledge base answers; where it does not, or only as it was before, why."""
    if base.ready and base.problem:
        return f"ready, as it was before its files changed: {base.problem}", "yellow"
    if base.ready:
        return "ready", "green"
    return (f"not ready: {base.problem}", "red") if base.problem else ("loading", "yellow")


def _term(base: KnowledgeBase) -> str:
    if not base.problem:
        return "ready" if base.ready else "loading"
    return f"{'ready' if base.ready else 'problem'}({quote(base.problem)})"


def rules(args: argparse.Namespace) -> int:
    """Print the rules of a knowledge base, as Prolog in every form but JSON."""
    with connect(args) as client:
        kb = knowledge_base(client, args)
        wanted = args.class_name
        if wanted is not None:
            wanted = class_name(client, kb, wanted)
        found = client.rules(kb, wanted)
        if args.form == "json":
            print_json([rule.to_dict() for rule in found])
            return 0
        bases = client.revision(kb).base_points
    for rule in found:
        print(_clause(rule))
        if args.form == "prolog" and rule.stats:
            listed = (f"{quote(key)}({value})" for key, value in _stats(rule))
            print(f"rule_stats({quote(rule.rule_id)}, [{', '.join(listed)}]).")
        elif rule.stats:
            told = ", ".join(f"{key} {value}" for key, value in _stats(rule))
            print_spans([(f"    % {told}", "dim")])
        if args.form != "prolog" and rule.labels:
            named = (f"{quote(p)} {quote(label)}" for p, label in rule.labels.items())
            print_spans([(f"    % {', '.join(named)}", "dim")])
    for name, points in bases.items():
        if wanted in (None, name):
            print(f"base_points({quote(name)}, {points}).")
    return 0


def _clause(rule: Rule) -> str:
    text = rule.text.rstrip()
    return text if text.endswith(".") else f"{text}."


def _stats(rule: Rule) -> list[tuple[str, str]]:
    """Statistics in the order of rules.pl, which the wire does not keep; others after them."""
    place = {key: number for number, key in enumerate(STATISTICS)}
    keys = sorted(rule.stats, key=lambda key: (place.get(key, len(place)), key))
    return [(key, _value(rule.stats[key])) for key in keys]


def _value(value: Any) -> str:
    return quote(value) if isinstance(value, str) else repr(value).lower()
