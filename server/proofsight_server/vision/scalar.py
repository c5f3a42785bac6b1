"""One number per image that gradients flow through: a feature's value, or a logit."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from proofsight_server.errors import BadModel, BadOption, BadTensor, UnknownLayer
from proofsight_server.symbols.feature import Feature, Layer
from proofsight_server.vision.layers import flow_of
from proofsight_server.vision.network import Network

Scalar = Callable[[Tensor], Tensor]


class Scalars:
    """The scalars of one network, whose flow is looked at once.

    A scalar maps a batch (n, channels, height, width) float32 to (n,): each image by itself.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._flow = flow_of(network)

    def feature(self, feature: Feature, layer: Layer) -> Scalar:
        """The value of a feature as `MapReducer` defines it: its reduction over its cell.

        It differs from the reader's value by rounding only, since sums are not kept in double
        precision here.

        Raises
        ------
        UnknownLayer
            The layer is read where this network has no such point.
        """
        if layer.reads not in self._flow.points:
            raise UnknownLayer(layer.reads, self._flow.points)
        # A later operation may work in place, so what gradients need is kept apart from the map.
        run = self._flow.tap([layer.reads], lambda name, map: reduced(map.clone(), feature))

        def scalar(batch: Tensor) -> Tensor:
            value: Tensor = run(batch)[1][0]
            return value

        return scalar

    def logit(self, index: int) -> Scalar:
        """The logit of a class, by its place; not the probability.

        Raises
        ------
        BadOption
            The network has no such class.
        """
        classes = len(self._network.classes)
        if not 0 <= index < classes:
            raise BadOption(
                f"the network has the classes 0 to {classes - 1}, not {index}", option="class"
            )

        def scalar(batch: Tensor) -> Tensor:
            logits: Tensor = self._network.module(batch)
            return logits[:, index]

        return scalar


def reduced(map: Tensor, feature: Feature) -> Tensor:
    """A feature's value (n,) of a map (n, channels, h, w) or units (n, units), differentiably.

    The reductions are those of `MapReducer`.  Where they have no derivative the gradient is the
    usual choice: 0 for |a| and for `l2` at 0, shared between equals for `max`.

    Raises
    ------
    BadTensor
        The map has no such channel, or the cell does not fit it.
    """
    if map.ndim == 2:
        map = map[..., None, None]
    if map.ndim != 4 or feature.index >= map.shape[1]:
        raise BadTensor(
            f"the map of {feature.layer} has shape {tuple(map.shape)}, but a feature reads number "
            f"{feature.index}",
            layer=feature.layer,
        )
    part = map[:, feature.index]
    if feature.cell is not None:
        part = part[(slice(None), *feature.cell.span(*part.shape[1:]))]
    part = part.flatten(1)
    if feature.reduction == "value":
        if part.shape[1] != 1:
            raise BadTensor(
                f"`value` reads one position, but {feature.layer} has {part.shape[1]} of them here",
                layer=feature.layer,
            )
        return part[:, 0]
    if feature.reduction == "l2":
        length: Tensor = torch.linalg.vector_norm(part, dim=1)
        return length
    magnitudes: Tensor = part.abs()
    if feature.reduction == "max":
        return magnitudes.amax(dim=1)
    return magnitudes.mean(dim=1) if feature.reduction == "mean" else magnitudes.sum(dim=1)


def gradient(scalar: Scalar, batch: Tensor) -> tuple[Tensor, Tensor]:
    """The scalar's values (n,) on a batch, and its gradient there, shaped like the batch.

    Raises
    ------
    BadModel
        The scalar does not depend on the images differentiably, or the gradient is not finite.
    """
    with torch.enable_grad():
        leaf = batch.detach().clone().requires_grad_()
        values = scalar(leaf.clone())  # no leaf, since the network may begin in place
        if values.grad_fn is None:
            raise BadModel(
                "the network's values have no gradient, so what they are sensitive to cannot be "
                "shown; leave SmoothGrad and ascent out"
            )
        (slope,) = torch.autograd.grad(values.sum(), leaf, allow_unused=True)
    slope = torch.zeros_like(leaf) if slope is None else slope
    if not torch.isfinite(slope).all():
        raise BadModel(
            "the gradient of the network is not finite for an image, so what it is sensitive to "
            "cannot be shown; check the weights, or leave SmoothGrad and ascent out"
        )
    return values.detach(), slope
