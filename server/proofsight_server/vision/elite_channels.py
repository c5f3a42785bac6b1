"""The elite channels of each class, what all others weigh, and how much of a network is theirs.

Source: https://ceur-ws.org/Vol-2986/paper6.pdf.  With m[i, k] the mean of |A| of channel k in image
i and D[c, k] its mean over the training images of class c, Elite(c) are the K channels with
the largest D[c, .].  In the penalty a channel weighs w[c, k] = 0 for k in Elite(c), else D[c, k]
divided by the K-th largest D[c, .].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from proofsight_server.errors import BadOption


@dataclass(frozen=True, slots=True)
class Elite:
    """What the penalty of each channel weighs, fixed before fine-tuning.

    `weights` (classes, channels) float32 in 0..1; `members` (classes, channels) bool, the
    elite; `dead` are channels that no training image activates; `warnings` are for people.
    """

    weights: Tensor
    members: Tensor
    dead: tuple[int, ...]
    warnings: tuple[str, ...]


def elite_of(profile: Tensor, present: Tensor, k: int, classes: tuple[str, ...]) -> Elite:
    """The elite of each class and the weights of all other channels.

    Parameters
    ----------
    profile
        D, (classes, channels): mean of m per class.
    present
        (classes,) bool: whether the class has training images.
    k
        Size of each elite; of equal channels the lowest is in it.
    classes
        Names for warnings.

    Raises
    ------
    BadOption
        `k` leaves no channel that could be penalised.
    """
    channels = profile.shape[1]
    if k >= channels:
        raise BadOption(
            f"K is {k}, but the layer has {channels} channels, so nothing would be penalised; "
            f"choose K below {channels}",
            k=k,
            channels=channels,
        )
    weights = torch.zeros_like(profile)
    members = torch.zeros_like(profile, dtype=torch.bool)
    warnings = []
    for index, row in enumerate(profile):
        if not present[index]:
            warnings.append(f"{classes[index]} has no training images: it gets no penalty")
            continue
        elite = torch.argsort(row, descending=True, stable=True)[:k]
        members[index, elite] = True
        least = row[elite[-1]]
        if least == 0:
            warnings.append(
                f"fewer than {k} channels are active for {classes[index]}: it gets no penalty"
            )
            continue
        weights[index] = row / least
        weights[index, elite] = 0
    dead = tuple(int(channel) for channel in torch.nonzero((profile == 0).all(dim=0)).flatten())
    return Elite(weights, members, dead, tuple(warnings))


def class_profile(means: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """D (classes, channels), the mean of m per class, and (classes,) whether a class occurs.

    `means` (n, channels), `labels` (n,).
    """
    counts = torch.bincount(labels, minlength=classes)
    sums = torch.zeros((classes, means.shape[1]), dtype=torch.float64)
    sums.index_add_(0, labels, means.double())
    return (sums / counts.clamp(min=1)[:, None]).float(), counts > 0


def penalty(means: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Mean over the batch of sum_k w[y_i, k] m[i, k]. `means` (n, channels), `labels` (n,)."""
    return (weights[labels] * means).sum(dim=1).mean()


def elite_share(means: Tensor, labels: Tensor, members: Tensor) -> float:
    """The part of all m that comes from the elite of each image's class; 0 where all is 0."""
    total = float(means.sum(dtype=torch.float64))
    own = float((members[labels] * means).sum(dtype=torch.float64))
    return own / total if total > 0 else 0.0


def random_share(k: int, channels: int) -> float:
    """The elite share to be expected where the `k` channels of a class are drawn at random.

    Each of the `channels` is then among them with probability k / channels, so that this part of
    all m is theirs, however m is spread.
    """
    return k / channels


def channel_means(map: Tensor) -> Tensor:
    """m: mean of |A| per channel, (n, channels), of maps (n, channels, h, w) or units (n, u)."""
    return map.abs() if map.ndim == 2 else map.abs().mean(dim=(2, 3))
