"""The page of a class in a gallery: its rules, with the pictures of their literals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from proofsight_server.extraction.figures_html import (
    ascent_figure,
    gradient_legend,
    image_figure,
)
from proofsight_server.extraction.html_page import html_page

_IMAGES = 3  # of a literal; the others are a click away
_STATS = ("support", "confidence")

_POLICIES = {
    "exclusive": "At most one class has a rule that holds.",
    "ordered": "Rules are tried in the order of the file; the first that holds decides.",
    "confidence": "Of the rules that hold, the one with the greatest confidence decides.",
    "points": "The class with the most points decides: its base, and those of the lines that hold.",
}


def class_page(document: Mapping[str, Any], names: Mapping[str, str], name: str) -> str:
    """The page of one class.

    Parameters
    ----------
    document
        The content of the gallery's index.
    names
        File names of the gallery's pages: `index`, `class NAME`, `chained`.
    name
        The class.
    """
    rules = [
        rule
        for rule in document["rules"]
        if rule["kind"] in ("class", "points") and rule["of"] == name
    ]
    return html_page(
        f"{name} in {document['revision']}",
        (*_preface(document, names, name, rules), *_rules(document, names, rules)),
    )


def chained_page(document: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """The page of the rules that decide propositions of upper layers from those of lower ones."""
    rules = [rule for rule in document["rules"] if rule["kind"] == "derived"]
    opening = (
        f"<p>{_home(names)}</p>\n<p>Rules that decide propositions where their layer is not "
        f"observed, from the layer below.{gradient_legend(document)}</p>\n"
    )
    title = f"Chained rules of {document['revision']}"
    return html_page(title, (opening, *_rules(document, names, rules)))


def _home(names: Mapping[str, str]) -> str:
    return f'<a href="{escape(names["index"])}">All propositions</a>'


def _preface(
    document: Mapping[str, Any],
    names: Mapping[str, str],
    name: str,
    rules: Sequence[Mapping[str, Any]],
) -> Iterator[str]:
    others = [
        f'<a href="{escape(names[f"class {other}"])}">{escape(other)}</a>'
        for other in document["classes"]
        if f"class {other}" in names and other != name
    ]
    yield f"<p>{' · '.join([_home(names), *others])}</p>\n<p>"
    yield _POLICIES[document["policy"]]
    if document["policy"] == "points":
        yield f" {escape(name)} begins with {document['bases'].get(name, 0)}."
    if document["default"] == name:
        yield " Where no rule holds, this class is the answer."
    if not rules:
        yield " It has no rule of its own."
    yield (
        f" Of each literal the {_IMAGES} training images where its feature is greatest; a literal "
        "in a dashed frame asks that the proposition be <em>not</em> active: that the image be "
        f"unlike those.{gradient_legend(document)}</p>\n"
    )
    for logit in document["logits"]:
        if logit["class"] == name:
            yield (
                "<section><h2>What the network itself answers to</h2>\n<p class=facts>The "
                "training images with the greatest logit of this class.</p>\n<div class=images>\n"
            )
            yield from _figures(logit, len(logit["images"]))
            yield "</div>\n</section>\n"


def _rules(
    document: Mapping[str, Any], names: Mapping[str, str], rules: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    literals = _Literals(document, names)
    for rule in rules:
        anchor = f"rule-{rule['id']}"
        yield f'<section id="{escape(anchor)}">\n<h2><code>{escape(rule["id"])}</code>'
        if rule["kind"] == "points":
            yield f": {rule['points']:+d} points"
        if rule["kind"] == "derived":
            yield f" decides <code>{escape(rule['of'])}</code>"
        yield f"</h2>\n<p class=facts>{_stats(rule)}</p>\n"
        yield from literals.body(rule)
        yield (
            "<details><summary>As it stands in rules.pl</summary>\n<pre>"
            f"{escape(rule['clause'])}</pre></details>\n</section>\n"
        )


def _stats(rule: Mapping[str, Any]) -> str:
    told = []
    for key in _STATS:
        value = rule["stats"].get(key)
        if isinstance(value, int | float):
            told.append(f"{key} {value:.3f}" if isinstance(value, float) else f"{key} {value}")
    return escape(", ".join(told))


def _figures(entry: Mapping[str, Any], most: int) -> Iterator[str]:
    for image in entry["images"][:most]:
        yield image_figure(image)
    if entry["ascent"] is not None:
        yield ascent_figure(entry["ascent"])


class _Literals:
    """The bodies of rules as HTML."""

    def __init__(self, document: Mapping[str, Any], names: Mapping[str, str]) -> None:
        self._entries = {entry["name"]: entry for entry in document["propositions"]}
        self._labels = document["labels"]
        self._names = names
        self._derived: dict[str, str] = {}
        self._exceptions: dict[str, list[Mapping[str, Any]]] = {}
        for rule in document["rules"]:
            if rule["kind"] == "derived":
                self._derived.setdefault(rule["of"], rule["id"])
            if rule["kind"] == "exception":
                self._exceptions.setdefault(rule["of"], []).append(rule)

    def body(self, rule: Mapping[str, Any]) -> Iterator[str]:
        """What a rule asks for, its exceptions included."""
        if not rule["body"]:
            yield "<p>It always holds.</p>\n"
            return
        yield "<div class=literals>\n"
        for element in rule["body"]:
            yield from self._element(element)
        yield "</div>\n"

    def _element(self, element: Mapping[str, Any]) -> Iterator[str]:
        if "proposition" in element:
            yield from self._literal(element)
        elif "at_least" in element:
            count = len(element["literals"])
            yield f"<div class=group><p>at least {element['at_least']} of these {count}:</p>\n"
            yield "<div class=literals>\n"
            for one in element["literals"]:
                yield from self._literal(one)
            yield "</div></div>\n"
        else:
            for exception in self._exceptions.get(element["unless"], []):
                yield "<div class=group><p>unless all of these hold "
                yield f"(exception <code>{escape(exception['id'])}</code>):</p>\n"
                yield from self.body(exception)
                yield "</div>\n"

    def _literal(self, literal: Mapping[str, Any]) -> Iterator[str]:
        name, entry = literal["proposition"], self._entries.get(literal["proposition"])
        shown = f"<code>{escape(name)}</code>"
        if entry is not None:
            shown = f'<a href="{escape(self._names["index"])}#{escape(name)}">{shown}</a>'
        if name in self._labels:
            shown += f" <q>{escape(self._labels[name]['text'])}</q>"
        verb = "is active" if literal["active"] else "is <em>not</em> active"
        yield f"<article{'' if literal['active'] else ' class=no'}><h3>{shown} {verb}"
        if name in self._derived:
            target = f"{self._names['chained']}#rule-{self._derived[name]}"
            yield f' (<a href="{escape(target)}">or decided by rules</a>)'
        yield "</h3>\n"
        if entry is None:
            yield "<p class=facts>No picture of it in this gallery.</p></article>\n"
            return
        yield "<div class=images>\n"
        yield from _figures(entry, _IMAGES)
        yield "</div></article>\n"
