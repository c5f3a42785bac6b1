"""Passes over images: sums of what data-driven criteria score, and the routes of images."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from proofsight_server.circuits.backward import backward, loss_of
from proofsight_server.circuits.losses import peaks_of
from proofsight_server.circuits.reductions import PassCriterion, layer_scores
from proofsight_server.circuits.score_options import Progress, ScoreOptions
from proofsight_server.circuits.scores import Doubles
from proofsight_server.circuits.target import Target
from proofsight_server.circuits.target_network import Parameters, TargetNetwork, checked
from proofsight_server.errors import BadTarget
from proofsight_server.vision.probe import check_batch


def kernel_scores(
    network: TargetNetwork,
    images: Tensor,
    criteria: Collection[PassCriterion],
    options: ScoreOptions,
    *,
    parameters: Mapping[str, Parameters] | None = None,
    peaks: Tensor | None = None,
    progress: Progress | None = None,
) -> dict[str, Mapping[str, Doubles]]:
    """One pass over the images: criterion → layer → array of sums over images.

    Dense weights times gradients taken with `parameters` in place of some weights: without any,
    plain scores; with a mask's, the derivative with respect to the mask at that mask.

    Parameters
    ----------
    network, images
        As `precise` gives them.
    criteria, options, progress
        As in `score`.
    parameters, peaks
        As in `backward`; `peaks` of all images.

    Raises
    ------
    BadTarget
        Without `parameters`: the target is 0, or no kernel has any effect on it, on all images.
    """
    sums: dict[str, dict[str, Doubles]] = {name: {} for name in criteria}
    alive = False
    for first in range(0, len(images), options.batch):
        some = slice(first, first + options.batch)
        maps, readings = backward(
            network,
            images[some],
            parameters=parameters,
            peaks=None if peaks is None else peaks[some],
        )
        alive |= bool(maps.any())
        for layer, reading in readings.items():
            module = network.modules[layer]
            found = layer_scores(
                network.wiring.layers[layer], module, module.weight.detach(),
                reading.input, reading.gradient, criteria, options.reduce,
            )  # fmt: skip
            for name, total in found.items():
                known = sums[name].get(layer)
                sums[name][layer] = total.numpy() if known is None else known + total.numpy()
        if progress is not None:
            progress(min(first + options.batch, len(images)), len(images))
    if parameters is None:
        _check_alive(network.target, sums, alive)
    return dict(sums)


def channel_scores(
    network: TargetNetwork, images: Tensor, options: ScoreOptions | None = None
) -> dict[str, Doubles]:
    """The route of each image: per layer, mean over positions of |z·g| of each row that counts.

    Returns
    -------
    scores
        Layer → (n, rows) float64.
    """
    options = options or ScoreOptions()
    network, images = precise(network, images, options)
    parts: dict[str, list[Doubles]] = {layer: [] for layer in network.modules}
    for first in range(0, len(images), options.batch):
        _, readings = backward(network, images[first : first + options.batch])
        for layer, reading in readings.items():
            product = (reading.output * reading.gradient).abs_()
            rows = network.wiring.layers[layer].rows
            # A linear layer has one position.
            means = product.reshape(*product.shape[:2], -1).mean(2).double().numpy()
            parts[layer].append(means if means.shape[1] == len(rows) else means[:, rows])
    return {layer: np.concatenate(found) for layer, found in parts.items()}


def precise(
    network: TargetNetwork, images: Tensor, options: ScoreOptions
) -> tuple[TargetNetwork, Tensor]:
    """A network and images in the precision wanted, after the images were checked.

    Raises
    ------
    BadTensor
        The images do not fit the network.
    """
    if options.precision == "single":
        return network, checked(network, images)
    check_batch(images, network.input_shape, (network.dtype, torch.float32, torch.float64))
    return network.double(), images.double()


def original_peaks(network: TargetNetwork, images: Tensor, options: ScoreOptions) -> Tensor | None:
    """(n,) where each image's map has its maximum, for the loss `argmax`; None for others."""
    if loss_of(network).kind != "argmax":
        return None
    with torch.no_grad():
        batches = torch.split(images, options.batch)
        return torch.cat([peaks_of(network(batch)) for batch in batches])


def _check_alive(target: Target, sums: Mapping[str, Mapping[str, Doubles]], alive: bool) -> None:
    if not alive:
        raise BadTarget(
            f"{target} is 0 everywhere on all images: a dead feature, which no kernel computes; "
            "choose another target, or other images",
            target=target,
        )
    if not any(array.any() for array in _first(sums.values())):
        raise BadTarget(
            f"{target} is the same whatever the kernels do on these images, since no gradient "
            "reaches them; choose another target or loss, or other images",
            target=target,
        )


def _first(sums: Any) -> Iterator[Doubles]:
    yield from next(iter(sums)).values()
