"""A learned baseline: the colours of masked regions that make interactions sparsest.

Each region has one colour of its own.  From the mean of the image, colours go down the gradient of
Σ_S |I_and(S)| / |v(N) − v(∅)|, for each network on its own, and stay within a tenth of the range
of pixels of where they began, so that a masked region cannot become an image of something else.

The objective is that of Ren et al., https://arxiv.org/abs/2105.10719, section 3.2, which learns one
baseline per variable over many images with the same bound to its start; here it is learned for
one image, from all of its masks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from proofsight_server.errors import BadOption
from proofsight_server.interactions.masked import MaskedImage
from proofsight_server.interactions.masks import Doubles
from proofsight_server.interactions.score import Score
from proofsight_server.interactions.transforms import and_effects
from proofsight_server.symbols.feature import Floats

MOST_LEARNED = 10
_REACH = 25.5
_BATCH = 128


def learn_fill(
    drawn: Sequence[Sequence[MaskedImage]],
    score: Score,
    class_name: str,
    steps: int,
    progress: Callable[[str, int, int], None],
) -> list[list[MaskedImage]]:
    """The images with learned fills: the best of all steps, the first included.

    Parameters
    ----------
    drawn
        One image per network, all of the same regions, filled with where colours begin.
    steps
        Each costs about three tables.

    Raises
    ------
    BadOption
        There are more than 10 regions.
    """
    images = [several[0] for several in drawn]
    regions = images[0].regions
    if len(regions) > MOST_LEARNED:
        raise BadOption(
            f"a learned baseline computes the whole table {3 * steps} times over, which is for up "
            f"to {MOST_LEARNED} regions, not {len(regions)}; take fewer, or another baseline",
            regions=len(regions),
        )
    return [[_learned(image, score, class_name, steps, progress)] for image in images]


def _learned(
    image: MaskedImage,
    score: Score,
    class_name: str,
    steps: int,
    progress: Callable[[str, int, int], None],
) -> MaskedImage:
    start = np.stack([image.fill[image.regions.pixels(i)][0] for i in range(len(image.regions))])
    low, high = np.maximum(start - _REACH, 0), np.minimum(start + _REACH, 255)
    colours, best, least = start.copy(), image, np.inf
    for step in range(steps + 1):
        progress("learning the baseline", step, steps + 1)
        filled = _filled(image, colours)
        scores = _scores(filled, score, class_name)
        loss, slope = _sparsity(scores)
        if loss < least:
            best, least = filled, loss
        if step == steps:
            break
        gradient = _gradient(filled, colours, score, class_name, slope)
        size = np.abs(gradient).max()
        if size == 0:
            break
        reach = _REACH * (1 - step / steps) / 4
        colours = np.clip(colours - reach * gradient / size, low, high).astype(np.float32)
    progress("learning the baseline", steps + 1, steps + 1)
    return best


def _filled(image: MaskedImage, colours: Floats) -> MaskedImage:
    shown = np.concatenate([colours, image.fill[:1, 0]])  # the last for the background
    return MaskedImage(
        image.network, image.pixels, shown[image.regions.labels].astype(np.float32), image.regions
    )


def _scores(image: MaskedImage, score: Score, class_name: str) -> Doubles:
    count = 1 << len(image.regions)
    logits = torch.cat(
        [image.logits(np.arange(at, min(at + _BATCH, count))) for at in range(0, count, _BATCH)]
    )
    classes = image.network.classes
    return score.of(logits.numpy().astype(np.float64), classes.index(class_name), classes)


def _sparsity(scores: Doubles) -> tuple[float, Doubles]:
    """Σ |I_and(S)| over the span of the scores, and its slope in each, the span held fixed."""
    effects = and_effects(scores)
    effects[0] = 0
    span = max(abs(float(scores[-1] - scores[0])), 1e-3)
    # The transpose of the transform: Σ_{S⊇T} (−1)^{|S|−|T|} y(S).
    slope = and_effects(np.sign(effects)[::-1])[::-1] / span
    return float(np.abs(effects).sum() / span), slope


def _gradient(
    image: MaskedImage, colours: Floats, score: Score, class_name: str, slope: Doubles
) -> Floats:
    """Of the sparsity in the colours, (regions, channels)."""
    regions, classes = image.regions, image.network.classes
    at = classes.index(class_name)
    learned = torch.tensor(colours, requires_grad=True)
    fixed = torch.from_numpy(image.fill.transpose(2, 0, 1).copy())
    pixels = torch.from_numpy(image.pixels.transpose(2, 0, 1).copy())
    labels = torch.from_numpy(regions.labels)
    inside = labels >= 0
    for begin in range(0, len(slope), _BATCH):
        masks = np.arange(begin, min(begin + _BATCH, len(slope)))
        kept = torch.from_numpy(regions.kept(masks))[:, None]
        fill = torch.where(inside, learned[labels.clamp(min=0)].permute(2, 0, 1), fixed)
        batch = image.network.preprocessing.of_levels(torch.where(kept, pixels, fill) * 1.0)
        value = _differentiable(image.network.module(batch), score, at, classes)
        weights = torch.from_numpy(slope[masks]).to(value.dtype)
        torch.autograd.backward((value * weights).sum())
    assert learned.grad is not None
    return np.asarray(learned.grad.numpy(), np.float32)


def _differentiable(logits: Tensor, score: Score, at: int, classes: Sequence[str]) -> Tensor:
    own = logits[:, at]
    if score.kind == "logit":
        return own
    if score.kind == "contrast":
        return own - logits[:, list(classes).index(str(score.against))]
    others = torch.cat([logits[:, :at], logits[:, at + 1 :]], dim=1)
    return own - (others.amax(dim=1) if score.kind == "margin" else others.logsumexp(dim=1))
