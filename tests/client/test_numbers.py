"""Numbers for people."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsight.rendering.numbers import compared, number

finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4.3125, "4.312"),
        (2.1, "2.1"),
        (0.0, "0"),
        (-0.0, "0"),
        (12345.0, "12340"),
        (12355.0, "12360"),
        (0.000012345, "0.00001234"),
        (-0.5, "-0.5"),
        (1e21, "1000000000000000000000"),
        (9.9999, "10"),
    ],
)
def test_numbers_have_four_significant_digits_and_no_exponent(value: float, text: str) -> None:
    assert number(value) == text


@given(finite)
def test_a_number_reads_as_what_it_rounds_to(value: float) -> None:
    assert Decimal(number(value)) == Decimal(f"{value:.3e}")
    assert "e" not in number(value)


@given(finite, finite)
def test_two_numbers_that_differ_read_differently(value: float, threshold: float) -> None:
    left, right = compared(value, threshold)
    assert (left == right) == (value == threshold)


def test_close_numbers_take_the_fewest_digits_that_tell_them_apart() -> None:
    assert compared(0.41370999813079834, 0.41371002793312073) == ("0.41371", "0.41371003")
    assert compared(0.5, 0.50001) == ("0.5", "0.50001")
