"""The table of texts that the Prolog modules and this client share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

from proofsight.prolog_home import prolog_home


@cache
def messages(language: str = "en") -> Mapping[str, str]:
    """The texts of a language by key; `{slots}` in them are to be filled.

    Raises LookupError for a language that has no table.
    """
    directory = prolog_home() / "messages"
    known = sorted(path.stem for path in directory.glob("*.json"))
    if language not in known:
        raise LookupError(f"no messages in {language!r}; there are: {', '.join(known)}")
    table = json.loads((directory / f"{language}.json").read_text(encoding="utf-8"))
    return {key: text for key, text in table.items() if isinstance(text, str)}
