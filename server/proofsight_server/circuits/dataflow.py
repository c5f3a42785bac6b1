"""The channels of a traced network: which node makes each, and which ones each node reads.

The network's own graph is walked with ids of channels in place of numbers.  What only moves
numbers (slices, padding, flattening, shuffling of channels) is run on the ids themselves, so that
padded shortcuts, concatenations and shuffles need no rules of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from proofsight_server.circuits.channel_ids import (
    UnfollowedError,
    blocks,
    called_on_ids,
    channels_of,
    constants,
    moved,
    passed,
    reduced,
    spread,
)
from proofsight_server.circuits.operations import (
    gives_what_it_gets,
    joining,
    operation,
    works_in_place,
)
from proofsight_server.circuits.steps import has_tensor, rebind
from proofsight_server.circuits.target import Head
from proofsight_server.circuits.wiring import CONSTANT, IMAGE, Node
from proofsight_server.symbols.feature import Bools, Ints
from proofsight_server.vision.layers import layers_of
from proofsight_server.vision.points import TRIAL_IMAGES
from proofsight_server.vision.tracing import QUESTIONS, Shapes, TracedFlow, function_name

_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Unfollowed:
    """In place of a tensor whose channels are not known: `what` stands in the way, and `where`."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Followed:
    """The nodes up to a point, in order of execution, and the ids in the tensor there.

    `ids` (TRIAL_IMAGES, ...) has that tensor's shape, or says why they are not known; `made` has
    the same for what each step gives, before a later one changes it in place.
    """

    nodes: tuple[Node, ...]
    ids: Tensor | Unfollowed
    made: Mapping[fx.Node, Any]


def follow(root: nn.Module, flow: TracedFlow, point: str, head: Head) -> Followed:
    """Follow the channels of a network from the image to a point.

    Parameters
    ----------
    root, flow
        The network and its trace.
    point
        Where to end.
    head
        Whether linear modules are `frozen` or made of `kernels`; see `Logit`.
    """
    walk = _Walk(root, flow, head)
    ids = flow.walk(point, walk.visit)
    return Followed(tuple(walk.nodes), ids, walk.given)


class _Walk:
    """What one walk has seen: the nodes so far, and the ids in the tensor of each step."""

    def __init__(self, root: nn.Module, flow: TracedFlow, head: Head) -> None:
        self.nodes: list[Node] = []
        self.given: dict[fx.Node, Any] = {}
        self._root = root
        self._flow = flow
        self._head = head
        self._atoms = {info.layer.module: info.layer.atom for info in layers_of(flow)}
        self._next = CONSTANT + 1
        self._made: dict[fx.Node, Any] = {}
        self._counts: dict[str, int] = {}

    def visit(
        self, step: fx.Node, module: nn.Module | None, made: Mapping[fx.Node, Any], shapes: Shapes
    ) -> Any:
        if step.op == "placeholder":
            value = self._placeholder(step, shapes)
        elif step.op == "get_attr":
            value = constants(attrgetter(str(step.target))(self._root))
        else:
            value = self._called(step, module, shapes)
            if works_in_place(step, module):
                rebind(self._made, step.args[0], value)
        self._made[step] = self.given[step] = value
        return value

    def _placeholder(self, step: fx.Node, shapes: Shapes) -> Any:
        if self.nodes:
            return step.args[0] if step.args else None
        channels = shapes[step][0]
        ids = self._node(IMAGE, IMAGE, "image", channels, _NONE)
        return spread(ids, shapes[step])

    def _called(self, step: fx.Node, module: nn.Module | None, shapes: Shapes) -> Any:
        args: Any = fx.node.map_arg(step.args, self._value)
        kwargs: Any = fx.node.map_arg(step.kwargs, self._value)
        inputs = [self._made[taken] for taken in step.all_input_nodes]
        for taken in inputs:
            if isinstance(taken, Unfollowed):
                return taken
        question = module is None and function_name(step) in QUESTIONS
        try:
            if question or not any(has_tensor(taken) for taken in inputs):
                return called_on_ids(step, module, args, kwargs)
            return self._followed(step, module, args, kwargs, shapes)
        except UnfollowedError as error:
            return Unfollowed(self._point(step), str(error))

    def _followed(
        self,
        step: fx.Node,
        module: nn.Module | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        shapes: Shapes,
    ) -> Any:
        match operation(step, module):
            case "convolution":
                assert isinstance(module, nn.Conv2d)
                return self._convolution(step, module, args[0], shapes)
            case "linear":
                assert isinstance(module, nn.Linear)
                return self._linear(step, module, args[0], shapes)
            case "move":
                return moved(step, module, args, kwargs)
            case "join":
                return self._joined(step, args, kwargs, shapes)
            case "reduce":
                return reduced(args, kwargs, shapes.get(step))
            case "pass":
                ids = passed(args[0], shapes.get(step))
                return ids if gives_what_it_gets(step, module) else ids[:]
        name = (
            type(module).__name__ if module is not None else f"the function {function_name(step)}"
        )
        raise UnfollowedError(f"{name} does something to channels that is not known here")

    def _convolution(self, step: fx.Node, module: nn.Conv2d, ids: Tensor, shapes: Shapes) -> Tensor:
        sources = channels_of(ids)
        channels, height, width = shapes[step]
        taps = int(np.prod(module.kernel_size))
        made = self._kernels(step, channels, sources, module.groups, taps, taps * height * width)
        return spread(made, shapes[step])

    def _linear(self, step: fx.Node, module: nn.Linear, ids: Tensor, shapes: Shapes) -> Tensor:
        if ids.ndim != 2:
            raise UnfollowedError("a linear module reads a tensor that is no list of units")
        sources, taps = blocks(ids[0].to(torch.int64).numpy())
        if self._head == "kernels":
            made = self._kernels(step, module.out_features, sources, 1, taps, taps)
            return spread(made, shapes[step])
        weight = module.weight.detach().reshape(module.out_features, len(sources), taps)
        connected: Bools = (weight != 0).any(dim=2).numpy()
        name = self._point(step)
        made = self._node(
            name, self._atom(name), "dense", module.out_features, sources, connected=connected
        )
        return spread(made, shapes[step])

    def _joined(
        self, step: fx.Node, args: tuple[Any, ...], kwargs: dict[str, Any], shapes: Shapes
    ) -> Tensor:
        word, shape = joining(step), shapes.get(step)
        if shape is None:
            raise UnfollowedError("maps are joined to something that is no map")
        if word == "concat":
            return self._concatenated(step, args, kwargs, shape)
        both = [one for one in (*args, *kwargs.values()) if isinstance(one, Tensor)]
        operands = np.stack([channels_of(one.expand(TRIAL_IMAGES, *shape)) for one in both])
        varying = operands[(operands != CONSTANT).any(axis=1)]
        if len(varying) < 2:
            return spread(varying[0] if len(varying) else operands[0], shape)
        return self._join(step, word, varying, shape)

    def _concatenated(
        self, step: fx.Node, args: tuple[Any, ...], kwargs: dict[str, Any], shape: tuple[int, ...]
    ) -> Tensor:
        joined: Tensor = moved(step, None, args, kwargs)
        axis = kwargs.get("dim", args[1] if len(args) > 1 else 0)
        if len(shape) != 3 or axis % 4 != 1:
            return joined
        return self._join(step, "concat", channels_of(joined)[None], shape)

    def _join(self, step: fx.Node, word: str, sources: Ints, shape: tuple[int, ...]) -> Tensor:
        self._counts[word] = self._counts.get(word, 0) + 1
        atom = f"{word}{self._counts[word]}"
        ids = self._node(self._point(step), atom, "join", sources.shape[1], sources)
        return spread(ids, shape)

    def _kernels(
        self, step: fx.Node, channels: int, sources: Ints, groups: int, taps: int, macs: int
    ) -> Ints:
        name = self._point(step)
        return self._node(
            name, self._atom(name), "kernels", channels, sources,
            rows=np.arange(channels), groups=groups, taps=taps, macs=macs,
        )  # fmt: skip

    def _node(
        self, name: str, atom: str, kind: Any, channels: int, sources: Ints, **more: Any
    ) -> Ints:
        more.setdefault("rows", _NONE)
        self.nodes.append(Node(name, atom, kind, self._next, channels, sources, **more))
        self._next += channels
        return self._next - channels + np.arange(channels)

    def _value(self, taken: fx.Node) -> Any:
        return self._made[taken]

    def _point(self, step: fx.Node) -> str:
        return self._flow.names(step)[0]

    def _atom(self, name: str) -> str:
        return self._atoms.get(name, name)
