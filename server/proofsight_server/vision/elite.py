"""Elite BackProp: fine-tuning that leaves each class a few channels of its own.

Source: https://ceur-ws.org/Vol-2986/paper6.pdf.  The loss gains

    lambda / |batch| * sum_i sum_k w[y_i, k] * m[i, k]

with m and w as in `elite_channels`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from proofsight_server.errors import BadOption
from proofsight_server.vision.elite_channels import (
    Elite,
    channel_means,
    class_profile,
    elite_of,
    elite_share,
    penalty,
    random_share,
)
from proofsight_server.vision.fitting import Batches, Epoch, FitOptions, fit, judge, state_of
from proofsight_server.vision.layers import LayerInfo, flow_of
from proofsight_server.vision.network import Network
from proofsight_server.vision.points import Flow


@dataclass(frozen=True, slots=True)
class EliteOptions:
    """`k` elite channels per class; `strength` is the lambda of the penalty.

    `sweep` tries several strengths instead, beside a control of strength 0 fine-tuned for as
    long, and keeps the one with the highest elite share whose validation accuracy is at most
    `max_drop` below the control's.
    """

    k: int = 5
    strength: float = 0.1
    sweep: tuple[float, ...] = ()
    max_drop: float = 0.005

    def __post_init__(self) -> None:
        if self.k < 1:
            raise BadOption(
                f"K, the number of elite channels per class, is at least 1, not {self.k}"
            )
        for strength in (self.strength, *self.sweep):
            if not (math.isfinite(strength) and strength >= 0):
                raise BadOption(f"the penalty's lambda is 0 or positive, not {strength}")
        if not 0 <= self.max_drop <= 1:
            raise BadOption(f"max_drop is a share of accuracy in 0..1, not {self.max_drop}")

    @property
    def strengths(self) -> tuple[float, ...]:
        """The strength of each run: one, or those of the sweep after the control's 0."""
        if not self.sweep:
            return (self.strength,)
        return (0.0, *(strength for strength in self.sweep if strength > 0))


@dataclass(frozen=True, slots=True)
class State:
    """How sparse a network is on its training images, and how good on validation images.

    `share` is the part of all activation that comes from the elite of the image's class,
    which does not change with scale; `mean` the mean of m, which does; `dead` a count.
    """

    strength: float
    share: float
    mean: float
    dead: int
    validation_accuracy: float


@dataclass(frozen=True, slots=True)
class EliteReport:
    """What fine-tuning changed, in numbers.

    `control` is fine-tuned for as long without the penalty, so that what it reaches is not the
    penalty's doing; None without a sweep.  `random_share` is what the share would be of channels
    drawn at random.
    """

    layer: str
    k: int
    before: State
    after: State
    control: State | None
    random_share: float
    tried: tuple[State, ...]
    epochs: tuple[Epoch, ...]
    warnings: tuple[str, ...]


def elite_backprop(
    network: Network,
    layer: LayerInfo,
    train: Batches,
    validation: Batches,
    options: EliteOptions,
    fitting: FitOptions,
    *,
    seed: int,
    on_batch: Callable[[int, int], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> tuple[Elite, EliteReport]:
    """Fine-tune a trained network in place until its classes have channels of their own.

    The penalty is taken from the same forward pass as the loss.  Batch norm keeps updating.
    What comes after the layer is not trained: otherwise the penalty would also fall if all
    maps shrank while the head grew, which makes nothing sparser.

    Parameters
    ----------
    network
        Trained; in eval mode before and after.
    layer
        Whose channels the rules will speak of.
    train, validation
        Images to fine-tune on, and images to choose by.
    options
        Size of the elite, strength of the penalty, or a sweep over strengths.
    fitting
        Epochs and rates of fine-tuning; every run of a sweep is equally long.
    seed
        Of the order of images.
    on_batch, on_epoch
        Progress; batches count over all runs of a sweep.

    Raises
    ------
    BadOption
        `k` is not below the number of channels.
    """
    module, reads = network.module, [layer.layer.reads]
    flow = flow_of(network)
    observed = flow.tap(reads, lambda name, map: channel_means(map))
    tapped = flow.tap(reads, lambda name, map: channel_means(map), training=True)

    def means() -> Tensor:
        with torch.inference_mode():
            seen = [observed(images)[1][0] for images, _ in train.in_order(fitting.batch)]
        return torch.cat(seen)

    elite = elite_of(
        *class_profile(means(), train.labels, len(network.classes)), options.k, network.classes
    )

    def state(strength: float) -> State:
        seen = means()
        return State(
            strength=strength,
            share=elite_share(seen, train.labels, elite.members),
            mean=float(seen.mean(dtype=torch.float64)),
            dead=int((seen == 0).all(dim=0).sum()),
            validation_accuracy=judge(module, validation)[1],
        )

    before, start = state(0.0), state_of(module)
    strengths = options.strengths
    tried: list[State] = []
    results: list[tuple[dict[str, Tensor], list[Epoch]]] = []
    for run, strength in enumerate(strengths):
        module.load_state_dict(start)

        def objective(images: Tensor, labels: Tensor, strength: float = strength) -> Tensor:
            logits, (seen,) = tapped(images)
            loss = functional.cross_entropy(logits, labels)
            return loss + strength * penalty(seen, labels, elite.weights)

        def count(done: int, total: int, run: int = run) -> None:
            if on_batch is not None:
                on_batch(run * total + done, len(strengths) * total)

        with _frozen_after(flow, layer.layer.reads):
            epochs = fit(
                module,
                train,
                validation,
                objective,
                fitting,
                generator=torch.Generator().manual_seed(seed),
                phase="elite" if len(strengths) == 1 else f"elite {strength:g}",
                on_batch=count,
                on_epoch=on_epoch,
            )
        tried.append(state(strength))
        results.append((state_of(module), epochs))
    chosen = choose(tried, options.max_drop) if options.sweep else 0
    module.load_state_dict(results[chosen][0])
    return elite, EliteReport(
        layer=layer.layer.atom,
        k=options.k,
        before=before,
        after=tried[chosen],
        control=tried[0] if options.sweep else None,
        random_share=random_share(options.k, elite.weights.shape[1]),
        tried=tuple(tried),
        epochs=tuple(results[chosen][1]),
        warnings=elite.warnings,
    )


def choose(tried: list[State], max_drop: float) -> int:
    """The run with the highest share that costs at most `max_drop`; `tried[0]` is the control."""
    least = tried[0].validation_accuracy - max_drop
    good = [place for place, one in enumerate(tried) if one.validation_accuracy >= least]
    return max(good, key=lambda place: (tried[place].share, -place))


@contextmanager
def _frozen_after(flow: Flow, reads: str) -> Iterator[None]:
    """Keep the parameters of what runs only after a point from being trained."""
    names = list(flow.points)
    place = names.index(reads) + 1
    before = {id(flow.points[name].layer) for name in names[:place]}
    frozen = []
    for name in names[place:]:
        module = flow.points[name].layer
        if module is not None and id(module) not in before:
            frozen += [p for p in module.parameters(recurse=False) if p.requires_grad]
    for parameter in frozen:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(True)
