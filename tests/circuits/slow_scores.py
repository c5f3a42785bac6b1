"""Scores of kernels from their definitions: one image, one kernel, one tap at a time."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from proofsight_server.circuits.scores import Doubles

LossOf = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class SlowScores:
    """Per layer, sums over images of each criterion with sums over taps and positions."""

    kernel_mask: dict[str, Doubles]
    snip: dict[str, Doubles]
    actgrad: dict[str, Doubles]


def slow_scores(module: nn.Module, images: Tensor, layer: str | None, loss: LossOf) -> SlowScores:
    """Scores of all convolutions for `loss(z of layer)`, or of the logits where it is None."""
    module = copy.deepcopy(module).double()
    names = [name for name, child in module.named_modules() if isinstance(child, nn.Conv2d)]
    convolutions = {name: _convolution(module, name) for name in names}
    found = SlowScores({}, {}, {})
    for kind in (found.kernel_mask, found.snip, found.actgrad):
        kind |= {name: np.zeros(conv.weight.shape[:2]) for name, conv in convolutions.items()}
    for image in images.double():
        _add(found, module, convolutions, image[None], layer, loss)
    return found


def _convolution(module: nn.Module, name: str) -> nn.Conv2d:
    found = module.get_submodule(name)
    assert isinstance(found, nn.Conv2d)
    return found


def _add(
    found: SlowScores,
    module: nn.Module,
    convolutions: dict[str, nn.Conv2d],
    image: Tensor,
    layer: str | None,
    loss: LossOf,
) -> None:
    inputs: dict[str, Tensor] = {}
    outputs: dict[str, Tensor] = {}

    def hook(name: str) -> Callable[..., Tensor]:
        def keep(child: nn.Module, taken: tuple[Tensor, ...], given: Tensor) -> Tensor:
            inputs[name], outputs[name] = taken[0].detach().clone(), given
            return given.clone()  # what works in place on it leaves the one that is kept

        return keep

    weights = {n: conv.weight.detach() for n, conv in convolutions.items()}
    masks = {
        n: torch.ones(*w.shape[:2], 1, 1, dtype=w.dtype).requires_grad_()
        for n, w in weights.items()
    }
    thetas = {n: w.clone().requires_grad_() for n, w in weights.items()}
    handles = [conv.register_forward_hook(hook(n)) for n, conv in convolutions.items()]
    given = {f"{n}.weight": thetas[n] * masks[n] for n in weights}
    logits = torch.func.functional_call(module, given, (image,))
    for handle in handles:
        handle.remove()
    value = loss(logits[0] if layer is None else outputs[layer][0])
    leaves = [*masks.values(), *thetas.values(), *outputs.values()]
    gradients = torch.autograd.grad(value, leaves, allow_unused=True, materialize_grads=True)
    count = len(weights)
    for place, name in enumerate(weights):
        by_mask, by_weight, g = (gradients[place + count * part] for part in range(3))
        found.kernel_mask[name] += by_mask[:, :, 0, 0].abs().numpy()
        found.snip[name] += (weights[name] * by_weight).abs().sum((2, 3)).numpy()
        found.actgrad[name] += _maps(convolutions[name], inputs[name], g)


def _maps(conv: nn.Conv2d, input: Tensor, gradient: Tensor) -> Doubles:
    """Σ_p |A[p]·g[p]| per kernel, each from a convolution of its own."""
    mode = "constant" if conv.padding_mode == "zeros" else conv.padding_mode
    padded = F.pad(input, conv._reversed_padding_repeated_twice, mode=mode)
    rows, width = conv.weight.shape[:2]
    sums = np.zeros((rows, width))
    for row in range(rows):
        group = row // (rows // conv.groups)
        for column in range(width):
            channel = padded[:, group * width + column][:, None]
            kernel = conv.weight[row, column][None, None]
            own = F.conv2d(channel, kernel, None, conv.stride, 0, conv.dilation)
            sums[row, column] = float((own[0, 0] * gradient[0, row]).abs().sum())
    return sums
