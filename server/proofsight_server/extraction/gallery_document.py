"""The index of a gallery: what is in it, and what the revision says of that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from proofsight_server.extraction.exemplars import Exemplars, Exhibition, active
from proofsight_server.extraction.gradient_pictures import GradientOptions
from proofsight_server.extraction.sights import Sight
from proofsight_server.knowledge.revision import Revision
from proofsight_server.knowledge.source import feature_term, rule_text
from proofsight_server.rules.program import (
    AtLeast,
    ClassHead,
    DerivedHead,
    Element,
    ExceptionHead,
    Head,
    Literal,
    PointsHead,
    Rule,
)
from proofsight_server.vision.receptive_field import ReceptiveField

SCHEMA = 2


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was gathered for a gallery.

    Attributes
    ----------
    uri, exhibition
        The data set, and what it shows.
    fields, sights
        As `fields_of` and `sights` gave them.
    gradients
        What `GradientPictures` says of each proposition, by name; empty without.
    logits
        Per class what is shown of its logit; empty without pictures by gradients.
    options
        With which these were made.
    """

    uri: str
    exhibition: Exhibition
    fields: Mapping[str, ReceptiveField]
    sights: Mapping[tuple[str, int], Sight]
    gradients: Mapping[str, Mapping[str, Any]]
    logits: Sequence[Mapping[str, Any]]
    options: GradientOptions


def gallery_document(revision: Revision, gathered: Gathered, top: int) -> dict[str, Any]:
    """The content of `index.json`; `top`: images per proposition."""
    exhibition, options = gathered.exhibition, gathered.options
    classes = revision.manifest.classes

    def image(one: Exemplars, place: int, holds: bool) -> dict[str, Any]:
        index = int(one.images[place])
        sight = gathered.sights[one.proposition.name, index]
        drawn = gathered.gradients.get(one.proposition.name)
        return {
            "id": exhibition.split.ids[index],
            "value": float(one.values[place]),
            "active": holds,
            "class": classes[exhibition.classes[index]] if exhibition.labelled else None,
            "decision": classes[exhibition.decisions[index]],
            "position": sight.position,
            "box": sight.marks.field,
            "cell": sight.marks.cell,
            **sight.pictures,
            "smoothgrad": None if drawn is None else drawn["smoothgrad"][place],
        }

    def entry(one: Exemplars) -> dict[str, Any]:
        proposition = one.proposition
        drawn = gathered.gradients.get(proposition.name)
        return {
            "name": proposition.name,
            "feature": feature_term(proposition),
            "threshold": proposition.threshold,
            "purity": {
                name: {
                    "images": purity.images,
                    "shares": {c: s for c, s in zip(classes, purity.shares, strict=True) if s},
                }
                for name, purity in (("top", one.top), ("active", one.active))
            },
            "field_exact": gathered.fields[proposition.layer].exact,
            "ascent": None if drawn is None else drawn["ascent"],
            "images": [image(one, place, bool(holds)) for place, holds in enumerate(active(one))],
        }

    document = {
        "schema": SCHEMA,
        "data": gathered.uri,
        "split": "train",
        "training_images": len(exhibition.split),
        "classes_of": "labels" if exhibition.labelled else "decisions",
        "top": top,
        "smoothgrad": None if options.smoothgrad is None else asdict(options.smoothgrad),
        "ascent": None if options.ascent is None else asdict(options.ascent),
        "seed": options.seed,
        "propositions": [entry(one) for one in exhibition.exemplars],
        "logits": list(gathered.logits),
    }
    return told(document, revision)


def told(document: Mapping[str, Any], revision: Revision) -> dict[str, Any]:
    """The document with the labels and rules of a revision, whose gallery it then is.

    Nothing is looked at again, so this is for revisions of the same network and propositions.
    """
    labels = {
        mark.proposition: {"text": mark.text, "by": mark.by} for mark in reversed(revision.marks)
    }

    def entry(old: Mapping[str, Any]) -> dict[str, Any]:
        name = old["name"]
        return {
            **old,
            "label": labels.get(name),
            "rules": [use for rule in revision.program.rules for use in _uses(rule, name)],
        }

    program = revision.program
    return {
        **document,
        "revision": revision.name,
        "etag": revision.etag,
        "classes": list(program.classes),
        "policy": program.policy,
        "default": program.default,
        "bases": dict(program.bases),
        "labels": labels,
        "rules": [_rule(rule) for rule in program.rules],
        "propositions": [entry(old) for old in document["propositions"]],
    }


def _uses(rule: Rule, proposition: str) -> Iterator[dict[str, Any]]:
    literals = [literal for literal in rule.literals() if literal.proposition == proposition]
    for positive in dict.fromkeys(literal.positive for literal in literals):
        yield {"id": rule.id, "active": positive, "clause": rule_text(rule)}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        **_head(rule.head),
        "clause": rule_text(rule),
        "stats": dict(rule.stats),
        "body": [_element(element) for element in rule.body],
    }


def _head(head: Head) -> dict[str, Any]:
    if isinstance(head, ClassHead):
        return {"kind": "class", "of": head.name}
    if isinstance(head, PointsHead):
        return {"kind": "points", "of": head.name, "points": head.points}
    if isinstance(head, ExceptionHead):
        return {"kind": "exception", "of": head.rule}
    assert isinstance(head, DerivedHead)
    return {"kind": "derived", "of": head.proposition}


def _element(element: Element) -> dict[str, Any]:
    if isinstance(element, Literal):
        return {"proposition": element.proposition, "active": element.positive}
    if isinstance(element, AtLeast):
        return {"at_least": element.m, "literals": [_element(one) for one in element.literals]}
    return {"unless": element.rule}
