"""Pools over the stand-in service, whose goals misbehave on request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from proofsight_server.reasoning.facts import FactsFrame
from proofsight_server.reasoning.limits import MIB, QueryLimits
from proofsight_server.reasoning.pool import Pool

STANDIN = Path(__file__).parent / "standin"


@pytest.fixture
def limits() -> QueryLimits:
    """Limits that are reached soon."""
    return QueryLimits(seconds=20, stack_bytes=32 * MIB, memory_bytes=128 * MIB, grace_seconds=5)


@pytest.fixture
def standin(tmp_path: Path, limits: QueryLimits) -> Callable[..., Pool]:
    """Make a pool that is not started yet; `program` is the text of its rules.pl."""

    def make(
        program: str = "% plain\n",
        *,
        workers: int = 1,
        queue: int = 256,
        limits: QueryLimits = limits,
    ) -> Pool:
        (tmp_path / "rules.pl").write_text(program, encoding="utf-8")
        return Pool(tmp_path, STANDIN, workers=workers, limits=limits, queue=queue)

    return make


@pytest.fixture
def facts() -> FactsFrame:
    """Facts that fit the stand-in."""
    return FactsFrame("img", np.array([1.5, np.nan, 0.1], np.float32), (("cat", 0.75),))
