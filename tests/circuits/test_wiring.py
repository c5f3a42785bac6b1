"""Reachability over channels: sweeps against enumerated paths."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings

from proofsight_server.circuits import effective, parse_target, target_network
from proofsight_server.circuits.wiring import CONSTANT, Wiring, chain
from proofsight_server.errors import BadTensor
from proofsight_server.symbols.feature import Bools
from tests.circuits.small_networks import KINDS, LAST, SHAPE, small_network
from tests.strategies import random_generators

Edge = tuple[int, int]


def edges_of(wiring: Wiring, mask: Mapping[str, Bools]) -> dict[Edge, set[tuple[str, int, int]]]:
    """Each pair of channels between which something leads, with the kernels that do."""
    edges: dict[Edge, set[tuple[str, int, int]]] = {}
    for node in wiring.nodes:
        if node.kind == "kernels":
            width = len(node.sources) // node.groups
            for row, channel in enumerate(node.rows):
                group = int(channel) // (node.channels // node.groups)
                for column in range(width):
                    if mask[node.name][row, column]:
                        source = int(node.sources[group * width + column])
                        edge = (source, node.first + int(channel))
                        edges.setdefault(edge, set()).add((node.name, row, column))
        elif node.kind == "join":
            for operand in node.sources:
                for channel, source in enumerate(operand):
                    edges.setdefault((int(source), node.first + channel), set())
        elif node.connected is not None:
            for unit, column in np.argwhere(node.connected):
                edges.setdefault((int(node.sources[column]), node.first + int(unit)), set())
    return {edge: kernels for edge, kernels in edges.items() if edge[0] != CONSTANT}


def slow_effective(wiring: Wiring, mask: Mapping[str, Bools]) -> dict[str, Bools]:
    """The kernels on any path from the image to the target, each path walked."""
    edges = edges_of(wiring, mask)
    image, sinks = wiring.nodes[0], set(wiring.sinks.tolist())
    onward: dict[int, set[int]] = {}
    for source, destination in edges:
        onward.setdefault(source, set()).add(destination)
    on_path: set[Edge] = set()
    dead: set[int] = set()

    def walk(here: int, path: list[Edge]) -> bool:
        if here in dead:
            return False
        reached = here in sinks
        if reached:
            on_path.update(path)
        for there in onward.get(here, ()):
            reached |= walk(there, [*path, (here, there)])
        if not reached:
            dead.add(here)
        return reached

    for channel in range(image.first, image.first + image.channels):
        walk(channel, [])
    found = {name: np.zeros(node.shape, bool) for name, node in wiring.layers.items()}
    for edge in on_path:
        for name, row, column in edges[edge]:
            found[name][row, column] = True
    return found


def random_mask(wiring: Wiring, rng: np.random.Generator, keep: float) -> dict[str, Bools]:
    return {name: rng.random(node.shape) < keep for name, node in wiring.layers.items()}


@given(random_generators())
@settings(max_examples=30, deadline=None)
def test_on_a_chain_the_sweeps_find_what_paths_find(rng: np.random.Generator) -> None:
    sizes = rng.integers(1, 5, int(rng.integers(2, 5)))
    shapes = {f"l{n}": (int(o), int(i)) for n, (i, o) in enumerate(itertools.pairwise(sizes))}
    wiring = chain(shapes)
    mask = random_mask(wiring, rng, 0.5)
    found = effective(mask)
    expected = slow_effective(wiring, mask)
    assert all(np.array_equal(found[name], expected[name]) for name in shapes)
    again = effective(found)
    assert all(np.array_equal(again[name], found[name]) for name in shapes)


@pytest.mark.parametrize("kind", KINDS)
def test_on_a_network_the_sweeps_find_what_paths_find(kind: str) -> None:
    rng = np.random.default_rng(0)
    for target in (f"{LAST[kind]}:1", "logit:2"):
        network = target_network(small_network(kind), parse_target(target), SHAPE)
        for _ in range(3):
            mask = random_mask(network.wiring, rng, 0.2)
            found = network.wiring.effective(mask)
            expected = slow_effective(network.wiring, mask)
            assert all(np.array_equal(found[name], expected[name]) for name in mask)
            again = network.wiring.effective(found)
            assert all(np.array_equal(again[name], found[name]) for name in mask)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kernel_that_does_not_count_can_change_nothing(kind: str) -> None:
    network = target_network(small_network(kind), parse_target(f"{LAST[kind]}:1"), SHAPE)
    counted = network.wiring.counted()
    everything = {name: np.ones(node.shape, bool) for name, node in network.wiring.layers.items()}
    expected = slow_effective(network.wiring, everything)
    assert all(np.array_equal(counted[name], expected[name]) for name in everything)
    assert network.wiring.total() == sum(int(array.sum()) for array in counted.values())


def test_a_chain_counts_sources_of_the_image_and_rows_of_the_last_layer() -> None:
    wiring = chain({"a": (4, 3), "b": (2, 4)})
    assert wiring.total() == 20
    assert [node.name for node in wiring.nodes] == ["image", "a", "b"]


def test_a_mask_with_a_cut_in_it_collapses() -> None:
    mask = {"a": np.ones((3, 2), bool), "b": np.zeros((3, 3), bool), "c": np.ones((1, 3), bool)}
    assert not any(array.any() for array in effective(mask).values())


@pytest.mark.parametrize(
    "mask",
    [
        {},
        {"a": np.ones((4, 3), bool), "b": np.ones((2, 5), bool)},
        {"a": np.ones((4, 3), bool), "b": np.ones(4, bool)},
        {"a": np.ones((4, 3)), "b": np.ones((2, 4), bool)},
    ],
)
def test_what_is_no_chain_of_masks_is_refused(mask: dict[str, Bools]) -> None:
    with pytest.raises(BadTensor):
        effective(mask)
    assert effective({"a": np.ones((4, 3), bool), "b": np.ones((2, 4), bool)})["b"].all()


def test_a_layer_missing_from_a_mask_is_an_error_and_not_zeros() -> None:
    wiring = chain({"a": (4, 3), "b": (2, 4)})
    with pytest.raises(BadTensor, match="lacks layer b"):
        wiring.effective({"a": np.ones((4, 3), bool)})
    with pytest.raises(BadTensor, match="has layer c"):
        wiring.effective(
            {n: np.ones(s, bool) for n, s in {"a": (4, 3), "b": (2, 4), "c": (1, 2)}.items()}
        )
