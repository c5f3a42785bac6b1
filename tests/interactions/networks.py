"""Small networks with drawn weights, and images for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from proofsight_server.interactions.tables import Subject
from proofsight_server.vision.image import Pixels
from proofsight_server.vision.network import Network
from proofsight_server.vision.preprocessing import Preprocessing

CLASSES = ("cat", "dog", "two words")


def small_network(
    seed: int,
    *,
    side: int = 8,
    mode: str = "L",
    stride: int = 1,
    preprocessing: Preprocessing | None = None,
) -> Network:
    """A padded convolution, batch norm, non-linearity, pooling and a linear layer."""
    torch.manual_seed(seed)
    channels = 1 if mode == "L" else 3
    last = nn.Linear(54, len(CLASSES))
    module = nn.Sequential(
        nn.Conv2d(channels, 6, 3, padding=1, stride=stride),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(3),
        nn.Flatten(),
        last,
    ).eval()
    with torch.no_grad():
        last.weight.mul_(8)
    prepared = preprocessing or Preprocessing(
        mode="L" if channels == 1 else "RGB", size=side, mean=(0.4,), std=(0.3,)
    )
    return Network(
        module.requires_grad_(False), "small", {}, CLASSES, prepared, (channels, side, side)
    )


def picture(seed: int = 0, side: int = 8, channels: int = 1) -> Pixels:
    """Noise."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, size=(side, side, channels), dtype=np.uint8)


def subject(name: str = "net/1", seed: int = 0) -> Subject:
    """A network and an image for it."""
    return Subject(name, small_network(seed), picture())


def with_module(network: Network, module: nn.Module) -> Network:
    """The network with another module."""
    return replace(network, module=module.eval())
