"""Whether scores mean what they are for: a planted circuit is found, and deletion is ranked."""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from proofsight_server.circuits import Parameters, parse_target, score, select, target_network
from proofsight_server.circuits.score_options import CRITERIA
from tests.circuits.small_networks import SHAPE, pictures, small_network

DATA_DRIVEN = ("kernel_mask", "snip", "actgrad")


class Planted(nn.Module):
    """Channels 0 and 1 of each layer feed each other; the others are large, and lead nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 6, 3, padding=1)
        self.conv2 = nn.Conv2d(6, 6, 3, padding=1)
        self.conv3 = nn.Conv2d(6, 1, 1)
        for conv in (self.conv1, self.conv2, self.conv3):
            nn.init.normal_(conv.weight, std=2, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            self.conv2.weight[:2, 2:] = 0
            self.conv3.weight[:, 2:] = 0
            for conv in (self.conv1, self.conv2, self.conv3):
                conv.weight[:2, :2] /= 10

    def forward(self, x: Tensor) -> Tensor:
        maps = self.conv3(torch.tanh(self.conv2(torch.tanh(self.conv1(x)))))
        out: Tensor = maps.mean((2, 3))
        return out


def test_a_planted_circuit_is_found_whole_and_alone_by_all_that_look_at_images() -> None:
    planted = {"conv1": 2 * 2, "conv2": 2 * 2, "conv3": 2}
    found = score(Planted().eval(), pictures(4), "conv3:0", (*DATA_DRIVEN, "magnitude"))
    for criterion in DATA_DRIVEN:
        mask = select(found[criterion], budget=sum(planted.values()))
        assert {layer: int(mask[layer][:2, :2].sum()) for layer in mask} == planted
        assert mask.kept == sum(planted.values()) and mask.shortfall == 0
    by_size = select(found["magnitude"], budget=sum(planted.values()))
    assert sum(int(by_size[layer][:2, :2].sum()) for layer in by_size) < sum(planted.values())


def test_scores_rank_kernels_as_deleting_each_alone_does() -> None:
    module, images = small_network("normed"), pictures(6)
    network = target_network(module, parse_target("conv3:1"), SHAPE)
    found = score(network, images, criteria=CRITERIA)
    whole = network(images)
    true: list[float] = []
    for name, node in network.wiring.layers.items():
        conv = network.modules[name]
        for place, row in enumerate(node.rows):
            for source in range(node.shape[1]):
                weight = conv.weight.clone()
                weight[row, source] = 0
                less = network(images, parameters={name: Parameters(weight, conv.bias)})
                true.append(float((whole - less).abs().sum()))
                assert node.inputs()[place, source] == source
    rho = {
        name: spearmanr(np.concatenate([a.ravel() for a in one.values()]), true).statistic
        for name, one in found.items()
    }
    for criterion in DATA_DRIVEN:
        assert rho[criterion] > 0.5 > abs(rho["random"])
