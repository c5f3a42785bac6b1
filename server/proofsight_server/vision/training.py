"""Training a network for a data set, and making it sparse if asked."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from proofsight_server.errors import BadDataset, BadModel, BadOption
from proofsight_server.vision.dataset import Dataset
from proofsight_server.vision.elite import EliteOptions, EliteReport, elite_backprop
from proofsight_server.vision.fitting import Batches, Epoch, FitOptions, fit, judge
from proofsight_server.vision.layers import resolve
from proofsight_server.vision.model import SMALL_CNN, build_model, input_mode
from proofsight_server.vision.network import Network, logits_of, settle_shape
from proofsight_server.vision.preprocessing import Preprocessing
from proofsight_server.vision.preprocessing_options import PreprocessingOptions
from proofsight_server.vision.small_cnn import SmallCNN

# Images to learn from in all, from which the number of epochs follows where none is given.
_BUDGET = 270_000
_EPOCHS = (3, 30)
# From so many images on, larger batches do as well in less time, and weaker warps suffice.
_MANY = 20_000


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """How to train.

    `epochs` None chooses between 3 and 30 by the number of training images, which also chooses
    `batch` (64 or 128) and `jitter` (1 or .5) where they are None; `patience` None never ends
    early; `elite` K turns on Elite BackProp with penalty `elite_lambda`, or the best
    of `elite_sweep`, for `elite_epochs` more epochs (None: two thirds of `epochs`) at the layer
    `elite_layer` (None: the default layer).
    """

    epochs: int | None = None
    batch: int | None = None
    learning_rate: float = 4e-3
    weight_decay: float = 1e-2
    patience: int | None = 10
    jitter: float | None = None
    seed: int = 0
    elite: int | None = None
    elite_lambda: float = 0.1
    elite_sweep: tuple[float, ...] = ()
    elite_epochs: int | None = None
    elite_learning_rate: float = 3e-3
    elite_layer: str | None = None

    def __post_init__(self) -> None:
        self.fitting(1)
        self.elite_fitting(1)
        if self.seed < 0:
            raise BadOption(f"a seed is 0 or positive, not {self.seed}")
        if self.elite is not None:
            self.elite_options(self.elite)

    def fitting(self, images: int) -> FitOptions:
        """Options of the first stretch, for that many training images."""
        fewest, most = _EPOCHS
        epochs = self.epochs
        if epochs is None:
            epochs = min(max(math.ceil(_BUDGET / images), fewest), most)
        many = images >= _MANY
        return FitOptions(
            epochs=epochs,
            batch=(128 if many else 64) if self.batch is None else self.batch,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            patience=self.patience,
            jitter=(0.5 if many else 1.0) if self.jitter is None else self.jitter,
        )

    def elite_fitting(self, images: int) -> FitOptions:
        """Options of Elite BackProp, which keeps its last epoch: the sparsest."""
        first = self.fitting(images)
        epochs = math.ceil(first.epochs * 2 / 3) if self.elite_epochs is None else self.elite_epochs
        return replace(
            first,
            epochs=epochs,
            learning_rate=self.elite_learning_rate,
            patience=None,
            keep="last",
        )

    def elite_options(self, k: int) -> EliteOptions:
        """Options of the penalty."""
        return EliteOptions(k=k, strength=self.elite_lambda, sweep=self.elite_sweep)


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """Figures of a training: accuracies are shares in 0..1, the test images were read once.

    `best_epoch` counts from 1 and is 0 where only Elite BackProp was done; `tensors` are kept
    with the weights: the elite weights, if there are any.
    """

    data: str
    seed: int
    options: TrainOptions
    epochs: tuple[Epoch, ...]
    best_epoch: int
    validation_accuracy: float
    test_accuracy: float
    seconds: float
    elite: EliteReport | None = None
    tensors: Mapping[str, Tensor] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """As a JSON object, without the tensors."""
        return {
            "data": self.data,
            "seed": self.seed,
            "options": asdict(self.options),
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "best_epoch": self.best_epoch,
            "validation_accuracy": self.validation_accuracy,
            "test_accuracy": self.test_accuracy,
            "seconds": self.seconds,
            "elite": None if self.elite is None else asdict(self.elite),
        }


def train(
    dataset: Dataset,
    model: str,
    options: TrainOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    *,
    preprocessing: Preprocessing | PreprocessingOptions | None = None,
    model_options: Mapping[str, Any] | None = None,
    allow: frozenset[str] = frozenset(),
    start: Network | None = None,
) -> tuple[Network, TrainingReport]:
    """Train a network, from fresh weights or from those of another.

    The same seed, data, options and number of threads give the same weights.  The global
    generator of torch is used (dropout knows no other) and left as it was found.  Nothing is
    written; an interrupt leaves nothing behind.

    Parameters
    ----------
    dataset
        With labels.  Every choice is made on its validation images.
    model
        As for `build_model`.
    options
        `TrainOptions()` by default.
    progress
        Called with batches done and batches in all.
    on_epoch
        Called with each epoch's figures.
    preprocessing
        What happens to the images first; by default only the scale.
    model_options
        Options of the model.
    allow
        Factories that may be imported.
    start
        A network of the data's classes, which is changed in place; `model`, `preprocessing` and
        `model_options` are then its own.  With Elite BackProp nothing else is done to it;
        without, its training goes on.

    Raises
    ------
    BadDataset, BadModel, BadOption, UnknownLayer
        The data have no labels or other classes, the model cannot be built, an option does not
        fit it.
    """
    options = options or TrainOptions()
    if dataset.train.labels is None:
        raise BadDataset(f"{dataset.uri} has no labels, and training needs them")
    began = time.monotonic()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(options.seed)
        if start is None:
            network = _fresh(
                dataset, model, options.seed, preprocessing, model_options or {}, allow
            )
        else:
            network = _again(start, dataset)
        layers, runs = None, 0
        if options.elite is not None:
            # Before the work, not after: a layer that cannot be read is an error now.
            layers = resolve(network, [options.elite_layer] if options.elite_layer else [])
            runs = len(options.elite_options(options.elite).strengths)
        images, watched = Batches(network, dataset.train), Batches(network, dataset.validation)
        first, second = options.fitting(len(images)), options.elite_fitting(len(images))
        anew = start is None or layers is None
        share = first.epochs / (first.epochs + runs * second.epochs) if anew else 0.0

        def count(offset: float, part: float) -> Callable[[int, int], None]:
            def counted(done: int, total: int) -> None:
                if progress is not None:
                    whole = round(total / part)
                    progress(round(offset * whole) + done, whole)

            return counted

        epochs: list[Epoch] = []
        if anew:
            epochs = fit(
                network.module,
                images,
                watched,
                lambda batch, labels: functional.cross_entropy(network.module(batch), labels),
                first,
                generator=torch.Generator().manual_seed(options.seed),
                phase="train",
                on_batch=count(0.0, share),
                on_epoch=on_epoch,
            )
        elite, report = None, None
        if layers is not None and options.elite is not None:
            elite, report = elite_backprop(
                network,
                layers[0],
                images,
                watched,
                options.elite_options(options.elite),
                second,
                seed=options.seed,
                on_batch=count(share, 1 - share),
                on_epoch=on_epoch,
            )
    network.module.requires_grad_(False)
    return network, TrainingReport(
        data=dataset.uri,
        seed=options.seed,
        options=options,
        epochs=tuple(epochs),
        best_epoch=best_of(epochs).number if epochs else 0,
        validation_accuracy=judge(network.module, watched)[1],
        test_accuracy=judge(network.module, Batches(network, dataset.test))[1],
        seconds=time.monotonic() - began,
        elite=report,
        tensors={} if elite is None else {"elite_weights": elite.weights},
    )


def best_of(epochs: list[Epoch]) -> Epoch:
    """The epoch with the highest validation accuracy, then the lowest loss there; the first."""
    return max(epochs, key=lambda epoch: (epoch.validation_accuracy, -epoch.validation_loss))


def _again(start: Network, dataset: Dataset) -> Network:
    if tuple(start.classes) != tuple(dataset.classes):
        raise BadDataset(
            f"the weights are for the classes {', '.join(start.classes)}, and {dataset.uri} has "
            f"{', '.join(dataset.classes)}; train on the data they were made for"
        )
    start.module.requires_grad_(True)
    return start


def _fresh(
    dataset: Dataset,
    model: str,
    seed: int,
    preprocessing: Preprocessing | PreprocessingOptions | None,
    model_options: Mapping[str, Any],
    allow: frozenset[str],
) -> Network:
    first = np.asarray(dataset.train.images[0])
    height, width, _ = first.shape
    classes = len(dataset.classes)

    def built(shape: tuple[int, int, int]) -> torch.nn.Module:
        return build_model(
            model, classes=classes, input_shape=shape, options=model_options, allow=allow, seed=seed
        )

    if isinstance(preprocessing, Preprocessing):
        asked = preprocessing
    else:
        wanted = preprocessing or PreprocessingOptions()
        mode = dataset.mode if model == SMALL_CNN else input_mode(built((3, height, width)))
        asked = wanted.new(mode)
    settled, shape = settle_shape(asked, (asked.channels, height, width))
    module = built(shape)
    logits = logits_of(module, model, shape)
    if logits != classes:
        raise BadModel(
            f"{model} gives {logits} logits, but the data have {classes} classes; let the factory "
            "take their number as `classes`"
        )
    sizes = dict(model_options)
    if isinstance(module, SmallCNN):
        # Recorded, so that the weights load after a change of the default sizes too.
        sizes["widths"] = [list(block) for block in module.widths]
    return Network(module, model, sizes, dataset.classes, settled, shape)
