"""Shrinking: equal to the masked network on every kind of network, constants included."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from proofsight_server.circuits.architecture import Architecture, Step
from proofsight_server.circuits.exactness import Exactness, verify
from proofsight_server.circuits.masked import MaskedNetwork, masked, mean_contributions
from proofsight_server.circuits.savings import savings, wall_time
from proofsight_server.circuits.shrinking import shrink
from proofsight_server.circuits.shrunk import ShrunkNetwork, load_shrunk, save_shrunk
from proofsight_server.circuits.target import Direction, Logit, Target, Unit
from proofsight_server.circuits.target_network import TargetNetwork, target_network
from proofsight_server.errors import BadModel, BadTensor, BadWeights
from proofsight_server.symbols.feature import Bools
from proofsight_server.vision.model import build_model
from tests.circuits.small_networks import KINDS, LAST, SHAPE, pictures, small_network


def targets(kind: str) -> tuple[Target, ...]:
    last = LAST[kind]
    return (
        Unit(last, 1), Direction(last, ((0, 1.0), (2, -0.5))), Logit(1), Logit(0, "kernels"),
    )  # fmt: skip


@cache
def doubled(kind: str, target: Target) -> TargetNetwork:
    return target_network(small_network(kind), target, SHAPE).double()


def circuit_of(
    kind: str, target: Target, keep: float, seed: int = 0, *, mean: bool = False
) -> MaskedNetwork:
    network = doubled(kind, target)
    rng = np.random.default_rng(seed)
    mask = {name: rng.random(node.shape) < keep for name, node in network.wiring.layers.items()}
    contributions = mean_contributions(network, pictures(4)) if mean else None
    return masked(network, mask, contributions)


def check(circuit: MaskedNetwork, shrunk: ShrunkNetwork, tolerance: float = 1e-9) -> None:
    x = pictures(4, seed=1).to(circuit.network.dtype)
    with torch.inference_mode():
        before, after = circuit(x), shrunk(x)
    assert before.shape == after.shape
    assert torch.allclose(before, after, rtol=tolerance, atol=tolerance)
    assert shrunk.collapsed == circuit.collapse


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=6, deadline=None)
@given(st.integers(0, 3), st.integers(0, 1000), st.sampled_from([0.8, 0.4, 0.15]), st.booleans())
def test_the_shrunk_network_equals_the_masked_one(
    kind: str, place: int, seed: int, keep: float, mean: bool
) -> None:
    circuit = circuit_of(kind, targets(kind)[place], keep, seed, mean=mean)
    check(circuit, shrink(circuit))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_removed_leaves_the_network_as_it_computes(kind: str) -> None:
    circuit = circuit_of(kind, Logit(2), 1.1)
    check(circuit, shrink(circuit))


@pytest.mark.parametrize("kind", KINDS)
def test_a_collapse_is_one_constant_map_that_says_so(kind: str) -> None:
    circuit = circuit_of(kind, Unit(LAST[kind], 0), 0.0)
    shrunk = shrink(circuit)
    check(circuit, shrunk)
    assert shrunk.collapsed and [step.kind for step in shrunk.architecture.steps] == ["Constant"]


def test_constants_cascade_over_two_layers_and_differ_at_borders() -> None:
    """A filter without input feeds another one without input, which feeds a live one."""
    root = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(),
        nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 1, 3, padding=1),
    ).eval()  # fmt: skip
    for tensor in root.parameters():
        tensor.data = torch.rand(tensor.shape, generator=torch.Generator().manual_seed(1)) + 0.1
    network = target_network(root, Unit("5", 0), SHAPE).double()
    mask: dict[str, Bools] = {
        name: np.ones(node.shape, bool) for name, node in network.wiring.layers.items()
    }
    mask["0"][1] = False  # channel 1 holds its bias only
    mask["3"][2, [0, 2]] = False  # and is all that channel 2 of the next layer reads
    circuit = masked(network, mask)
    shrunk = shrink(circuit)
    check(circuit, shrunk)
    kinds = [step.kind for step in shrunk.architecture.steps]
    assert kinds.count("Shift") == 2  # what they add differs at the borders, so it is a map
    dropped = masked(network, network.wiring.effective(mask))(pictures(2).double())
    assert not torch.allclose(dropped, circuit(pictures(2).double()), atol=1e-3)


def test_float32_is_exact_to_the_stated_tolerance() -> None:
    network = target_network(small_network("residual"), Unit("last", 2), SHAPE)
    rng = np.random.default_rng(3)
    mask = {name: rng.random(node.shape) < 0.6 for name, node in network.wiring.layers.items()}
    circuit = masked(network, mask)
    found = verify(circuit, shrink(circuit), pictures(4), input_shape=SHAPE)
    assert found.exact and found.images == 20
    assert found.relative is not None and found.relative < 1e-5


def test_another_size_is_refused_and_can_be_shrunk_again() -> None:
    circuit = circuit_of("residual", Unit("last", 1), 0.7)
    with pytest.raises(BadTensor, match="shrink the circuit again for that size"):
        shrink(circuit)(torch.zeros(1, 2, 8, 8).double())
    network = target_network(small_network("residual"), Unit("last", 1), (2, 8, 8))
    again = masked(network, circuit.mask)
    x = torch.randn(2, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(shrink(again)(x), again(x), rtol=1e-4, atol=1e-5)


def test_dead_filters_and_kernels_are_left_out_and_counted_apart() -> None:
    circuit = circuit_of("chain", Unit("features.5", 1), 0.3, seed=5)
    saved = savings(circuit, shrink(circuit))
    wiring = circuit.network.wiring
    assert saved.kernels == wiring.total() == 6 * 2 + 7 * 6 + 7
    assert saved.circuit_kernels == sum(int(array.sum()) for array in circuit.mask.values())
    effective = wiring.effective(circuit.mask)
    assert saved.effective_kernels == sum(int(array.sum()) for array in effective.values())
    assert saved.macs == (12 * 9 * 81 + 42 * 9 * 4 + 7 * 4)
    assert saved.effective_macs <= saved.shrunk_macs < saved.macs
    assert saved.live_filters < saved.filters == 6 + 7 + 1
    shrunk = shrink(circuit)
    weights = [m.weight for m in shrunk.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert saved.shrunk_weights == sum(weight.numel() for weight in weights) < saved.weights
    every = sum(t.numel() for t in shrunk.state_dict().values() if t.is_floating_point())
    assert saved.shrunk_weights + saved.shrunk_constants == every


def test_wall_time_is_measured() -> None:
    assert wall_time(lambda x: x * 2, pictures(2), repeats=3) > 0


def test_a_saved_network_is_loaded_as_it_was(tmp_path: Path) -> None:
    network = target_network(small_network("grouped"), Logit(1), SHAPE)
    rng = np.random.default_rng(0)
    mask = {name: rng.random(node.shape) < 0.7 for name, node in network.wiring.layers.items()}
    circuit = masked(network, mask)
    shrunk = shrink(circuit)
    exactness = verify(circuit, shrunk, None, input_shape=SHAPE)
    path = tmp_path / "c1.safetensors"
    save_shrunk(path, shrunk, exactness, {"target": "logit:1", "keep": 0.7})
    loaded, provenance = load_shrunk(path)
    x = pictures(3)
    assert torch.equal(loaded(x), shrunk(x)) and not loaded.training
    assert provenance == {"target": "logit:1", "keep": 0.7}
    factory = "proofsight_server.circuits.shrunk:shrunk_network"
    built = build_model(
        factory,
        classes=None,
        input_shape=SHAPE,
        options={"architecture": json.loads(json.dumps(shrunk.architecture.to_json()))},
        allow=frozenset({factory}),
    )
    built.load_state_dict(shrunk.state_dict())
    assert torch.equal(built(x), shrunk(x))


def test_what_is_not_exact_is_not_saved(tmp_path: Path) -> None:
    shrunk = shrink(circuit_of("chain", Logit(0), 0.9))
    off = Exactness(4, difference=1e-3, deviation=1.0, size=2.0, rounding=1e-6)
    with pytest.raises(BadModel, match="not saved"):
        save_shrunk(tmp_path / "c1.safetensors", shrunk, off, {})
    assert not list(tmp_path.iterdir())


def test_other_files_and_other_architectures_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(BadWeights, match="holds no shrunk network"):
        load_shrunk(tmp_path / "other.safetensors")
    good = shrink(circuit_of("chain", Logit(0), 0.9)).architecture.to_json()
    with pytest.raises(BadModel, match="this version reads"):
        Architecture.from_json({**good, "schema": "proofsight-shrunk/2"})
    with pytest.raises(BadModel, match="no earlier step"):
        Architecture.from_json({**good, "steps": good["steps"][1:]})
    with pytest.raises(BadModel, match="does not build"):
        Step("a", "Sequential", ("image",), {}).build()
    with pytest.raises(BadModel, match="cannot be built"):
        Step("a", "Conv2d", ("image",), {"in_channels": 0}).build()
