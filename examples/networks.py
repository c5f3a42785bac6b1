"""Networks of other people's making, as factories for `--model networks:resnet20`.

Each gives the architecture whose published state dict loads into it as it is:
`resnet20` and `resnet32` for CIFAR-10 (akamaster/pytorch_resnet_cifar10; input RGB/255,
ImageNet normalisation, 32 x 32) and `lenet` for MNIST (nandahkrishna/CaffeMNIST; input
grey/256, 28 x 28).

`logistic16` and `logistic16_saturated` are ours, to be trained: 16 logistic units between the
means of 32 channels and the logits, of which the second kind sit near their ends.  `relu128` and
`tanh128` too: two convolutions and a layer of 128 units, all with that activation.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Block(nn.Module):
    """Two convolutions and a shortcut without parameters (option A of He et al. 2015)."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.widen = (out - channels) // 2 if out != channels else 0
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, out, h / stride, w / stride) of maps (n, channels, h, w)."""
        shortcut = x
        if self.stride > 1 or self.widen:
            shortcut = F.pad(
                x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.widen, self.widen)
            )
        maps = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(maps)) + shortcut)


class CifarResNet(nn.Module):
    """A residual network for 32 x 32 images: three stages of `blocks` blocks, 16 to 64 channels."""

    def __init__(self, blocks: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self._stage(16, 16, blocks, 1)
        self.layer2 = self._stage(16, 32, blocks, 2)
        self.layer3 = self._stage(32, 64, blocks, 2)
        self.linear = nn.Linear(64, classes)

    @staticmethod
    def _stage(channels: int, out: int, blocks: int, stride: int) -> nn.Sequential:
        first = Block(channels, out, stride)
        return nn.Sequential(first, *(Block(out, out, 1) for _ in range(blocks - 1)))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, classes) of images (n, 3, 32, 32)."""
        maps = F.relu(self.bn1(self.conv1(x)))
        maps = self.layer3(self.layer2(self.layer1(maps)))
        logits: Tensor = self.linear(F.adaptive_avg_pool2d(maps, 1).flatten(1))
        return logits


class LeNet(nn.Module):
    """Caffe's LeNet: its convolutions are followed by pooling at once, without a ReLU."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5)
        self.conv2 = nn.Conv2d(20, 50, 5)
        self.ip1 = nn.Linear(800, 500)
        self.ip2 = nn.Linear(500, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, classes) of images (n, 1, 28, 28)."""
        maps = F.max_pool2d(self.conv1(x), 2)
        maps = F.max_pool2d(self.conv2(maps), 2)
        logits: Tensor = self.ip2(F.relu(self.ip1(maps.flatten(1))))
        return logits


def resnet20(classes: int = 10) -> nn.Module:
    """ResNet-20 for CIFAR-10."""
    return CifarResNet(3, classes)


def resnet32(classes: int = 10) -> nn.Module:
    """ResNet-32 for CIFAR-10."""
    return CifarResNet(5, classes)


def lenet(classes: int = 10) -> nn.Module:
    """LeNet for MNIST."""
    return LeNet(classes)


class Logistic(nn.Module):
    """Means of 32 channels, then a layer of logistic units, then the logits.

    A batch norm before the logistic function sets how far apart its arguments lie: `slope` times
    the standard deviation that they have in a batch, when training begins.  With 1 most units are
    in between; with 16 nearly all are near 0 or 1, and stay there.
    """

    def __init__(self, units: int, slope: float, classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
        )
        self.hidden = nn.Linear(32, units, bias=False)
        self.norm = nn.BatchNorm1d(units)
        nn.init.constant_(self.norm.weight, slope)
        self.head = nn.Linear(units, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, classes) of grey images (n, 1, h, w)."""
        means = F.adaptive_avg_pool2d(self.features(x), 1).flatten(1)
        logits: Tensor = self.head(torch.sigmoid(self.norm(self.hidden(means))))
        return logits


def logistic16(classes: int = 10) -> nn.Module:
    """16 logistic hidden units, soft ones."""
    return Logistic(16, 1.0, classes)


def logistic16_saturated(classes: int = 10) -> nn.Module:
    """16 logistic hidden units near their ends."""
    return Logistic(16, 16.0, classes)


class Hidden128(nn.Module):
    """Two convolutions with pooling, 128 units and the logits, with one activation for all."""

    def __init__(self, activation: type[nn.Module], classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 5), activation(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 5), activation(), nn.MaxPool2d(2),
        )  # fmt: skip
        self.hidden = nn.Linear(512, 128)
        self.activation = activation()
        self.head = nn.Linear(128, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, classes) of images (n, 1, 28, 28)."""
        units = self.activation(self.hidden(self.features(x).flatten(1)))
        logits: Tensor = self.head(units)
        return logits


def relu128(classes: int = 10) -> nn.Module:
    """128 hidden units with ReLU."""
    return Hidden128(nn.ReLU, classes)


def tanh128(classes: int = 10) -> nn.Module:
    """128 hidden units with tanh."""
    return Hidden128(nn.Tanh, classes)
