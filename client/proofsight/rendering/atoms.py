"""Prolog atoms and numbers as text that reads back."""

from __future__ import annotations

import re
from math import isinf, isnan
from typing import Final

_PLAIN: Final = re.compile(r"[a-z][a-zA-Z0-9_]*")
_ESCAPES: Final = {"\\": r"\\", "'": r"\'", "\n": r"\n", "\t": r"\t"}
_SPECIAL: Final = re.compile(r"[\\'\x00-\x1f\x7f-\xa0\u2028\u2029]")
_ESCAPED: Final = re.compile(
    r"''|\\(?:x(?P<hex>[0-9a-fA-F]+)\\?|(?P<octal>[0-7]+)\\?|u(?P<short>[0-9a-fA-F]{4})"
    r"|U(?P<long>[0-9a-fA-F]{8})|(?P<newline>\n)|(?P<letter>.))",
    re.DOTALL,
)
_LETTERS: Final = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "s": " ",
    "t": "\t",
    "v": "\v",
}


def quote(atom: str) -> str:
    """An atom as Prolog text that reads back as the same atom."""
    if _PLAIN.fullmatch(atom):
        return atom
    return "'" + _SPECIAL.sub(lambda c: _ESCAPES.get(c[0], f"\\x{ord(c[0]):x}\\"), atom) + "'"


def unquote(text: str) -> str:
    """The atom that an atom's Prolog text reads as."""
    if len(text) < 2 or not (text[0] == text[-1] == "'"):
        return text
    return _ESCAPED.sub(_unescape, text[1:-1])


def _unescape(match: re.Match[str]) -> str:
    if match[0] == "''":
        return "'"
    if match["octal"]:
        return chr(int(match["octal"], 8))
    for group in ("hex", "short", "long"):
        if match[group]:
            return chr(int(match[group], 16))
    if match["newline"]:
        return ""
    return _LETTERS.get(match["letter"], match["letter"])


def float_text(value: float) -> str:
    """A float as Prolog text that reads back exactly; always with a point, as Prolog wants it."""
    if isnan(value):
        return "1.5NaN"
    if isinf(value):
        return "1.0Inf" if value > 0 else "-1.0Inf"
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    if "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}{exponent}{power}"


def comment(text: str) -> str:
    """`text` as a comment of one line."""
    return "% " + "".join(c if c.isprintable() else " " for c in text)
