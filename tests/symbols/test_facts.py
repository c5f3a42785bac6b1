from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from proofsight_server.errors import BadFacts
from proofsight_server.symbols.facts import Facts, to_prolog


def quote(atom: str) -> str:
    return f"'{atom}'"


def test_facts_are_written_as_clauses_and_what_was_not_observed_is_left_out() -> None:
    values = np.array([0.8123, np.nan, 0.1], dtype=np.float32)
    facts = Facts("img", ("p", "q", "r"), values, (("street", 0.93), ("T-shirt/top", 1e-9)))
    assert to_prolog(facts, quote=quote) == (
        "value('img', 'p', 0.8123000264167786).\n"
        "value('img', 'r', 0.10000000149011612).\n"
        "predicted('img', 'street', 0.9300000071525574).\n"
        "predicted('img', 'T-shirt/top', 9.999999717180685e-10).\n"
    )


def test_values_that_do_not_fit_the_propositions_are_refused() -> None:
    Facts("img", ("p",), np.ones(1, np.float32))
    wrong: list[npt.NDArray[Any]] = [
        np.ones(2, np.float32),
        np.ones((1, 1), np.float32),
        np.ones(1),
    ]
    for values in wrong:
        with pytest.raises(BadFacts, match="one float32"):
            Facts("img", ("p",), values)


def test_an_infinite_value_is_refused_by_name() -> None:
    Facts("img", ("p", "q"), np.array([1, np.nan], np.float32))
    with pytest.raises(BadFacts, match="value of q is inf"):
        Facts("img", ("p", "q"), np.array([1, np.inf], np.float32))
