"""The page of a gallery: plain HTML that a browser opens from the disk, without scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from proofsight_server.extraction.figures_html import (
    ascent_figure,
    gradient_legend,
    image_figure,
)
from proofsight_server.extraction.html_page import html_page

_SHOWN_CLASSES = 3
_SHOWN_RULES = 12


def page(document: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """The gallery's page with all its propositions.

    Parameters
    ----------
    document
        The content of the gallery's index; its pictures' paths are relative to the page.
    names
        File names of the gallery's pages: `index`, `class NAME`, `chained`.
    """
    return html_page(
        f"Gallery of {document['revision']}",
        (
            *_preface(document, names),
            *(part for entry in document["propositions"] for part in _section(document, entry)),
        ),
    )


def _preface(document: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    links = [
        f'<a href="{escape(names[f"class {name}"])}">{escape(name)}</a>'
        for name in document["classes"]
        if f"class {name}" in names
    ]
    if "chained" in names:
        links.append(f'<a href="{escape(names["chained"])}">chained rules</a>')
    if links:
        yield f"<p>Rules with the pictures of their literals: {' · '.join(links)}</p>\n"
    yield (
        f"<p>For each proposition, the {document['top']} of {document['training_images']} training "
        f"images of <code>{escape(document['data'])}</code> where its feature is greatest. First "
        "what the channel sees at its strongest position, then the whole image, <b "
        'class="warm">warm</b> where the channel is strong, with <b class="field">what that '
        'position sees</b> and, where the feature reads one, its <b class="cell">cell</b>. '
        "Units of linear layers see the whole image. Pale: the proposition is not active there."
        f"{gradient_legend(document)}</p>\n<nav>\n"
    )
    for entry in document["propositions"]:
        name = escape(entry["name"])
        label = f" {_quoted(entry['label'])}" if entry["label"] else ""
        yield f'<div><a href="#{name}"><code>{name}</code></a>{label}</div>\n'
    yield "</nav>\n"


def _section(document: Mapping[str, Any], entry: Mapping[str, Any]) -> Iterator[str]:
    name, label = escape(entry["name"]), entry["label"]
    yield f'<section id="{name}">\n<h2><code>{name}</code>'
    if label:
        yield f' {_quoted(label)} <span class="by">{escape(label["by"])}</span>'
    yield (
        f"</h2>\n<p class=facts><code>{escape(entry['feature'])}</code> &gt; {entry['threshold']}"
        f"<br>{_purity(document, entry)}"
    )
    if not entry["field_exact"]:
        yield "<br>What a position sees was measured, for the network could not be traced."
    yield "</p>\n<div class=images>\n"
    for image in entry["images"]:
        yield image_figure(image)
    if entry["ascent"] is not None:
        yield ascent_figure(entry["ascent"])
    yield "</div>\n"
    yield from _rules(entry["rules"])
    yield "</section>\n"


def _purity(document: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    purity = entry["purity"]
    images = purity["active"]["images"]
    share = images / document["training_images"]
    verb = "are" if document["classes_of"] == "labels" else "are decided"
    return (
        f"These images {verb} {_shares(purity['top']['shares'])}; the {images} where it is active "
        f"({share:.1%}) {verb} {_shares(purity['active']['shares'])}."
    )


def _shares(shares: Mapping[str, float]) -> str:
    order = sorted(shares, key=lambda name: -shares[name])
    parts = [f"{escape(name)} {shares[name]:.0%}" for name in order[:_SHOWN_CLASSES]]
    rest = sum(shares[name] for name in order[_SHOWN_CLASSES:])
    if rest:
        parts.append(f"others {rest:.0%}")
    return ", ".join(parts) or "none"


def _rules(uses: list[Mapping[str, Any]]) -> Iterator[str]:
    if not uses:
        yield "<p>No rule uses it.</p>\n"
        return
    count = len({use["id"] for use in uses})
    names = [
        f"<code>{escape(use['id'])}</code>{'' if use['active'] else ' (negated)'}"
        for use in uses[:_SHOWN_RULES]
    ]
    more = ", …" if len(uses) > _SHOWN_RULES else ""
    yield (
        f"<details><summary>Used by {count} rule{'' if count == 1 else 's'}: "
        f"{', '.join(names)}{more}</summary>\n<pre>"
    )
    clauses = dict.fromkeys(use["clause"] for use in uses)
    yield escape("\n\n".join(clauses))
    yield "</pre></details>\n"


def _quoted(label: Mapping[str, Any]) -> str:
    return f"<q>{escape(label['text'])}</q>"
