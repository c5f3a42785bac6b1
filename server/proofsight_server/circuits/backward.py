"""One forward and one backward pass: what each layer read and gave, and the gradient there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from proofsight_server.circuits.losses import losses
from proofsight_server.circuits.target import Logit, Loss
from proofsight_server.circuits.target_network import Parameters, TargetNetwork


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A layer in one pass over n images.

    `input` x, what its kernels read; `output` z, before batch norm; `gradient` ∂F_n/∂z_n.  Of the
    target's layer, output and gradient have the rows that count only.
    """

    input: Tensor
    output: Tensor
    gradient: Tensor


def backward(
    network: TargetNetwork,
    batch: Tensor,
    *,
    parameters: Mapping[str, Parameters] | None = None,
    peaks: Tensor | None = None,
) -> tuple[Tensor, dict[str, Reading]]:
    """The target's maps, and each layer's input, output and gradient.

    Only activations are differentiated; weights keep no gradient.

    Parameters
    ----------
    network
        Cut off at its target.
    batch
        (n, channels, height, width) in the network's type.
    parameters
        By layer, what stands in place of its weights and bias.
    peaks
        Where the loss `argmax` looks, see `losses`.

    Returns
    -------
    maps, readings
        The maps or logits without a gradient; readings by layer, input first.
    """
    inputs: dict[str, Tensor] = {}
    outputs: dict[str, Tensor] = {}

    def keep(layer: str, input: Tensor, output: Tensor) -> Tensor:
        if not output.requires_grad:
            output = output.detach().requires_grad_()
        inputs[layer], outputs[layer] = input.detach(), output
        return output

    with torch.enable_grad():
        maps = network(batch, parameters=parameters, observe=keep)
        total = losses(maps, loss_of(network), peaks).sum()
    found = torch.autograd.grad(total, list(outputs.values()), materialize_grads=True)
    readings = {
        layer: Reading(inputs[layer], outputs[layer].detach(), gradient)
        for layer, gradient in zip(outputs, found, strict=True)
    }
    return maps.detach(), {layer: readings[layer] for layer in network.modules}


def loss_of(network: TargetNetwork) -> Loss:
    """The loss of a network's target; a logit is a number already."""
    return Loss() if isinstance(network.target, Logit) else network.target.loss
