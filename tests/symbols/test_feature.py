from __future__ import annotations

import numpy as np
import pytest

from proofsight_server.symbols.feature import Cell, Feature, Kind, Proposition, module_atom


@pytest.mark.parametrize(
    ("feature", "kind", "name"),
    [
        (Feature("conv13", 26), "conv", "conv13_c26"),
        (Feature("conv13", 26, "max", Cell((2, 2), (0, 1))), "conv", "conv13_c26_max_g2_r0c1"),
        (Feature("conv13", 26, "l1", Cell((2, 3), (1, 2))), "conv", "conv13_c26_g2x3_r1c2"),
        (Feature("fc1", 7, "value"), "linear", "fc1_u7"),
        (Feature("layer3", 7, "mean"), "map", "layer3_c7_mean"),
    ],
)
def test_a_feature_is_named_as_the_architecture_says(
    feature: Feature, kind: Kind, name: str
) -> None:
    assert feature.name(kind) == name


@pytest.mark.parametrize(
    ("path", "atom"),
    [("layer1.0", "layer1_0"), ("Block#2", "block_2"), ("0.conv", "m0_conv"), ("", "m")],
)
def test_a_path_becomes_an_atom_without_quotes(path: str, atom: str) -> None:
    assert module_atom(path) == atom


def test_cells_of_any_grid_tile_the_map() -> None:
    for height, width, rows, columns in ((7, 5, 3, 2), (8, 8, 3, 3), (4, 4, 4, 4)):
        seen = np.zeros((height, width), int)
        for u in range(rows):
            for v in range(columns):
                seen[Cell((rows, columns), (u, v)).span(height, width)] += 1
        assert (seen == 1).all()


def test_equality_is_inactive_and_a_proposition_without_threshold_has_no_answer() -> None:
    values = np.array([0.5, np.nextafter(np.float32(0.5), np.float32(1))], dtype=np.float32)
    seen = Proposition("p", "conv1", Feature("conv1", 0), 0.5)
    assert seen.holds(values).tolist() == [False, True]
    with pytest.raises(ValueError, match="derived/2 decides it"):
        Proposition("q", "fc1", None, None).holds(values)
