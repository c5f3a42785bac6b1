"""The masked network: kernels go, biases stay, and the network itself is left as it is."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from proofsight_server.circuits.masked import contributions_for, masked, mean_contributions
from proofsight_server.circuits.target import Logit, Unit
from proofsight_server.circuits.target_network import TargetNetwork, target_network
from proofsight_server.errors import BadDataset, BadOption, BadTarget, BadTensor
from proofsight_server.symbols.feature import Bools
from tests.circuits.small_networks import KINDS, LAST, SHAPE, pictures, small_network


def random_mask(network: TargetNetwork, keep: float, seed: int = 0) -> dict[str, Bools]:
    rng = np.random.default_rng(seed)
    return {name: rng.random(node.shape) < keep for name, node in network.wiring.layers.items()}


def by_hand(root: nn.Module, mask: Mapping[str, Bools], rows: Mapping[str, Tensor]) -> nn.Module:
    """A copy of the network with removed kernels set to zero, one at a time."""
    changed = copy.deepcopy(root)
    for name, kept in mask.items():
        weight = changed.get_submodule(name).weight
        assert isinstance(weight, Tensor)
        for row in range(kept.shape[0]):
            for source in range(kept.shape[1]):
                if not kept[row, source]:
                    weight[int(rows[name][row]), source] = 0
    return changed


@pytest.mark.parametrize("kind", KINDS)
def test_a_masked_network_is_the_network_with_kernels_of_zeros(kind: str) -> None:
    root, x = small_network(kind), pictures(3)
    before = {name: tensor.clone() for name, tensor in root.state_dict().items()}
    network = target_network(root, Unit(LAST[kind], 2), SHAPE)
    mask = random_mask(network, 0.5)
    rows = {name: torch.from_numpy(node.rows) for name, node in network.wiring.layers.items()}
    found = masked(network, mask)(x)
    expected = target_network(by_hand(root, mask, rows), Unit(LAST[kind], 2), SHAPE)(x)
    assert torch.allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(found, network(x), atol=1e-3)
    assert all(torch.equal(before[name], tensor) for name, tensor in root.state_dict().items())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ablation", ["zero", "mean"])
def test_the_full_mask_changes_nothing_at_all(kind: str, ablation: str) -> None:
    network = target_network(small_network(kind), Logit(1), SHAPE)
    x = pictures(3)
    whole = masked(network, network.wiring.counted(), contributions_for(network, ablation, x))
    assert torch.equal(whole(x), network(x)) and not whole.collapse
    assert torch.equal(whole.logits(x), network.output(x))


def test_the_empty_mask_is_a_collapse_that_gives_what_biases_give() -> None:
    network = target_network(small_network("chain"), Unit("features.5", 0), SHAPE)
    circuit = masked(network, random_mask(network, 0.0))
    found = circuit(pictures(3))
    assert circuit.collapse and torch.equal(found[0], found[1])
    assert torch.allclose(found, network.modules["features.5"].bias[0].expand_as(found))  # type: ignore[index]


@pytest.mark.parametrize("kind", ["chain", "padded", "grouped"])
def test_contributions_are_means_of_what_each_kernel_adds(kind: str) -> None:
    """Against the difference that deleting one kernel makes to the layer's output."""
    network = target_network(small_network(kind), Unit(LAST[kind], 1), SHAPE)
    x = pictures(4)
    found = mean_contributions(network, x, batch=3)
    outputs: dict[str, Tensor] = {}

    def keep_output(layer: str, taken: Tensor, given: Tensor) -> Tensor:
        outputs[layer] = given
        return given

    network(x, observe=keep_output)
    whole = dict(outputs)
    for layer, node in list(network.wiring.layers.items())[:2]:
        for row, source in ((0, 0), (len(node.rows) - 1, node.shape[1] - 1)):
            mask = {name: np.ones(n.shape, bool) for name, n in network.wiring.layers.items()}
            mask[layer][row, source] = False
            network(x, parameters=masked(network, mask).parameters, observe=keep_output)
            added = (whole[layer] - outputs[layer])[:, int(node.rows[row])]
            assert float(added.mean()) == pytest.approx(float(found[layer][row, source]), abs=1e-5)


def test_mean_ablation_keeps_the_mean_of_the_layer_that_loses_kernels() -> None:
    network = target_network(small_network("chain"), Unit("features.3", 4), SHAPE)
    x = pictures(40)
    mask = network.wiring.counted()
    mask["features.3"][0, ::2] = False
    zero, mean = masked(network, mask), masked(network, mask, mean_contributions(network, x))
    assert float(mean(x).mean()) == pytest.approx(float(network(x).mean()), abs=1e-5)
    assert float(zero(x).mean()) != pytest.approx(float(network(x).mean()), abs=1e-2)
    assert (zero.ablation, mean.ablation) == ("zero", "mean")


def test_only_logits_are_decided_by() -> None:
    network = target_network(small_network("chain"), Unit("features.3", 4), SHAPE)
    with pytest.raises(BadTarget, match="no logit"):
        masked(network, network.wiring.counted()).logits(pictures(1))


def test_masks_that_do_not_fit_and_unknown_ablations_are_refused() -> None:
    network = target_network(small_network("chain"), Unit("features.3", 4), SHAPE)
    mask = network.wiring.counted()
    with pytest.raises(BadTensor, match=r"lacks layer features\.3"):
        masked(network, {"features.0": mask["features.0"]})
    with pytest.raises(BadTensor, match="give bool"):
        masked(network, {**mask, "features.3": np.ones((1, 6))})  # type: ignore[dict-item]  # on purpose
    with pytest.raises(BadOption, match="known: zero, mean"):
        contributions_for(network, "median", pictures(2))
    with pytest.raises(BadDataset, match="no image is left"):
        mean_contributions(network, pictures(0))
