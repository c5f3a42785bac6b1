"""Atoms and numbers as Prolog text, character for character what SWI-Prolog's writeq prints."""

from __future__ import annotations

import math
from unicodedata import category

import numpy as np

from proofsight_server.errors import BadProgram

_ASCII_SYMBOLS = frozenset("#$&*+-./:<=>?@\\^~")
_LETTERS = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nl"})
_MARKS = frozenset({"Mn", "Mc", "Nd", "Pc"})
_SYMBOLS = frozenset({"Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "Sc", "Sk", "Sm", "So"})
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cn", "Co", "Zl", "Zp", "Zs"})
# Unicode's Other_ID_Start, and its Other_ID_Continue beyond Latin-1.  U+2E2F is a letter by
# category and Pattern_Syntax by rule.
_MORE_LETTERS = frozenset("\u1885\u1886\u2118\u212e\u309b\u309c")
_MORE_MARKS = frozenset("\u0387\u19da") | {chr(c) for c in range(0x1369, 0x1372)}
_NO_LETTER = "\u2e2f"
# Characters that are atoms on their own, and only then; those of Latin-1 as SWI-Prolog has them.
_SOLO = frozenset("!;\u00ad\u00b2\u00b3\u00b9\u00bc\u00bd\u00be")
# SWI-Prolog writes these unassigned characters as \xD8000\ and so on, and refuses to read that.
_MISREAD = range(0xD8000, 0xE0000)
_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\v": "\\v",
    "\f": "\\f",
    "\r": "\\r",
    "\\": "\\\\",
    "'": "\\'",
}


def quote(atom: str) -> str:
    r"""`atom` as Prolog text that reads back as exactly that atom, quoted only where needed.

    The text is what `writeq/1` of SWI-Prolog 9 prints for an argument or list element.
    The atom `[]` is quoted: bare, it is SWI-Prolog's empty list, another thing.

    Raises
    ------
    BadProgram
        `atom` holds a lone surrogate, as names of files that are not UTF-8 do; UTF-8 files
        cannot say it.
    """
    try:
        atom.encode()
    except UnicodeEncodeError as error:
        raise BadProgram(
            f"the name {atom!r} is no valid Unicode text and cannot be written to a program; "
            "rename it (a folder whose name is not UTF-8?)",
            name=ascii(atom),
        ) from error
    return atom if _is_bare(atom) else f"'{''.join(map(_escaped, atom))}'"


def number(value: float) -> str:
    """The shortest decimal of the double that equals `value` rounded to float32.

    Raises
    ------
    BadProgram
        The value is not finite: Prolog's comparison would not be numpy's.
    """
    with np.errstate(over="ignore"):
        rounded = float(np.float32(value))
    if not math.isfinite(rounded):
        raise BadProgram(
            f"{value!r} is not a finite float32; only finite numbers can stand in a program",
            value=value,
        )
    return repr(rounded + 0.0)  # which turns -0.0 into 0.0: they compare alike


def _is_bare(atom: str) -> bool:
    if atom == "{}" or atom in _SOLO:
        return True
    if not atom or atom == "." or atom.startswith("/*"):
        return False
    if _starts_atom(atom[0]):
        return all(map(_continues_atom, atom))
    return all(map(_is_symbol, atom))


def _is_letter(character: str) -> bool:
    return character in _MORE_LETTERS or (
        category(character) in _LETTERS and character != _NO_LETTER
    )


def _starts_atom(character: str) -> bool:
    return _is_letter(character) and not character.isupper()


def _continues_atom(character: str) -> bool:
    return _is_letter(character) or category(character) in _MARKS or character in _MORE_MARKS


def _is_symbol(character: str) -> bool:
    if character.isascii():
        return character in _ASCII_SYMBOLS
    return category(character) in _SYMBOLS


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character == " " or not (category(character) in _UNPRINTABLE or character == _NO_LETTER):
        return character
    if ord(character) in _MISREAD:
        return f"\\U{ord(character):08X}"
    return f"\\x{ord(character):X}\\"
