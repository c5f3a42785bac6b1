"""Small networks with every way of connecting layers that the tests need."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from proofsight_server.vision.model import build_model
from proofsight_server.vision.network import Network, save_weights
from proofsight_server.vision.preprocessing import Preprocessing
from proofsight_server.vision.small_cnn import SmallCNN

RESNET = "examples.networks:resnet20"


class Residual(nn.Module):
    """Functional ReLU, a residual add, a projection, and a module ReLU that runs twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(4)
        self.project = nn.Conv2d(4, 4, 1)
        self.relu = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(x))
        y += self.project(x)
        y = self.relu(y)
        y = self.relu(y - 0.1)
        out: Tensor = self.fc(self.drop(F.adaptive_avg_pool2d(y, 1).flatten(1)))
        return out


class Shared(nn.Module):
    """One convolution that runs twice, inside a block that runs twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.block = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.Tanh())
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.block(self.block(self.stem(x)))
        out: Tensor = self.fc(x.mean((2, 3)))
        return out


class Concatenated(nn.Module):
    """Two branches, of which one is pooled before its non-linearity; then concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.GELU())
        self.right = nn.Conv2d(1, 2, 3, padding=1)
        self.head = nn.Sequential(
            nn.Conv2d(5, 6, 1), nn.Dropout(0.2), nn.BatchNorm2d(6), nn.ReLU(inplace=True)
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Linear(6, 5)
        self.fc2 = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        right = F.relu(F.max_pool2d(self.right(x), 1))
        x = self.head(torch.cat([self.left(x), right], 1))
        x = torch.flatten(self.pool(x), 1)
        out: Tensor = self.fc2(torch.tanh(self.fc1(x)))
        return out


class DataDependent(nn.Module):
    """Its flow depends on its data: tracing cannot follow it, and `rare` seldom runs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(4)
        self.act = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1)
        self.rare = nn.Conv2d(4, 4, 1)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        bright = bool(x.max() > 50)
        x = self.act(self.bn1(self.conv1(x)))
        x = self.rare(x) if bright else F.relu(self.conv2(x))
        out: Tensor = self.fc(x.mean((2, 3)))
        return out


def network(
    module: nn.Module, *, shape: tuple[int, int, int] = (1, 8, 8), classes: int = 3, seed: int = 0
) -> Network:
    """A network around a module, with weights and running statistics drawn by `seed`."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            drawn = torch.randn(tensor.shape, generator=generator) * 0.4
            tensor.copy_(drawn.abs() + 0.2 if "var" in name else drawn)
    return Network(
        module=module.eval().requires_grad_(False),
        model="tests:module",
        model_options={},
        classes=tuple(f"class_{index}" for index in range(classes)),
        preprocessing=Preprocessing(mode="L" if shape[0] == 1 else "RGB"),
        input_shape=shape,
    )


def batch(images: int, shape: tuple[int, int, int] = (1, 8, 8), seed: int = 0) -> Tensor:
    """Random input."""
    return torch.from_numpy(
        np.random.default_rng(seed).normal(size=(images, *shape)).astype(np.float32)
    )


def built(model: str, **options: Any) -> nn.Module:
    """The module of a model by name, for four classes of small colour images."""
    arguments: dict[str, Any] = {"classes": 4, "input_shape": (3, 32, 32), "options": {}} | options
    return build_model(model, **arguments)


def saved(path: Path, **changes: Any) -> Network:
    """A small network whose weights are now in `path`, with a record of its training."""
    net = network(SmallCNN(1, 3, ((4,), (5,))))
    net = replace(net, model="small-cnn", model_options={"widths": [[4], [5]]}, **changes)
    save_weights(path, net, training={"data": "digits", "seed": 3})
    return net
