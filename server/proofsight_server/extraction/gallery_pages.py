"""The pages of a gallery, which link to each other and are named by what they all say."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from proofsight_server.extraction.class_page import chained_page, class_page
from proofsight_server.extraction.gallery_page import page
from proofsight_server.rules.program import ClassHead, PointsHead, Program

_DIGEST_LENGTH = 12


def shown_classes(program: Program) -> frozenset[str]:
    """The classes that have a page: those with rules, and the default."""
    heads = (rule.head for rule in program.rules)
    named = {head.name for head in heads if isinstance(head, ClassHead | PointsHead)}
    return frozenset(named if program.default is None else {*named, program.default})


def gallery_pages(document: Mapping[str, Any]) -> dict[str, str]:
    """The pages' texts by file name, the first to open first; links are relative."""
    told = "".join(_pages(document, "").values())
    return _pages(document, hashlib.sha256(told.encode()).hexdigest()[:_DIGEST_LENGTH])


def _pages(document: Mapping[str, Any], digest: str) -> dict[str, str]:
    names = {"index": f"index-{digest}.html"}
    shown = {rule["of"] for rule in document["rules"] if rule["kind"] in ("class", "points")}
    shown.add(document["default"])
    for place, name in enumerate(document["classes"]):
        if name in shown:
            names[f"class {name}"] = f"class-{place}-{digest}.html"
    if any(rule["kind"] == "derived" for rule in document["rules"]):
        names["chained"] = f"chained-{digest}.html"
    pages = {names["index"]: page(document, names)}
    for name in document["classes"]:
        if f"class {name}" in names:
            pages[names[f"class {name}"]] = class_page(document, names, name)
    if "chained" in names:
        pages[names["chained"]] = chained_page(document, names)
    return pages
