"""Groups of images by their routes: found where they are, and not where they are not."""

from __future__ import annotations

import numpy as np
import pytest

from proofsight_server.circuits.grouping import GroupingOptions, group, principal_components
from proofsight_server.circuits.moments import Doubles
from proofsight_server.errors import BadOption, BadTensor

FEW_DRAWS = GroupingOptions(most=3, draws=5)


def routes(sizes: tuple[int, ...], apart: float, seed: int = 0) -> Doubles:
    """Routes over 30 channels; each group prefers ten of its own."""
    rng = np.random.default_rng(seed)
    drawn = rng.random((sum(sizes), 30)) + 0.1
    start = 0
    for place, size in enumerate(sizes):
        drawn[start : start + size, 10 * place : 10 * place + 10] *= 1 + apart
        start += size
    normalised: Doubles = drawn / drawn.sum(axis=1, keepdims=True)
    return normalised


def test_planted_groups_are_found_with_the_images_they_have() -> None:
    found = group(routes((14, 20), 3), FEW_DRAWS)
    assert found.found and [len(members) for members in found.groups] == [20, 14]
    assert found.groups[0].tolist() == list(range(14, 34))
    assert found.silhouette is not None and found.reference is not None
    assert found.silhouette > found.reference and found.stability == pytest.approx(1)


def test_three_groups_are_not_taken_for_two() -> None:
    found = group(routes((12, 13, 14), 6), FEW_DRAWS)
    assert [len(members) for members in found.groups] == [14, 13, 12]


def test_without_groups_the_answer_is_that_there_are_none() -> None:
    found = group(routes((34,), 0), FEW_DRAWS)
    assert not found.found and found.groups == ()
    assert "no better" in found.reason and found.silhouette is not None


def test_a_group_below_the_smallest_is_no_group() -> None:
    found = group(routes((6, 30), 8), FEW_DRAWS)
    assert not found.found
    accepted = group(routes((6, 30), 8), GroupingOptions(smallest=5, most=2, draws=5))
    assert [len(members) for members in accepted.groups] == [30, 6]


def test_too_few_images_say_how_many_are_needed() -> None:
    assert "19 images are too few for two groups of 10" in group(routes((9, 10), 3)).reason


def test_equal_routes_are_no_groups() -> None:
    assert "are the same" in group(np.full((30, 4), 0.25)).reason


def test_the_same_seed_groups_the_same_way() -> None:
    first, second = group(routes((14, 20), 1), FEW_DRAWS), group(routes((14, 20), 1), FEW_DRAWS)
    assert (first.silhouette, first.reference) == (second.silhouette, second.reference)
    assert first.trials == second.trials and first.stability == second.stability


def test_principal_components_keep_distances_where_none_is_left_out() -> None:
    points = np.random.default_rng(0).normal(size=(12, 5))
    turned = principal_components(points)
    assert turned.shape == (12, 5)
    before = np.linalg.norm(points[:, None] - points[None], axis=2)
    assert np.allclose(before, np.linalg.norm(turned[:, None] - turned[None], axis=2))
    assert principal_components(points, 2).shape == (12, 2)


def test_routes_that_are_not_finite_and_options_out_of_range_are_refused() -> None:
    with pytest.raises(BadTensor, match="not finite"):
        group(np.full((30, 4), np.nan))
    with pytest.raises(BadOption, match="smallest ≥ 1"):
        GroupingOptions(most=1)
