"""By which route each image reaches a target: how much every channel on the way contributes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from proofsight_server.circuits.moments import Doubles
from proofsight_server.circuits.passes import channel_scores
from proofsight_server.circuits.score_options import ScoreOptions
from proofsight_server.circuits.target import Loss, with_loss
from proofsight_server.circuits.target_network import TargetNetwork, checked
from proofsight_server.errors import BadOption
from proofsight_server.symbols.feature import Ints

_BATCH = 64


def at_maximum(network: TargetNetwork) -> TargetNetwork:
    """The same with each image's maximum as the loss; a logit stays as it is."""
    return replace(network, target=with_loss(network.target, Loss("max")))


def peaks(network: TargetNetwork, images: Tensor, batch: int = _BATCH) -> tuple[Doubles, Ints]:
    """The target's maximum over positions, and the first position where it is.

    Returns
    -------
    values, positions
        (n,) float64; (n,) into the flattened map.
    """
    checked(network, images)
    with torch.inference_mode():
        maps = [network(some).reshape(len(some), -1) for some in torch.split(images, batch)]
    rows = torch.cat(maps)
    positions = rows.argmax(dim=1)
    values = rows.gather(1, positions[:, None])[:, 0]
    return values.double().numpy(), positions.numpy()


def most_active(network: TargetNetwork, images: Tensor, count: int, batch: int = _BATCH) -> Ints:
    """Positions of the images whose maps have the largest maxima, the largest first.

    Raises
    ------
    BadOption
        `count` is below 1.
    """
    if count < 1:
        raise BadOption(f"at least one image is needed to look at, not {count}")
    values, _ = peaks(network, images, batch)
    return np.argsort(-values, kind="stable")[:count]


def routes(network: TargetNetwork, images: Tensor, options: ScoreOptions | None = None) -> Doubles:
    """One vector per image: channel-level actgrad over all layers, each layer adding up to 1.

    A layer of which no channel contributes is 0.  Only what leads to the target counts; taken at
    each image's maximum.

    Returns
    -------
    routes
        (n, channels of all layers) float64.
    """
    scores = channel_scores(at_maximum(network), images, options)
    parts = []
    for array in scores.values():
        total = array.sum(axis=1, keepdims=True)
        parts.append(np.divide(array, total, out=np.zeros_like(array), where=total > 0))
    return np.concatenate(parts, axis=1)
