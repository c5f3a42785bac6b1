"""Scores of kernels for a target, by any of the criteria, from one pass over the images."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from proofsight_server.circuits.backward import backward, loss_of
from proofsight_server.circuits.losses import peaks_of
from proofsight_server.circuits.reductions import PassCriterion, Reduce, layer_scores
from proofsight_server.circuits.scores import Doubles, Scores
from proofsight_server.circuits.target import Target, parse_target
from proofsight_server.circuits.target_network import Parameters, TargetNetwork, target_network
from proofsight_server.errors import BadOption, BadTarget, BadTensor
from proofsight_server.vision.network import Network
from proofsight_server.vision.probe import check_batch

Criterion = Literal["kernel_mask", "actgrad", "snip", "magnitude", "random"]
LayerNorm = Literal["none", "minmax"]
Precision = Literal["double", "single"]
Progress = Callable[[int, int], None]

CRITERIA: tuple[Criterion, ...] = get_args(Criterion)


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """How kernels are scored.

    Attributes
    ----------
    reduce
        Whether `magnitude`, `snip` and `actgrad` take the mean over taps or positions, or the
        sum.  The mean divides an 11 x 11 kernel by 121 and a 55 x 55 map by 3025, which weighs
        layers differently.
    layer_norm
        `minmax` brings each layer's scores to 0 ... 1, the least to 0.
    precision
        The type of activations and gradients; sums are float64 always.  With `double` scores are
        the same to some 1e-12 (actgrad, whose kernels' own maps are single always: 1e-7) whatever
        the size of the batch, the number of threads and the order of the images; with `single`,
        to some 1e-5.
    batch
        Images in one pass.
    seed
        Of `random`.
    """

    reduce: Reduce = "mean"
    layer_norm: LayerNorm = "none"
    precision: Precision = "double"
    batch: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        for name, known in (
            ("reduce", Reduce),
            ("layer_norm", LayerNorm),
            ("precision", Precision),
        ):
            if getattr(self, name) not in get_args(known):
                raise BadOption(
                    f"{name} is one of {', '.join(get_args(known))}, not {getattr(self, name)!r}",
                    option=name,
                )
        if self.batch < 1:
            raise BadOption(f"a batch has at least 1 image, not {self.batch}", option="batch")


def score(
    model: Network | nn.Module | TargetNetwork,
    images: Tensor | npt.NDArray[np.float32],
    target: Target | str | None = None,
    criteria: Sequence[str] | str = ("kernel_mask",),
    *,
    options: ScoreOptions | None = None,
    progress: Progress | None = None,
) -> dict[str, Scores]:
    """How much each kernel matters to a target.

    Per image n and kernel m, with A its own map, g the gradient at its layer's output, and
    T_n = Σ_p A_n[p]·g_n[p] = ∂F_n/∂m:

    * `kernel_mask`: Σ_n |T_n|, to first order what deleting the kernel changes;
    * `actgrad`: Σ_n mean_p |A_n[p]·g_n[p]| (Hamblin, Konkle and Alvarez,
      https://arxiv.org/abs/2206.01627);
    * `snip`: Σ_n mean_u |θ_u·∂F_n/∂θ_u|;
    * `magnitude`: mean_u |θ_u|, without images;
    * `random`: uniform, a control.

    All that need images share one forward and one backward pass.

    Parameters
    ----------
    model
        A network, a bare module in eval mode, or a network cut off at its target.
    images
        (n, channels, height, width) float32, as `Network.prepare` gives it, or an array of that
        shape.
    target
        What is computed, or how a person writes it; see `parse_target`.  None for a network that
        is cut off already.
    criteria
        One name or several.
    options
        See there.
    progress
        Called with images done and images in all, after each batch; what it raises ends the work.

    Returns
    -------
    scores
        One `Scores` for each criterion: a mapping from layer to array, input first.

    Raises
    ------
    BadModel, BadTarget, UnknownLayer, UnknownClass
        As `target_network`; BadTarget also where the target is 0, or the same whatever the
        kernels do, on all images.
    BadTensor
        The images do not fit the network.
    BadOption
        There is no such criterion.
    """
    options = options or ScoreOptions()
    images = torch.as_tensor(images)
    names = [criteria] if isinstance(criteria, str) else list(dict.fromkeys(criteria))
    for name in names:
        if name not in CRITERIA:
            raise BadOption(
                f"no criterion named {name!r}; known: {', '.join(CRITERIA)}, and force by its own "
                "function",
                criterion=name,
            )
    network, images = precise(as_target_network(model, target, images), images, options)
    from_images: list[PassCriterion] = [n for n in get_args(PassCriterion) if n in names]
    arrays: dict[str, Mapping[str, Doubles]] = {}
    if from_images:
        arrays |= kernel_scores(network, images, from_images, options, progress=progress)
    if "magnitude" in names:
        arrays["magnitude"] = _magnitudes(network, options.reduce)
    if "random" in names:
        arrays["random"] = _random(network, options.seed)
    return {name: finished_scores(network, name, arrays[name], options, images) for name in names}


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
            product = (reading.output * reading.gradient).abs_().flatten(2)
            rows = network.wiring.layers[layer].rows
            means = product.mean(2).double().numpy()
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
    check_batch(images, network.input_shape)
    return (
        (network.double(), images.double()) if options.precision == "double" else (network, images)
    )


def original_peaks(network: TargetNetwork, images: Tensor, options: ScoreOptions) -> Tensor | None:
    """(n,) where each image's map has its maximum, for the loss `argmax`; None for others."""
    if loss_of(network).kind != "argmax":
        return None
    with torch.no_grad():
        batches = torch.split(images, options.batch)
        return torch.cat([peaks_of(network(batch)) for batch in batches])


def as_target_network(
    model: Network | nn.Module | TargetNetwork, target: Target | str | None, images: Tensor
) -> TargetNetwork:
    """A network cut off at its target, however both were given."""
    if isinstance(model, TargetNetwork):
        return model
    if target is None:
        raise BadOption("name the target: LAYER:CHANNEL or logit:CLASS", option="target")
    chosen = parse_target(target) if isinstance(target, str) else target
    if images.ndim != 4:
        raise BadTensor(
            f"images are float32 (n, channels, height, width), not {tuple(images.shape)}"
        )
    return target_network(model, chosen, tuple(images.shape[1:]))


def finished_scores(
    network: TargetNetwork,
    criterion: str,
    arrays: Mapping[str, Doubles],
    options: ScoreOptions,
    images: Tensor,
    **more: Any,
) -> Scores:
    """Scores with what they were made from; kernels that do not count score 0."""
    counted = network.wiring.counted()
    kept = {name: np.where(counted[name], array, 0.0) for name, array in arrays.items()}
    if options.layer_norm == "minmax":
        kept = {name: _minmax(array, counted[name]) for name, array in kept.items()}
    provenance = {
        "target": str(network.target),
        "loss": str(loss_of(network)),
        "criterion": criterion,
        "reduce": options.reduce,
        "layer_norm": options.layer_norm,
        "precision": options.precision,
        "images": 0 if criterion in {"magnitude", "random"} else len(images),
        "seed": options.seed,
        **more,
    }
    return Scores(kept, network.wiring, criterion, provenance)


def _magnitudes(network: TargetNetwork, reduce: Reduce) -> dict[str, Doubles]:
    found = {}
    for name, node in network.wiring.layers.items():
        weight = network.modules[name].weight.detach().double()[torch.from_numpy(node.rows)]
        taps = weight.abs().reshape(*node.shape, node.taps)
        found[name] = (taps.mean(2) if reduce == "mean" else taps.sum(2)).numpy()
    return found


def _random(network: TargetNetwork, seed: int) -> dict[str, Doubles]:
    rng = np.random.default_rng(seed)
    # Never 0, which would not be kept.
    return {name: 1 - rng.random(node.shape) for name, node in network.wiring.layers.items()}


def _minmax(array: Doubles, counts: np.ndarray[Any, np.dtype[np.bool_]]) -> Doubles:
    low, high = array[counts].min(initial=np.inf), array[counts].max(initial=-np.inf)
    if not low < high:
        return np.where(counts & (array != 0), 1.0, 0.0)
    scaled: Doubles = np.where(counts, (array - low) / (high - low), 0.0)
    return scaled


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
