"""M-of-N rules as propositions and a program."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from proofsight_server.extraction.mofn_report import Explained, LayerFound
from proofsight_server.rules.evaluation import evaluate, firing
from proofsight_server.rules.program import (
    AtLeast,
    ClassHead,
    DerivedHead,
    Element,
    Head,
    Literal,
    Never,
    Program,
    Rule,
    Stat,
)
from proofsight_server.rules.statistics import with_counts
from proofsight_server.symbols.feature import Bools, Feature, Ints, Proposition
from proofsight_server.symbols.quantisation import Quantisation, canonical_order
from proofsight_server.vision.layers import LayerInfo

_DECIMALS = 6
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Draft:
    """Propositions and rules before they are counted, and the sentences that go with them."""

    quantisation: Quantisation
    program: Program
    warnings: tuple[str, ...]


def drafted(
    layers: Sequence[LayerFound],
    infos: Sequence[LayerInfo],
    classes: Sequence[str],
    *,
    common: bool,
) -> Draft:
    """The program of the rules found, the top layer's first.

    Parameters
    ----------
    layers
        In order of execution; the last is that of the logits.
    infos
        The layers that are read, in order of execution.
    classes
        The network's.
    common
        Whether inputs have one cut for all targets.  Rules of hidden layers are then only those
        of propositions that rules above use.
    """
    rules: list[Rule] = []
    never: list[Never] = []
    propositions: dict[str, Proposition] = {}
    constants: dict[tuple[bool, str], list[str]] = {}
    used: set[str] = set()
    for found in reversed(layers):
        decides = found is layers[-1]
        for one in found.units:
            name = one.site.name
            if not decides and common and name not in used:
                continue
            literals = list(_literals(found, one, common=common))
            head: Head = ClassHead(classes[one.site.unit.index]) if decides else DerivedHead(name)
            if not decides:
                own = _own(found, one)
                propositions.setdefault(own.name, own)
            if not one.rule.inputs:
                what = head.name if isinstance(head, ClassHead) else name
                constants.setdefault((one.rule.m == 0, _reason(one)), []).append(what)
            number = one.site.unit.index
            identifier = f"m{number}" if decides else f"m_{name}"
            if not one.rule.inputs and one.rule.m:
                never.append(Never(identifier, (("constant", False), *_stats(one))))
                continue
            propositions |= {p.name: p for p, _ in literals if p.name not in propositions}
            used |= {p.name for p, _ in literals}
            elements = _body(one.rule.m, [literal for _, literal in literals])
            rules.append(Rule(identifier, head, elements, _stats(one)))
    return Draft(
        _quantisation(propositions.values(), infos),
        Program(tuple(rules), tuple(classes), "confidence", never=tuple(never)),
        (
            *(_unasked(found) for found in layers[:-1] if common and _is_unasked(found, used)),
            *(
                _constantly(always, why, names)
                for (always, why), names in sorted(constants.items())
            ),
        ),
    )


def counted(draft: Draft, bits: Bools, decisions: Ints) -> Program:
    """The program with its rules' support and confidence on fitting images, and its default.

    The default is what the network most often decides where no rule fires, else at all.
    """
    names = draft.quantisation.names
    program = with_counts(draft.program, bits, names, decisions)
    own = {rule.id: rule.stats for rule in draft.program.rules}
    rules = tuple(replace(rule, stats=(*own[rule.id], *rule.stats)) for rule in program.rules)
    open_images = evaluate(program, bits, names).decisions < 0
    left = decisions[open_images] if open_images.any() else decisions
    default = program.classes[int(np.bincount(left).argmax())]
    return replace(program, rules=rules, default=default)


def firing_figures(
    program: Program, names: Sequence[str], bits: Bools, decisions: Ints
) -> dict[str, float]:
    """How many class rules fire: shares of images, and how often the program decides alike.

    `one_right`: exactly one fires, with the network's class; `one_wrong`: with another; `none`,
    `several`; and `fidelity` under the program's policy and default.
    """
    fires = firing(program, bits, names)
    deciding = [at for at, rule in enumerate(program.rules) if isinstance(rule.head, ClassHead)]
    index = {name: number for number, name in enumerate(program.classes)}
    heads = [program.rules[at].head for at in deciding]
    classes = np.array([index[h.name] for h in heads if isinstance(h, ClassHead)], dtype=np.int64)
    own = fires[:, deciding]
    count = own.sum(axis=1)
    right = (own & (classes == decisions[:, None])).any(axis=1)
    return {
        "one_right": float(((count == 1) & right).mean()),
        "one_wrong": float(((count == 1) & ~right).mean()),
        "none": float((count == 0).mean()),
        "several": float((count > 1).mean()),
        "fidelity": float((evaluate(program, bits, names).decisions == decisions).mean()),
    }


def _literals(
    found: LayerFound, one: Explained, *, common: bool
) -> Iterator[tuple[Proposition, Literal]]:
    site, below = one.site, found.layer.below.layer
    for number in one.rule.inputs:
        feature = site.unit.inputs[number]
        # what reads padding never varies, so it has no literal
        assert isinstance(feature, Feature)
        name = feature.name(below.kind)
        if not common:
            letter = "u" if found.layer.info.layer.kind == "linear" else "c"
            name = f"{name}_for_{found.layer.info.layer.atom}_{letter}{site.unit.index}"
        cut = float(np.float32(site.cuts[number]))
        yield (
            Proposition(name, below.atom, feature, cut),
            Literal(name, bool(site.weight[number] > 0)),
        )


def _own(found: LayerFound, one: Explained) -> Proposition:
    assert one.site.target_cut is not None
    cut = float(np.float32(one.site.target_cut))
    return Proposition(one.site.name, found.layer.info.layer.atom, one.site.unit.feature, cut)


def _body(m: int, literals: Sequence[Literal]) -> tuple[Element, ...]:
    """At least m of the literals, in the simplest form that means it."""
    if m >= len(literals):
        return tuple(literals)
    return (AtLeast(m, tuple(literals)),) if m else ()


def _reason(one: Explained) -> str:
    """Why the rule of a unit is a constant."""
    if len(one.site.usable):
        return "no body does better at this beta"
    return "no input tells anything of it, or its weights are 0"


def _is_unasked(found: LayerFound, used: Collection[str]) -> bool:
    return bool(found.units) and not any(one.site.name in used for one in found.units)


def _unasked(found: LayerFound) -> str:
    atom, name = found.layer.info.layer.atom, found.units[0].site.name
    return (
        f"{atom}: none of its rules is in the program, since splits=common keeps those that rules "
        f"above ask for, and none asks for {name} or the like; its figures are in the report, and "
        "splits=per_target keeps its rules too"
    )


def _constantly(always: bool, why: str, names: Sequence[str]) -> str:
    listed = ", ".join(names[:_SHOWN])
    if len(names) > _SHOWN:
        listed += f" and {len(names) - _SHOWN} more"
    if always:
        return f"the rule of {listed} always fires: {why}; its clause has no condition"
    return f"{listed}: no rule, so that it is never concluded: {why}"


def _stats(one: Explained) -> tuple[tuple[str, Stat], ...]:
    rule = one.rule
    shares: dict[str, float] = {
        "complexity": rule.complexity,
        "error": rule.error["fit"],
        "baseline": one.baseline["fit"],
    }
    if "heldout" in rule.error:
        shares["heldout_error"] = rule.error["heldout"]
    return (
        ("method", "mofn"),
        ("literals", len(rule.inputs)),
        ("dnf_literals", rule.dnf_literals),
        *((key, round(share, _DECIMALS)) for key, share in shares.items()),
    )


def _quantisation(
    propositions: Collection[Proposition], infos: Sequence[LayerInfo]
) -> Quantisation:
    read = {proposition.layer for proposition in propositions}
    layers = tuple(info.layer for info in infos if info.layer.atom in read)
    listed = sorted(propositions, key=lambda proposition: proposition.name)
    features = [p.feature for p in listed if p.feature is not None]
    return Quantisation(layers, tuple(listed[at] for at in canonical_order(features, layers)))
