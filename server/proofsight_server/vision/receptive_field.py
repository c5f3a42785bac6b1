"""Which part of the input a position of a layer's map can see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from proofsight_server.errors import BadModel, UnknownLayer
from proofsight_server.symbols.feature import Cell, Ints, Layer
from proofsight_server.vision.layers import flow_of
from proofsight_server.vision.network import Network
from proofsight_server.vision.points import Flow
from proofsight_server.vision.spans import Spans
from proofsight_server.vision.tracing import TracedFlow
from proofsight_server.vision.views import UnknownOperationError, View, spans_of

Box = tuple[int, int, int, int]

_MEASURED_IMAGES = 8


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """What the positions of one layer's map see, in pixels of the network's input.

    Attributes
    ----------
    rows, columns
        (positions, 2) per axis: the first pixel seen, and the one after the last.  Linear
        layers have one position.  A box holds everything that is seen; a dilated
        convolution does not look at every pixel in it.
    exact
        Whether it follows from the network's operations, or was measured by gradients, which
        can miss the faintest edge.
    """

    rows: Ints
    columns: Ints
    exact: bool

    def at(self, row: int, column: int) -> Box:
        """The box (left, top, right, bottom) that the position at (row, column) sees."""
        (top, bottom), (left, right) = self.rows[row], self.columns[column]
        return int(left), int(top), int(right), int(bottom)

    def of(self, cell: Cell | None) -> Box:
        """The box that all positions of a cell see together; None: the whole map."""
        rows, columns = slice(None), slice(None)
        if cell is not None:
            rows, columns = cell.span(len(self.rows), len(self.columns))
        (top, bottom), (left, right) = _hull(self.rows[rows]), _hull(self.columns[columns])
        return left, top, right, bottom


def receptive_fields(network: Network, layers: Sequence[Layer]) -> dict[str, ReceptiveField]:
    """The receptive fields of layers, by atom.

    They follow from kernels, strides, paddings and dilations where the network can be traced and
    does nothing unforeseen on the way to the layer; a global operation (squeeze and excitation,
    group norm) makes every position see all of the input.  Elsewhere they are measured: what
    of random inputs has a gradient.

    Raises
    ------
    UnknownLayer
        A layer is read where this network has no such point.
    BadModel
        Neither way is open: the layer's values have no gradient.
    """
    flow = flow_of(network)
    for layer in layers:
        if layer.reads not in flow.points:
            raise UnknownLayer(layer.reads, flow.points)
    return {layer.atom: _field(network, flow, layer) for layer in layers}


def _field(network: Network, flow: Flow, layer: Layer) -> ReceptiveField:
    if isinstance(flow, TracedFlow):
        try:
            view: View = flow.walk(layer.reads, spans_of)
            shape = flow.points[layer.reads].shape
            size = shape[1:] if shape is not None and len(shape) == 3 else (1, 1)
            rows, columns = view.rows.spread(size[0]), view.columns.spread(size[1])
            return ReceptiveField(_bounds(rows), _bounds(columns), exact=True)
        except UnknownOperationError:
            pass
    return measured_field(network, flow, layer)


def measured_field(network: Network, flow: Flow, layer: Layer) -> ReceptiveField:
    """The receptive field by what has a gradient, for a few random images.

    Raises
    ------
    BadModel
        The layer's values have no gradient.
    """
    generator = torch.Generator().manual_seed(0)
    images = torch.randn((_MEASURED_IMAGES, *network.input_shape), generator=generator)
    images.requires_grad_()
    run = flow.tap([layer.reads], lambda name, map: map.clone())
    with torch.enable_grad():
        map = run(images)[1][0]
        if map.ndim == 2:
            map = map[..., None, None]
        if map.grad_fn is None:
            raise BadModel(
                f"what {layer.reads} sees cannot be found: the network cannot be traced, and its "
                "values have no gradient",
                layer=layer.atom,
            )
        # Random factors: positive and negative gradients of several channels do not cancel.
        map = map * torch.rand(map.shape[1:], generator=generator)
        rows = [_touched(map[:, :, place], images, (0, 1, 3)) for place in range(map.shape[2])]
        columns = [_touched(map[..., place], images, (0, 1, 2)) for place in range(map.shape[3])]
    return ReceptiveField(np.array(rows), np.array(columns), exact=False)


def _touched(values: Tensor, images: Tensor, axes: tuple[int, ...]) -> tuple[int, int]:
    """The first place along the axis that is left with a gradient, and the one after the last."""
    (gradient,) = torch.autograd.grad(values.sum(), images, retain_graph=True)
    places = np.flatnonzero((gradient != 0).any(dim=axes[2]).any(dim=1).any(dim=0).numpy())
    return (int(places[0]), int(places[-1]) + 1) if len(places) else (0, 0)


def _bounds(spans: Spans) -> Ints:
    first = np.minimum(spans.first, spans.last)  # what sees only padding gets an empty box
    return np.stack([first, spans.last], axis=1)


def _hull(bounds: Ints) -> tuple[int, int]:
    seen = bounds[bounds[:, 0] < bounds[:, 1]]
    return (int(seen[:, 0].min()), int(seen[:, 1].max())) if len(seen) else (0, 0)
