"""Small networks of every kind that circuits have to deal with, for images (2, 9, 9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

SHAPE = (2, 9, 9)


class Chain(nn.Module):
    """Convolutions with biases, without padding and with; a linear head over flattened maps."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(2, 6, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 7, 3),
            nn.LeakyReLU(0.1),
            nn.Conv2d(7, 5, 1),
        )
        self.head = nn.Sequential(nn.Linear(20, 6), nn.ReLU(), nn.Linear(6, 3))

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.features(x))
        out: Tensor = self.head(torch.flatten(x, 1))
        return out


class Normed(nn.Module):
    """Batch norm between convolutions; the head sees averages."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 6, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(6, 6, 3, padding=1, stride=2, bias=False)
        self.bn2 = nn.BatchNorm2d(6)
        self.conv3 = nn.Conv2d(6, 5, 3, padding=1)
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x)), inplace=True), 2, padding=1)
        x = torch.sigmoid(self.conv3(self.drop(x)))
        out: Tensor = self.fc(x.mean((2, 3)))
        return out


class Residual(nn.Module):
    """Shortcuts: identity, padded with channels of zeros at a stride, and projected."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3, padding=1)
        self.conv1 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 8, 3, padding=1, stride=2)
        self.bn2 = nn.BatchNorm2d(8)
        self.conv3 = nn.Conv2d(8, 6, 3, padding=1)
        self.project = nn.Conv2d(8, 6, 1)
        self.last = nn.Conv2d(6, 5, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        x = self.relu(self.bn1(self.conv1(x)) + x)
        shortcut = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2))
        x = self.relu(self.bn2(self.conv2(x)) + shortcut)
        y = self.conv3(x)
        y += self.project(x)
        x = self.last(self.relu(y))
        out: Tensor = self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))
        return out


class Concatenated(nn.Module):
    """Branches side by side, one of them pooled; then a gate that multiplies."""

    def __init__(self) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(2, 5, 1)
        self.left = nn.Conv2d(5, 4, 1)
        self.right = nn.Conv2d(5, 4, 3, padding=1)
        self.gate = nn.Conv2d(10, 10, 1)
        self.mix = nn.Conv2d(10, 6, 3, padding=1, dilation=2)
        self.last = nn.Conv2d(6, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        s = F.relu(self.squeeze(x))
        pooled = F.avg_pool2d(x, 3, 1, 1)
        x = torch.cat([F.relu(self.left(s)), F.relu(self.right(s)), pooled], 1)
        x = x * torch.sigmoid(self.gate(F.adaptive_avg_pool2d(x, 1)))
        x = self.last(F.relu(self.mix(x)))
        return x.mean(dim=[2, 3])


class Grouped(nn.Module):
    """Depthwise and grouped convolutions, a channel shuffle, chunks, and relu6."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 6, 3, padding=1)
        self.depth = nn.Conv2d(6, 12, 3, padding=1, groups=6)
        self.bn = nn.BatchNorm2d(12)
        self.grouped = nn.Conv2d(12, 8, 3, padding=1, stride=2, groups=2)
        self.point = nn.Conv2d(8, 6, 1)
        self.last = nn.Conv2d(3, 4, 3, groups=1)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self.stem(x))
        x = F.relu6(self.bn(self.depth(x)))
        n, c, h, w = x.size()
        x = x.view(n, 3, c // 3, h, w).transpose(1, 2).contiguous().view(n, -1, h, w)
        x = F.relu(self.grouped(x))
        a, b = self.point(x).chunk(2, dim=1)
        x = self.last(a - 0.5 * b)
        out: Tensor = self.fc(F.adaptive_max_pool2d(x, 1).flatten(1))
        return out


class Padded(nn.Module):
    """Every kind of padding: circular, reflected, replicated, uneven, `same`, and by a module."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 6, 3, padding=1, padding_mode="circular")
        self.conv2 = nn.Conv2d(6, 6, 3, padding=(2, 1), padding_mode="reflect")
        self.pad = nn.ReplicationPad2d((1, 0, 2, 1))
        self.conv3 = nn.Conv2d(6, 6, (3, 2), stride=(2, 1))
        self.conv4 = nn.Conv2d(6, 5, 3, padding="same")
        self.scale = nn.Parameter(torch.ones(5, 1, 1))
        self.conv5 = nn.Conv2d(5, 4, 2)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.elu(self.conv1(x))
        x = F.softplus(self.conv2(x))
        x = F.relu(self.conv3(self.pad(x)))
        x = F.pad(torch.tanh(self.conv4(x)) * self.scale + 1, (1, 0, 0, 1))
        x = self.conv5(x)
        out: Tensor = self.fc(x.amax((2, 3)))
        return out


KINDS: Mapping[str, Callable[[], nn.Module]] = {
    "chain": Chain,
    "normed": Normed,
    "residual": Residual,
    "concatenated": Concatenated,
    "grouped": Grouped,
    "padded": Padded,
}
# The last convolution of each, where a target can be.
LAST: Mapping[str, str] = {
    "chain": "features.5",
    "normed": "conv3",
    "residual": "last",
    "concatenated": "last",
    "grouped": "last",
    "padded": "conv5",
}


def small_network(kind: str, seed: int = 0) -> nn.Module:
    """A network in eval mode with weights and running statistics drawn by `seed`."""
    module = KINDS[kind]()
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            drawn = torch.randn(tensor.shape, generator=generator) * 0.5
            tensor.copy_(drawn.abs() + 0.3 if "var" in name else drawn)
    return module.eval().requires_grad_(False)


def pictures(count: int, seed: int = 0) -> Tensor:
    """Random images."""
    drawn = np.random.default_rng(seed).normal(size=(count, *SHAPE))
    return torch.from_numpy(drawn.astype(np.float32))
