"""The part of a network that computes a target, run by its graph and never by hooks.

What scores, masks, measures, shrinks or draws a circuit starts from a `TargetNetwork`:

    network = target_network(model, parse_target("conv3:12"))
    network.wiring                          # nodes, kernels that count, reachability
    network.modules["features.6"]           # the convolution itself
    network(batch)                          # the target's map y (n, h, w), or logit (n,)
    network(batch, parameters={"features.3": Parameters(weight, bias)})   # with other weights
    network(batch, observe=f)               # f(layer, x, z) sees each layer's input and output
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from proofsight_server.circuits.dataflow import Unfollowed, follow
from proofsight_server.circuits.operations import works_in_place
from proofsight_server.circuits.resolving import (
    channels_of,
    column_of,
    direction_of,
    end_of,
)
from proofsight_server.circuits.steps import called, rebind
from proofsight_server.circuits.target import Logit, Target
from proofsight_server.circuits.tracing import traced
from proofsight_server.circuits.wiring import Wiring, finished
from proofsight_server.errors import BadModel, BadTarget
from proofsight_server.vision.network import Network
from proofsight_server.vision.probe import check_batch
from proofsight_server.vision.tracing import TracedFlow

Observe = Callable[[str, Tensor, Tensor], Tensor]
KernelModule = nn.Conv2d | nn.Linear


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """Weights and bias in place of a layer's own, of the same shapes; None: no bias."""

    weight: Tensor
    bias: Tensor | None


@dataclass(frozen=True, slots=True, eq=False)
class TargetNetwork:
    """A network cut off at a target.

    Attributes
    ----------
    root
        The whole network, in eval mode; nothing is hooked onto it or changed in it.
    target
        What is computed; `classes` name the logits, empty where they have no names.
    wiring
        The channels between image and target.
    modules
        By the name of each layer of kernels, the convolution or linear module that runs there.
    steps
        The graph's nodes up to the target, in order of execution.
    names
        By step that is a layer of kernels, that layer's name.
    ids
        By step, the ids of the channels in what it gives, as `Followed.made` has them.
    column
        The target's column in the logits; 0 for other targets.
    direction
        d over the rows of the target's layer, (rows,) float64; (1,) of 1 for a logit.
    added
        The points whose tensors are added to the target's layer before its values are taken.
    """

    root: nn.Module
    target: Target
    input_shape: tuple[int, ...]
    wiring: Wiring
    modules: Mapping[str, KernelModule]
    steps: tuple[fx.Node, ...]
    names: Mapping[fx.Node, str]
    ids: Mapping[fx.Node, Any]
    column: int
    direction: Tensor
    added: tuple[str, ...]

    @property
    def last(self) -> str | None:
        """The target's layer, None for a logit."""
        return None if isinstance(self.target, Logit) else list(self.modules)[-1]

    @property
    def dtype(self) -> torch.dtype:
        """Of its weights, and of the images that it takes."""
        return next(iter(self.modules.values())).weight.dtype

    def double(self) -> TargetNetwork:
        """The same on a copy of the network in float64."""
        root = copy.deepcopy(self.root).double()
        modules: dict[str, Any] = {
            name: root.get_submodule(name.partition("#")[0]) for name in self.modules
        }
        return replace(self, root=root, modules=modules)

    def __call__(
        self,
        batch: Tensor,
        *,
        parameters: Mapping[str, Parameters] | None = None,
        observe: Observe | None = None,
    ) -> Tensor:
        """The target of each image: its map (n, h, w), or its logit (n,).

        Parameters
        ----------
        batch
            (n, channels, height, width), as `Network.prepare` gives it.
        parameters
            By layer, what stands in place of its weights and bias.
        observe
            Called with a layer's name, its input and its output before batch norm; what it
            returns goes on as the output.  Of the target's layer the output has the rows that
            count only.
        """
        output = self.output(batch, parameters=parameters, observe=observe)
        if isinstance(self.target, Logit):
            return output[:, self.column]
        if len(self.direction) == 1 and self.direction[0] == 1:
            return output[:, 0]
        return torch.einsum("nrhw,r->nhw", output, self.direction.to(output.dtype))

    def output(
        self,
        batch: Tensor,
        *,
        parameters: Mapping[str, Parameters] | None = None,
        observe: Observe | None = None,
    ) -> Tensor:
        """What the target is read from: all logits (n, classes), or its rows (n, rows, h, w)."""
        given: Any = None
        for _, made in self.walk(batch, parameters=parameters, observe=observe):
            given = made
        output: Tensor = given
        return output

    def walk(
        self,
        batch: Tensor,
        *,
        parameters: Mapping[str, Parameters] | None = None,
        observe: Observe | None = None,
    ) -> Iterator[tuple[fx.Node, Any]]:
        """Each step with what it gives, in order of execution."""
        made: dict[fx.Node, Any] = {}
        for step in self.steps:
            made[step] = self._step(step, batch, made, parameters or {}, observe)
            yield step, made[step]

    def _step(
        self,
        step: fx.Node,
        batch: Tensor,
        made: dict[fx.Node, Any],
        parameters: Mapping[str, Parameters],
        observe: Observe | None,
    ) -> Any:
        if step.op == "placeholder":
            if not any(isinstance(known, Tensor) for known in made.values()):
                return batch
            return step.args[0] if step.args else None
        if step.op == "get_attr":
            return attrgetter(str(step.target))(self.root)
        args: Any = fx.node.map_arg(step.args, made.__getitem__)
        kwargs: Any = fx.node.map_arg(step.kwargs, made.__getitem__)
        name = self.names.get(step)
        if name is not None:
            return self._layer(name, args[0], parameters.get(name), observe)
        module = self.root.get_submodule(str(step.target)) if step.op == "call_module" else None
        if not works_in_place(step, module):
            return called(step, module, args, kwargs)
        # Who holds the tensor must find it as it was: gradients are taken at it.
        value = called(step, module, (args[0].clone(), *args[1:]), kwargs)
        rebind(made, step.args[0], value)
        return value

    def _layer(
        self, name: str, input: Tensor, given: Parameters | None, observe: Observe | None
    ) -> Tensor:
        module = self.modules[name]
        weight, bias = module.weight.detach(), module.bias
        bias = None if bias is None else bias.detach()
        if given is not None:
            weight, bias = given.weight, given.bias
        rows = torch.from_numpy(self.wiring.layers[name].rows) if name == self.last else None
        if rows is not None and getattr(module, "groups", 1) == 1:
            weight, bias, rows = weight[rows], None if bias is None else bias[rows], None
        output = applied(module, input, weight, bias)
        output = output if rows is None else output[:, rows]
        return output if observe is None else observe(name, input, output)


def applied(module: KernelModule, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """What a convolution or linear module gives with other weights; they may have fewer rows."""
    if isinstance(module, nn.Linear):
        return F.linear(input, weight, bias)
    if module.padding_mode != "zeros":
        input = F.pad(input, module._reversed_padding_repeated_twice, mode=module.padding_mode)
    padding = 0 if module.padding_mode != "zeros" else module.padding
    return F.conv2d(
        input, weight, bias, module.stride, padding, module.dilation, module.groups
    )  # fmt: skip


def target_network(
    model: Network | nn.Module, target: Target, input_shape: Sequence[int] | None = None
) -> TargetNetwork:
    """Cut a network off at a target, and check before anything long that this can be done.

    Tracing runs the network's code on stand-ins, for which torch patches modules globally: never
    do it beside threads that run networks.

    Parameters
    ----------
    model
        The network, or a bare module.
    target
        What is to be computed.
    input_shape
        (channels, height, width), needed for a bare module.

    Raises
    ------
    BadModel
        It is in training mode, its flow depends on its data, or channels cannot be followed up to
        the target; the message says where.
    BadTarget
        The target is none of this network's: a linear layer where a map is needed, a channel out
        of range, or something that no kernel feeds.
    UnknownLayer, UnknownClass
        Nothing has this name.
    """
    root = model.module if isinstance(model, Network) else model
    shape = tuple(model.input_shape if isinstance(model, Network) else input_shape or ())
    classes = model.classes if isinstance(model, Network) else ()
    flow = traced(root, shape)
    point, head = end_of(flow, target)
    followed = follow(root, flow, point, head)
    if isinstance(followed.ids, Unfollowed):
        raise BadModel(
            f"the channels that lead to {target} cannot be followed through {followed.ids.where}: "
            f"{followed.ids.what}; choose a target before it",
            where=followed.ids.where,
        )
    ids = followed.ids[0].reshape(followed.ids.shape[1], -1)[:, 0].to(torch.int64).numpy()
    column = column_of(target, len(ids), classes)
    channels = channels_of(target, len(ids), column)
    wiring = finished(followed.nodes, ids[channels])
    if not wiring.total():
        raise BadTarget(
            f"no kernel leads from the image to {target}; choose another", target=target
        )
    last = flow.node(point)
    names = {flow.node(name): name for name in wiring.layers}
    rows = wiring.nodes[-1].rows
    return TargetNetwork(
        root=root,
        target=target,
        input_shape=shape,
        wiring=wiring,
        modules={name: _kernel_module(flow, name) for name in wiring.layers},
        steps=_steps(flow, last),
        names=names,
        ids=followed.made,
        column=column,
        direction=direction_of(target, rows),
        added=() if isinstance(target, Logit) else flow.added(point),
    )


def checked(network: TargetNetwork, batch: Tensor) -> Tensor:
    """The batch, if it is the network's input; else BadTensor says what is wrong."""
    check_batch(batch, network.input_shape, (network.dtype,))
    return batch


def _kernel_module(flow: TracedFlow, name: str) -> KernelModule:
    module = flow.module(flow.node(name))
    assert isinstance(module, nn.Conv2d | nn.Linear)
    return module


def _steps(flow: TracedFlow, last: fx.Node) -> tuple[fx.Node, ...]:
    """The steps that a step needs, itself last; what works in place on one of them besides."""
    graph = list(last.graph.nodes)
    graph = graph[: graph.index(last) + 1]
    needed = {last}
    for step in reversed(graph):
        changes = works_in_place(step, flow.module(step)) and step.args[0] in needed
        if step in needed or changes:
            needed |= {step, *step.all_input_nodes}
    return tuple(step for step in graph if step in needed)
