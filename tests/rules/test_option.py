"""What options may be, and how the others are refused."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from proofsight_server.errors import BadOption
from proofsight_server.rules.option import (
    SHARE,
    Domain,
    check_options,
    number_from,
    one_of,
    whole_from,
)

WHOLE = whole_from(2, None, "auto")


@pytest.mark.parametrize(
    ("domain", "accepted", "refused"),
    [
        (WHOLE, (2, 900, None, "auto"), (1, 2.0, True, "many", float("nan"), (2,))),
        (whole_from(0), (0, 1), (-1, None, "auto", False)),
        (number_from(0), (0, 0.5, 1e9), (-1e-9, float("inf"), float("nan"), "1", None, True)),
        (number_from(1, 3), (1, 3), (0.99, 3.01)),
        (SHARE, (0, 1, 0.5), (-0.1, 1.1, float("nan"), None)),
        (one_of(("a", "b")), ("a", "b"), ("c", None, 1)),
    ],
)
def test_a_domain_accepts_what_it_says_and_nothing_else(
    domain: Domain, accepted: tuple[object, ...], refused: tuple[object, ...]
) -> None:
    for value in accepted:
        check_options(SimpleNamespace(it=value), {"it": domain})
    for value in refused:
        with pytest.raises(BadOption) as caught:
            check_options(SimpleNamespace(it=value), {"it": domain})
        assert caught.value.message == f"it is {domain.rule}, not {value!r}"
        assert caught.value.metadata["option"] == "it"


def test_domains_are_told_in_words() -> None:
    assert WHOLE.rule == "None, 'auto' or a whole number of at least 2"
    assert whole_from(1, "auto").rule == "'auto' or a whole number of at least 1"
    assert whole_from(1).rule == "a whole number of at least 1"
    assert number_from(0).rule == "a number of at least 0"
    assert number_from(1, 3).rule == "a number between 1 and 3"
    assert one_of(("a", "b")).rule == "one of a, b"


def test_the_first_wrong_option_is_told() -> None:
    with pytest.raises(BadOption, match="two is a share"):
        check_options(
            SimpleNamespace(one=1, two=2, three=3),
            {"one": whole_from(1), "two": SHARE, "three": whole_from(4)},
        )
