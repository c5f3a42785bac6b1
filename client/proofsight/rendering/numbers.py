"""Numbers for people: few significant digits, no exponent."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import Final

DIGITS: Final = 4
ALL_DIGITS: Final = 17


def number(value: float, digits: int = DIGITS) -> str:
    """`value` rounded to significant digits, without exponent and closing zeros: 4.31, 0.00001."""
    if not isfinite(value):
        return str(value)
    text = format(Decimal(f"{value:.{digits - 1}e}"), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def compared(value: float, threshold: float) -> tuple[str, str]:
    """Both numbers, with as many digits as it takes to see which is greater."""
    digits = DIGITS
    texts = number(value), number(threshold)
    while value != threshold and texts[0] == texts[1] and digits < ALL_DIGITS:
        digits += 1
        texts = number(value, digits), number(threshold, digits)
    return texts
