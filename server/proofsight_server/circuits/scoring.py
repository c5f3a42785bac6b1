"""Scores of kernels for a target, by any of the criteria, from one pass over the images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from proofsight_server.circuits.backward import loss_of
from proofsight_server.circuits.passes import kernel_scores, precise
from proofsight_server.circuits.reductions import PassCriterion, Reduce
from proofsight_server.circuits.score_options import CRITERIA, Progress, ScoreOptions
from proofsight_server.circuits.scores import Doubles, Scores
from proofsight_server.circuits.target import Target, parse_target
from proofsight_server.circuits.target_network import TargetNetwork, target_network
from proofsight_server.errors import BadOption, BadTensor
from proofsight_server.vision.network import Network


@torch.inference_mode(mode=False)  # also where the caller's own work needs no gradients
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
        (n, channels, height, width), as `Network.prepare` gives it, or an array of that shape:
        float32, float64 or, of single precision, the type of the weights.
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
    BadTarget, UnknownLayer, UnknownClass
        As `target_network`; BadTarget also where the target is 0, or the same whatever the
        kernels do, on all images.
    BadModel
        As `target_network`, and where the network does not run on images of this shape.
    BadTensor
        The images are no such tensor.
    BadOption
        There is no such criterion, or no target.
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
