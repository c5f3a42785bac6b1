"""Convolutions whose channels are sums of a patch of the maps below them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import nn

from proofsight_server.errors import BadOption
from proofsight_server.symbols.feature import Cell, Feature, Ints
from proofsight_server.vision.layers import LayerInfo
from proofsight_server.vision.spans import OUTSIDE, bounded, sliding
from proofsight_server.vision.unit import Doubles, Place, Unit


@dataclass(frozen=True)
class Convolution:
    """A convolution, with a batch norm before its activation folded in.

    Attributes
    ----------
    info, below, activation
        As of every `Summing`; `below` has the maps that the convolution takes in.
    weight, bias
        (channels, inputs / groups, rows, columns) and (channels,) float64.
    stride, padding, dilation
        Of (rows, columns); `padding` is that before the first row and column.
    groups, mode
        Groups of channels, and torch's padding mode.
    """

    info: LayerInfo
    below: LayerInfo
    activation: str
    weight: Doubles
    bias: Doubles
    stride: Place
    padding: Place
    dilation: Place
    groups: int
    mode: str

    def unit(self, index: int, place: Place | None = None) -> Unit:
        """Channel `index` at `place`, (row, column) of its map, with its receptive patch.

        Inputs are ordered as `weight[index]` is: input channel, row, column.

        Raises
        ------
        BadOption
            The place is not on the map, or missing.
        """
        shape = self.info.shape
        assert shape is not None
        if place is None or not (0 <= place[0] < shape[0] and 0 <= place[1] < shape[1]):
            raise BadOption(
                f"a channel of {self.info.layer.atom} is explained at a position of its "
                f"{shape[0]} x {shape[1]} map, rows and columns from 0, not at {place}",
                option="position",
                value=place,
            )
        weight = self.weight[index]
        per_group = len(self.weight) // self.groups
        first = index // per_group * len(weight)
        return Unit(
            index,
            weight.ravel(),
            float(self.bias[index]),
            tuple(
                self._input(first + channel, row, column)
                for channel in range(len(weight))
                for row in self._windows[0][place[0]].tolist()
                for column in self._windows[1][place[1]].tolist()
            ),
            Feature(self.info.layer.atom, index, "value", Cell(shape, place)),
        )

    def tap(self, index: int, number: int, place: Place) -> Feature | None:
        """Input `number` of channel `index` at `place`, None in the zero of the padding."""
        channel, row, column = np.unravel_index(number, self.weight.shape[1:])
        per_group = len(self.weight) // self.groups
        return self._input(
            index // per_group * self.weight.shape[1] + int(channel),
            int(self._windows[0][place[0], row]),
            int(self._windows[1][place[1], column]),
        )

    @cached_property
    def _windows(self) -> tuple[Ints, Ints]:
        """Per axis, (positions, kernel): which row or column of the map below a tap reads."""
        below, shape = self.below.shape, self.info.shape
        assert below is not None and shape is not None
        rows, columns = (
            bounded(
                sliding(
                    below[axis],
                    shape[axis],
                    kernel=self.weight.shape[2 + axis],
                    stride=self.stride[axis],
                    padding=self.padding[axis],
                    dilation=self.dilation[axis],
                ),
                below[axis],
                self.mode,
            )
            for axis in (0, 1)
        )
        return rows, columns

    def _input(self, channel: int, row: int, column: int) -> Feature | None:
        if OUTSIDE in (row, column):
            return None
        shape = self.below.shape
        assert shape is not None
        return Feature(self.below.layer.atom, channel, "value", Cell(shape, (row, column)))


def convolution(
    info: LayerInfo,
    below: LayerInfo,
    activation: str,
    weight: Doubles,
    bias: Doubles,
    module: nn.Conv2d,
) -> Convolution:
    """`module` as the `Convolution` that has these weights, with its stride, padding and groups."""
    dilation = (int(module.dilation[0]), int(module.dilation[1]))
    if isinstance(module.padding, str):
        rows, columns = weight.shape[2:]
        before = (dilation[0] * (rows - 1) // 2, dilation[1] * (columns - 1) // 2)
        padding = before if module.padding == "same" else (0, 0)
    else:
        padding = (int(module.padding[0]), int(module.padding[1]))
    return Convolution(
        info,
        below,
        activation,
        weight,
        bias,
        (int(module.stride[0]), int(module.stride[1])),
        padding,
        dilation,
        module.groups,
        module.padding_mode,
    )
