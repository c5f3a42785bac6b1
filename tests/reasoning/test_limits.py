"""Limits."""

from __future__ import annotations

from dataclasses import fields

import pytest

from proofsight_server.errors import BadOption
from proofsight_server.reasoning.limits import MIB, QueryLimits


@pytest.mark.parametrize("name", [field.name for field in fields(QueryLimits)])
def test_a_limit_of_zero_or_less_is_refused(name: str) -> None:
    for value in (0, -1, float("nan")):
        with pytest.raises(BadOption, match=f"{name} must be greater than 0"):
            QueryLimits(**{name: value})  # type: ignore[arg-type]


def test_the_fence_leaves_room_for_a_stack_that_is_copied_to_grow() -> None:
    assert QueryLimits(stack_bytes=64 * MIB, memory_bytes=128 * MIB).stack_bytes == 64 * MIB
    with pytest.raises(BadOption, match="at least twice stack_bytes"):
        QueryLimits(stack_bytes=64 * MIB, memory_bytes=128 * MIB - 1)
