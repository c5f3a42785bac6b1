"""The masked network: only kept kernels, every bias and batch-norm constant as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from proofsight_server.circuits.target import Logit
from proofsight_server.circuits.target_network import (
    KernelModule,
    Parameters,
    TargetNetwork,
)
from proofsight_server.circuits.wiring import Node
from proofsight_server.errors import BadDataset, BadOption, BadTarget
from proofsight_server.symbols.feature import Bools
from proofsight_server.vision.probe import check_batch

Ablation = Literal["zero", "mean"]

_BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class MaskedNetwork:
    """A network cut off at a target, with θ·m in place of θ; the network itself stays as it is.

    What it computes is F_raw, the definition of a circuit: kernels that are kept count even where
    no path leads to them, since a channel without input still gives its bias to its readers.

    `mask` has the arrays that it was made from; call it like the network.
    """

    network: TargetNetwork
    mask: Mapping[str, Bools]
    parameters: Mapping[str, Parameters]
    ablation: Ablation = "zero"

    def __call__(self, batch: Tensor) -> Tensor:
        """The target of each image: its map (n, h, w), or its logit (n,)."""
        return self.network(batch, parameters=self.parameters)

    def logits(self, batch: Tensor) -> Tensor:
        """All logits (n, classes) of the masked network.

        Raises
        ------
        BadTarget
            The target is a map.
        """
        if not isinstance(self.network.target, Logit):
            raise BadTarget(f"{self.network.target} is a map and no logit, so nothing is decided")
        return self.network.output(batch, parameters=self.parameters)

    @property
    def collapse(self) -> bool:
        """Whether no path of kept kernels leads from the image to the target."""
        effective = self.network.wiring.effective(self.mask)
        return not any(array.any() for array in effective.values())


def masked(
    network: TargetNetwork,
    mask: Mapping[str, Bools],
    contributions: Mapping[str, Tensor] | None = None,
) -> MaskedNetwork:
    """The network with only the kernels of a mask.

    Kernels that no path from the image reaches in the whole network are no part of N and stay:
    like biases, they carry nothing of the image.

    Parameters
    ----------
    network
        The whole network up to the target.
    mask
        Per layer (rows, sources) bool, as `select` gives it; not yet effective.
    contributions
        What `mean_contributions` gave: a removed kernel then leaves its mean behind
        (mean ablation).  Without it removed kernels leave nothing (zero ablation).

    Raises
    ------
    BadTensor
        The mask is of other layers or shapes.
    """
    wiring = network.wiring
    wiring.check(mask)
    counted = wiring.counted()
    parameters = {}
    for name, node in wiring.layers.items():
        module = network.modules[name]
        kept = mask[name] | ~counted[name]
        weight = kernels_of(module, node) * _whole(kept, node, module)[:, :, None]
        bias = None if module.bias is None else module.bias.detach()
        if contributions is not None:
            left = contributions[name].masked_fill(torch.from_numpy(kept), 0).sum(dim=1)
            bias = weight.new_zeros(node.channels) if bias is None else bias.clone()
            bias[torch.from_numpy(node.rows)] += left.to(bias.dtype)
        parameters[name] = Parameters(weight.reshape(module.weight.shape), bias)
    ablation: Ablation = "zero" if contributions is None else "mean"
    return MaskedNetwork(network, dict(mask), parameters, ablation)


def kernels_of(module: KernelModule, node: Node) -> Tensor:
    """The weight of a layer as kernels: (channels, sources of a channel, taps)."""
    return module.weight.detach().reshape(node.channels, node.shape[1], node.taps)


def mean_contributions(
    network: TargetNetwork, images: Tensor, batch: int = _BATCH
) -> dict[str, Tensor]:
    """What each kernel adds to a position of its destination on average: Σ_u θ[o,c,u]·μ[c,u].

    μ is the mean of the input under each tap, over images and positions, padding included, in the
    whole network.

    Parameters
    ----------
    images
        (n, channels, height, width) float32 to average over: those that were scored on.
    batch
        Images run at once.

    Returns
    -------
    contributions
        Per layer (rows, sources) float64.

    Raises
    ------
    BadDataset
        There is no image.
    """
    if not len(images):
        raise BadDataset("no image is left to take means over; give more images")
    check_batch(images, network.input_shape, (network.dtype, torch.float32))
    sums: dict[str, Tensor] = {}

    def observe(layer: str, input: Tensor, output: Tensor) -> Tensor:
        # Taps are linear in the input, so that one sum over images serves all of them.
        total = input.sum(dim=0, dtype=torch.float64)
        sums[layer] = sums[layer] + total if layer in sums else total
        return output

    with torch.inference_mode():
        for part in torch.split(images, batch):
            network(part.to(network.dtype), observe=observe)
        return {
            name: _mean_contribution(network.modules[name], node, sums[name] / len(images))
            for name, node in network.wiring.layers.items()
        }


def contributions_for(
    network: TargetNetwork, ablation: str, images: Tensor
) -> dict[str, Tensor] | None:
    """The contributions that an ablation of this name needs.

    Raises
    ------
    BadOption
        There is no such ablation.
    """
    if ablation not in ("zero", "mean"):
        raise BadOption(f"no ablation named {ablation!r}; known: zero, mean", ablation=ablation)
    return None if ablation == "zero" else mean_contributions(network, images)


def _whole(mask: Bools, node: Node, module: KernelModule) -> Tensor:
    """A mask of all channels of a layer; those that do not lead to the target stay whole."""
    whole = np.ones((node.channels, node.shape[1]), dtype=bool)
    whole[node.rows] = mask
    return torch.from_numpy(whole).to(module.weight.dtype)


def _mean_contribution(module: KernelModule, node: Node, mean: Tensor) -> Tensor:
    """(rows, sources) from the mean input (inputs, h, w) of a layer, or (columns,) of a linear."""
    means = mean.reshape(-1, node.taps) if isinstance(module, nn.Linear) else _taps(module, mean)
    weight = kernels_of(module, node)[torch.from_numpy(node.rows)].to(torch.float64)
    sources = torch.from_numpy(node.inputs())
    return torch.einsum("rcu,rcu->rc", weight, means[sources])


def _taps(module: nn.Conv2d, mean: Tensor) -> Tensor:
    """(inputs, taps) means over the positions of the output."""
    mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
    padded = F.pad(mean[None], module._reversed_padding_repeated_twice, mode=mode)
    columns = F.unfold(padded, module.kernel_size, module.dilation, 0, module.stride)
    return columns[0].mean(dim=1).reshape(len(mean), -1)
