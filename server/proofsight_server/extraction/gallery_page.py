"""The page of a gallery: plain HTML that a browser opens from the disk, without scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_SHOWN_CLASSES = 3
_SHOWN_RULES = 12

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 15px/1.45 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 78rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 0; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
section { border-top: 1px solid var(--line); padding: 1.2rem 0; }
.facts { margin: .3rem 0 .8rem; }
.images { display: flex; flex-wrap: wrap; gap: .8rem; }
figure { margin: 0; padding: .4rem; background: var(--soft); border-radius: .4rem; }
figure.off { opacity: .55; }
figure img { display: inline-block; height: 104px; max-width: 160px; image-rendering: pixelated; }
figcaption { font-size: .78rem; }
nav { columns: 14rem; } .by { opacity: .7; }
b.field { color: #00a84c; } b.cell { color: #1e82ff; } b.warm { color: #ff6000; }
details { margin: .4rem 0; } pre { background: var(--soft); padding: .5rem; overflow: auto; }
"""


def page(document: Mapping[str, Any]) -> str:
    """The gallery's page.

    Parameters
    ----------
    document
        The content of the gallery's index; its pictures' paths are relative to the page.
    """
    title = f"Gallery of {document['revision']}"
    return "".join(
        (
            '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width">\n',
            f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n<h1>{escape(title)}</h1>\n",
            *_preface(document),
            *(part for entry in document["propositions"] for part in _section(document, entry)),
            "</html>\n",
        )
    )


def _preface(document: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"<p>For each proposition, the {document['top']} of {document['training_images']} training "
        f"images of <code>{escape(document['data'])}</code> where its feature is greatest. Left: "
        "what the channel sees at its strongest position. Right: the whole image, <b "
        'class="warm">warm</b> where the channel is strong, with <b class="field">what that '
        'position sees</b> and, where the feature reads one, its <b class="cell">cell</b>. '
        "Pale: the proposition is not active there.</p>\n<nav>\n"
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
        yield _figure(image)
    yield "</div>\n"
    yield from _rules(entry["rules"])
    yield "</section>\n"


def _figure(image: Mapping[str, Any]) -> str:
    told = image["class"]
    decision = image["decision"]
    said = decision if told in (None, decision) else f"{told}, decided {decision}"
    return (
        f"<figure{'' if image['active'] else ' class=off'}>"
        f'<img loading=lazy src="{escape(image["crop"])}" alt="what the channel sees"> '
        f'<img loading=lazy src="{escape(image["whole"])}" alt="the whole image">'
        f"<figcaption>{escape(image['id'])}: {image['value']:.4g}<br>{escape(said)}</figcaption>"
        "</figure>\n"
    )


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
