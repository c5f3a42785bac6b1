"""Connected selections: every kernel on a path, against trying every beginning of the ranking."""

from __future__ import annotations

import numpy as np
import pytest

from proofsight_server.circuits import Scores, effective, parse_target, select, target_network
from proofsight_server.circuits.connecting import select_connected, selected
from proofsight_server.circuits.selection import wanted_kernels
from proofsight_server.errors import BadOption
from tests.circuits.small_networks import LAST, SHAPE, small_network

WIRINGS = {
    kind: target_network(small_network(kind), parse_target(f"{LAST[kind]}:1"), SHAPE).wiring
    for kind in ("chain", "residual", "grouped")
}


def drawn(kind: str, zeros: float = 0.0) -> Scores:
    """Scores drawn from few values, so that some tie, and some of them 0."""
    rng = np.random.default_rng(0)
    wiring = WIRINGS[kind]
    arrays = {
        name: rng.integers(1, 40, node.shape) * (rng.random(node.shape) >= zeros)
        for name, node in wiring.layers.items()
    }
    return Scores({name: array.astype(np.float64) for name, array in arrays.items()}, wiring)


@pytest.mark.parametrize(("kind", "zeros"), [("chain", 0.0), ("residual", 0.3), ("grouped", 0.0)])
def test_the_longest_beginning_of_the_ranking_that_fits_is_taken(kind: str, zeros: float) -> None:
    scores = drawn(kind, zeros)
    total = scores.wiring.total()
    beginnings = [effective(select(scores, budget=length)) for length in range(total + 1)]
    for keep in ("0", "0.02", "0.05", "0.1", "0.3", "0.7", "1"):
        wanted = wanted_kernels(float(keep), total)
        expected = [mask for mask in beginnings if mask.kept <= wanted][-1]
        mask = select_connected(scores, keep=float(keep))
        assert all(np.array_equal(mask[name], expected[name]) for name in mask)
        assert mask.kept + mask.shortfall == wanted


def test_a_ranking_that_collapses_is_followed_until_a_path_is_found() -> None:
    wiring = WIRINGS["chain"]
    first, *_, last = wiring.layers
    arrays = {name: np.full(node.shape, 1.0) for name, node in wiring.layers.items()}
    # The ends are far above the rest, as they are where one threshold weighs all layers.
    arrays[first] += 10
    arrays[last] += 5
    scores = Scores(arrays, wiring)
    keep = len(arrays[first].ravel()) / wiring.total()
    assert selected(scores, keep, "ranked").collapsed
    connected = selected(scores, keep, "connected")
    assert not connected.collapsed
    assert connected[last].any()
    assert connected.kept <= selected(scores, keep, "ranked").kept


def test_a_first_path_that_needs_more_than_is_kept_is_an_explicit_collapse() -> None:
    wiring = WIRINGS["chain"]
    arrays = {
        name: np.full(node.shape, float(place))
        for place, (name, node) in enumerate(reversed(wiring.layers.items()), start=1)
    }
    # Nothing of the last layer is reached before all of the others, which are then all connected.
    mask = select_connected(Scores(arrays, wiring), keep=0.1)
    assert mask.collapsed
    assert mask.kept == 0
    assert mask.shortfall == wanted_kernels(0.1, wiring.total())


def test_a_keep_that_is_none_is_refused() -> None:
    with pytest.raises(BadOption, match="keep"):
        select_connected(drawn("chain"), keep=1.5)
    assert select_connected(drawn("chain"), keep=1).kept == WIRINGS["chain"].total()
