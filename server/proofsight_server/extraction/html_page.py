"""The frame of the pages that a browser opens from the disk: no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 15px/1.45 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 78rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 0; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
section { border-top: 1px solid var(--line); padding: 1.2rem 0; }
.facts { margin: .3rem 0 .8rem; }
.images, .literals { display: flex; flex-wrap: wrap; gap: .8rem; align-items: stretch; }
figure { margin: 0; padding: .4rem; background: var(--soft); border-radius: .4rem; }
figure.off { opacity: .55; } figure.made { outline: 1px dashed var(--line); }
figure img { display: inline-block; height: 104px; max-width: 160px; image-rendering: pixelated; }
figcaption { font-size: .78rem; }
nav { columns: 14rem; } .by { opacity: .7; }
b.field { color: #00a84c; } b.cell { color: #1e82ff; } b.warm { color: #ff6000; }
b.rises { color: #e66101; } b.falls { color: #7a55c4; }
details { margin: .4rem 0; } pre { background: var(--soft); padding: .5rem; overflow: auto; }
article { border: 2px solid #1e82ff; border-radius: .5rem; padding: .5rem .6rem; }
article.no { border-style: dashed; border-color: #e66101; }
article h3 { font-size: .95rem; font-weight: normal; margin: 0 0 .4rem; }
article figure img { height: 72px; max-width: 110px; }
.group { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .6rem; }
.group > p { margin: 0 0 .5rem; }
@media print { figure.off { opacity: 1; } details > * { display: block; } }
"""


def html_page(title: str, parts: Iterable[str]) -> str:
    """A page of some parts, which are HTML already; the title is text."""
    return "".join(
        (
            '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width">\n',
            f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n<h1>{escape(title)}</h1>\n",
            *parts,
            "</html>\n",
        )
    )
