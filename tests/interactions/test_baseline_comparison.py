"""Primitives that survive another baseline, compared by their regions' names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from proofsight_server.interactions import from_effects
from proofsight_server.interactions.baseline_comparison import compare_baselines
from proofsight_server.interactions.image_explanation import (
    ImageExplanation,
    Solving,
    explain_image,
)
from proofsight_server.interactions.masks import Doubles
from proofsight_server.interactions.regions import grid
from proofsight_server.interactions.tabulation import Asked, tabulate
from tests.interactions.networks import subject


@pytest.fixture(scope="module")
def made() -> ImageExplanation:
    tables = tabulate([subject("a"), subject("b", seed=1)], grid((8, 8), 2, 2), Asked())
    return explain_image(tables, Solving(gap=1e-2))


def with_ands(made: ImageExplanation, *effects: dict[int, float]) -> ImageExplanation:
    """The explanation with tables that are these ANDs of each network."""
    ands = np.zeros((len(effects), 16))
    for row, given in zip(ands, effects, strict=True):
        row[list(given)] = list(given.values())
    tables: Doubles = from_effects(ands, np.zeros_like(ands))
    names = made.tables.networks[: len(effects)]
    changed = replace(
        made.tables,
        tables=tables,
        networks=names,
        baseline="blur",
        tops=made.tables.tops[: len(effects)],
        warnings=(),
    )
    return explain_image(changed, Solving(box=0, gap=1e-4))


def test_the_same_explanation_keeps_everything(made: ImageExplanation) -> None:
    told = compare_baselines(made, made)
    assert told.before == told.after == told.survivors == told.same_sign > 0
    assert told.share == 1


def test_survivors_and_their_signs_are_counted(made: ImageExplanation) -> None:
    one = with_ands(made, {1: 2.0, 2: 1.0, 4: -1.0}, {1: 2.0, 2: 1.0, 4: -1.0})
    other = with_ands(made, {1: 2.0, 2: -1.0, 8: 2.0}, {1: 2.0, 2: -1.0, 8: 2.0})
    told = compare_baselines(one, other)
    assert (told.before, told.after, told.survivors, told.same_sign) == (3, 3, 2, 1)
    assert (told.baseline, told.share, told.chance) == ("blur", 2 / 3, 3 / 26)


def test_one_network_is_compared_by_what_is_salient_in_it(made: ImageExplanation) -> None:
    one, other = with_ands(made, {1: 2.0, 2: 1.0}), with_ands(made, {1: 2.0, 2: 0.01})
    told = compare_baselines(one, other)
    assert (told.before, told.after, told.survivors) == (2, 1, 1)
