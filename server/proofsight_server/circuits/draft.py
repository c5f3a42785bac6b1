"""A shrunk network while it is planned: its steps and the whole tensors that they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from proofsight_server.circuits.architecture import IMAGE, Architecture, Step
from proofsight_server.symbols.feature import Ints

# Numbers of the whole network's tensors are counted through all of them; this is a zero that is
# in none of them.
ZERO = 0


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A tensor of the whole network, and the step of the shrunk one that gives its live channels.

    Attributes
    ----------
    step
        The step's name; None where no channel is live.
    live
        (channels of the step,) the channel of the whole tensor that each of its channels is.
    constant
        (1, channels, ...) the whole tensor where nothing of the image arrives; 0 in live channels.
    elements
        (channels, ...) the number of each of the whole tensor's numbers.
    """

    step: str | None
    live: Ints
    constant: Tensor
    elements: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole tensor, without the axis of the batch."""
        return tuple(self.elements.shape)


class Draft:
    """Steps as they are added, each with its tensors, and the pieces that they give."""

    def __init__(self, input_shape: Sequence[int]) -> None:
        self._input_shape = input_shape
        self._steps: list[Step] = []
        self._tensors: dict[str, dict[str, Tensor]] = {}
        self._next = ZERO + 1
        self._starts: list[int] = []
        self._pieces: list[Piece] = []

    def add(
        self,
        kind: str,
        inputs: Sequence[str],
        options: Mapping[str, Any] | None = None,
        tensors: Mapping[str, Tensor] | None = None,
        *,
        origin: str = "",
    ) -> str:
        """Add a step; its name."""
        name = f"{kind.lower()}{1 + sum(step.kind == kind for step in self._steps)}"
        self._steps.append(Step(name, kind, tuple(inputs), dict(options or {}), origin))
        self._tensors[name] = dict(tensors or {})
        return name

    def piece(self, step: str | None, live: Ints, constant: Tensor) -> Piece:
        """A whole tensor (1, channels, ...) with numbers of its own."""
        size = constant[0].numel()
        elements = torch.arange(self._next, self._next + size).reshape(constant.shape[1:])
        made = Piece(step if len(live) else None, live, constant, elements)
        self._starts.append(self._next)
        self._pieces.append(made)
        self._next += size
        return made

    def sources(self, elements: Tensor) -> list[Piece]:
        """The pieces that numbers come from, in the order in which they were made."""
        wanted = elements[elements != ZERO].numpy()
        places = np.unique(np.searchsorted(self._starts, wanted, side="right") - 1)
        return [self._pieces[place] for place in places]

    def select(self, step: str, index: Ints, channels: int) -> str:
        """A step for these channels of another step, which has so many; itself where it is all."""
        if len(index) == channels and np.array_equal(index, np.arange(channels)):
            return step
        tensors = {"index": torch.from_numpy(np.ascontiguousarray(index))}
        return self.add("Select", [step], {"channels": len(index)}, tensors)

    def finished(self, last: str, *, collapsed: bool) -> tuple[Architecture, dict[str, Tensor]]:
        """The architecture with the steps that the last one needs, and its state dict."""
        needed = {last}
        for step in reversed(self._steps):
            if step.name in needed:
                needed |= set(step.inputs)
        steps = tuple(step for step in self._steps if step.name in needed)
        channels, height, width = self._input_shape
        state = {
            f"steps.{step.name}.{name}": tensor
            for step in steps
            for name, tensor in self._tensors[step.name].items()
        }
        return Architecture((channels, height, width), steps, collapsed), state


def image_piece(draft: Draft, input_shape: Sequence[int], dtype: torch.dtype) -> Piece:
    """The images themselves."""
    nothing = torch.zeros(1, *input_shape, dtype=dtype)
    return draft.piece(IMAGE, np.arange(input_shape[0]), nothing)
