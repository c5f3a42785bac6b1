"""One stretch of training: epochs of AdamW under a one-cycle schedule, watched on validation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from proofsight_server.errors import BadDataset, BadOption
from proofsight_server.vision.dataset import Split
from proofsight_server.vision.network import Network
from proofsight_server.vision.small_cnn import SmallCNN

Objective = Callable[[Tensor, Tensor], Tensor]

# Prepared images are kept between epochs while they fit in this much memory.
_KEPT_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How one stretch of training goes.

    `learning_rate` is the peak of the cycle; `patience` the number of epochs without a better
    validation result after which it ends, None to go to the end; `jitter` the strength of the
    random warp of each training image, 0 for none; `keep` what remains at the end: the weights
    of the `best` epoch, or of the `last`.
    """

    epochs: int
    batch: int = 64
    learning_rate: float = 4e-3
    weight_decay: float = 1e-2
    patience: int | None = None
    jitter: float = 1.0
    keep: str = "best"

    def __post_init__(self) -> None:
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise BadOption(f"{name} is a whole number from 1, not {getattr(self, name)}")
        if self.patience is not None and self.patience < 1:
            raise BadOption(f"patience is a number of epochs from 1, not {self.patience}")
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise BadOption(f"the learning rate is positive, not {self.learning_rate}")
        for name in ("weight_decay", "jitter"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise BadOption(f"{name} is 0 or positive, not {getattr(self, name)}")
        if self.keep not in {"best", "last"}:
            raise BadOption(f"keep is 'best' or 'last', not {self.keep!r}")


@dataclass(frozen=True, slots=True)
class Epoch:
    """Figures of one epoch: mean training loss, and loss and accuracy on validation images."""

    phase: str
    number: int
    of: int
    loss: float
    validation_loss: float
    validation_accuracy: float


class Batches:
    """The labelled images of a split as the network's input; files are decoded once if they fit."""

    def __init__(self, network: Network, split: Split) -> None:
        if split.labels is None:
            raise BadDataset("training needs labels, and this data set has none")
        self._network = network
        self._split = split
        self.labels = torch.from_numpy(split.labels)
        size = 4 * len(split) * math.prod(network.input_shape)
        self._kept: Tensor | None = None
        # Arrays are prepared faster than they could be kept; files have to be decoded.
        if not isinstance(split.images, np.ndarray) and size <= _KEPT_BYTES:
            self._kept = torch.cat([images for images, _ in self.in_order(64)])

    def __len__(self) -> int:
        return len(self._split)

    def at(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Images (n, channels, height, width) and labels (n,) at `indices`."""
        labels = self.labels[indices]
        if self._kept is not None:
            return self._kept[indices], labels
        images = self._split.images
        if isinstance(images, np.ndarray):
            return self._network.prepare(images[indices.numpy()]), labels
        return self._network.prepare([images[int(index)] for index in indices]), labels

    def in_order(self, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """All images and labels, batch by batch."""
        for start in range(0, len(self), batch):
            yield self.at(torch.arange(start, min(start + batch, len(self))))


def fit(
    module: nn.Module,
    train: Batches,
    validation: Batches,
    objective: Objective,
    options: FitOptions,
    *,
    generator: torch.Generator,
    phase: str,
    on_batch: Callable[[int, int], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> list[Epoch]:
    """Train a module in place.

    Batch norm keeps updating its running statistics.  Parameters that want no gradient stay
    as they are.  Afterwards the module is in eval mode, also when it is interrupted.

    Parameters
    ----------
    module
        What is trained.
    train, validation
        Images to learn from, and images to judge by: the better epoch has the higher
        accuracy there, then the lower loss.
    objective
        The loss of (images, labels), from one forward pass of the module in training mode.
    options
        Epochs, rates and the rest.
    generator
        Of the order of images and their warps.
    phase
        What this stretch is called in figures.
    on_batch
        Called with batches done and batches in all.
    on_epoch
        Called with each epoch's figures.

    Returns
    -------
    figures of each epoch that ran
    """
    steps = math.ceil(len(train) / options.batch)
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        parameters, lr=options.learning_rate, weight_decay=options.weight_decay
    )
    total_steps = steps * options.epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: one_cycle(step, total_steps)
    )
    layout = torch.channels_last if isinstance(module, SmallCNN) else torch.contiguous_format
    epochs: list[Epoch] = []
    best: tuple[tuple[float, float], int, dict[str, Tensor]] | None = None
    with laid_out(module, layout):
        for number in range(1, options.epochs + 1):
            total = 0.0
            with training(module):
                order = torch.randperm(len(train), generator=generator)
                for step in range(steps):
                    indices = order[step * options.batch : (step + 1) * options.batch]
                    images, labels = train.at(indices)
                    images = warped(images, options.jitter, generator)
                    loss = objective(images.contiguous(memory_format=layout), labels)
                    optimizer.zero_grad()
                    torch.autograd.backward(loss)
                    optimizer.step()
                    schedule.step()
                    total += loss.item() * len(indices)
                    if on_batch is not None:
                        on_batch((number - 1) * steps + step + 1, total_steps)
            loss_there, accuracy = judge(module, validation)
            epochs.append(
                Epoch(phase, number, options.epochs, total / len(train), loss_there, accuracy)
            )
            if on_epoch is not None:
                on_epoch(epochs[-1])
            if best is None or (accuracy, -loss_there) > best[0]:
                best = ((accuracy, -loss_there), number, state_of(module))
            elif options.patience is not None and number - best[1] >= options.patience:
                break
        if options.keep == "best" and best is not None:
            module.load_state_dict(best[2])
    return epochs


def one_cycle(step: int, steps: int) -> float:
    """The share of the peak rate at a step of a cycle: up in a quarter, down in the rest.

    Both ways along half a cosine, from 1/25 and to 0.  torch's `OneCycleLR` fails on cycles of
    four steps, and small data have such.
    """
    up = max(1, round(steps / 4))
    if step < up:
        return 1 / 25 + (1 - 1 / 25) * (1 - math.cos(math.pi * (step + 1) / up)) / 2
    return (1 + math.cos(math.pi * (step - up) / max(1, steps - up))) / 2


def judge(module: nn.Module, images: Batches, batch: int = 256) -> tuple[float, float]:
    """Mean cross-entropy and accuracy of a module in eval mode. One look at each image."""
    loss, right = 0.0, 0
    with torch.inference_mode():
        for one, labels in images.in_order(batch):
            logits = module(one)
            loss += float(functional.cross_entropy(logits, labels, reduction="sum"))
            right += int((logits.numpy().argmax(axis=1) == labels.numpy()).sum())
    return loss / len(images), right / len(images)


def state_of(module: nn.Module) -> dict[str, Tensor]:
    """A copy of the weights and running statistics as they are now."""
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


@contextmanager
def laid_out(module: nn.Module, layout: torch.memory_format) -> Iterator[None]:
    """Weights in another memory layout for as long as the block lasts.

    Channels last makes a CPU train small-cnn half as fast again.  Networks of other people's
    making may not run so: `view` takes the usual layout for granted.
    """
    weights = [weight for weight in module.parameters() if weight.ndim == 4]
    try:
        for weight in weights:
            weight.data = weight.data.contiguous(memory_format=layout)
        yield
    finally:
        for weight in weights:
            weight.data = weight.data.contiguous()


@contextmanager
def training(module: nn.Module) -> Iterator[None]:
    """Training mode for as long as the block lasts."""
    module.train()
    try:
        yield
    finally:
        module.eval()


def warped(images: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Each image a little turned, sheared, scaled and shifted, by chance.

    At strength 1: turned and sheared by up to 10 degrees, scaled by up to 10 %, shifted by up to
    an eighth of its size.  The border is continued.

    Parameters
    ----------
    images
        (n, channels, height, width).
    strength
        Factor on all four; 0 returns the images as they are.
    generator
        Of the chances.
    """
    if strength == 0:
        return images
    count = len(images)

    def chance(most: float) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * most * strength

    turn, shear = chance(math.radians(10)), chance(math.radians(10))
    scale = 1 + chance(0.1)
    rows: Sequence[Tensor] = (
        torch.stack([turn.cos() * scale, -turn.sin() * scale + shear, chance(0.25)], dim=1),
        torch.stack([turn.sin() * scale, turn.cos() * scale, chance(0.25)], dim=1),
    )
    grid = functional.affine_grid(
        torch.stack(list(rows), dim=1), list(images.shape), align_corners=False
    )
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
