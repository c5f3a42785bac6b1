"""The flow of a network as a graph: where each tensor comes from and what follows it.

An own tracer instead of torchvision's feature extraction, for three reasons: it needs no
torchvision, it looks inside blocks such as `Conv2dNormActivation` that torchvision takes
for leaves, and it knows which tensor is the output of a block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from proofsight_server.vision.following import Role, role_of_function, role_of_module
from proofsight_server.vision.points import (
    Observe,
    Point,
    Replaced,
    Tapped,
    numbered,
    per_image,
    trial,
    weight_type,
)
from proofsight_server.vision.tapping import hooked_runs, replaced, tapped

Shapes = Mapping[fx.Node, tuple[int, ...]]
Visit = Callable[[fx.Node, nn.Module | None, Mapping[fx.Node, Any], Shapes], Any]

# Functions that ask a tensor something, and give none.
QUESTIONS = {"size", "dim", "ndimension", "numel", "getattr"}


class UntraceableError(Exception):
    """The network's flow depends on its data, or it does what tracing cannot follow."""


class TracedFlow:
    """A network whose forward pass `torch.fx` could record.

    Raises
    ------
    UntraceableError
        It could not, or the record computes something else than the network does.
    """

    def __init__(self, module: nn.Module, input_shape: Sequence[int]) -> None:
        tracer = _PathTracer()
        batch = trial(input_shape, weight_type(module))
        try:
            self._graph = tracer.trace(module)
            shapes = _Shapes(fx.GraphModule(module, self._graph))
            with torch.inference_mode():
                traced, expected = shapes.outcome(batch), module(batch)
        except Exception as error:
            # Tracing runs the network's own code on stand-ins: anything can come out of it.
            raise UntraceableError(str(error)) from error
        if not _same(traced, expected):
            raise UntraceableError("the recorded graph computes something else than the network")
        self._module = module
        self._shapes = shapes.shapes
        self._nodes = tracer.named()
        self._points = {
            name: Point(name, tracer.modules.get(name), self._shapes.get(node))
            for name, node in self._nodes.items()
        }

    @property
    def points(self) -> Mapping[str, Point]:
        """Points by name, in order of execution."""
        return self._points

    def walk(self, name: str, visit: Visit) -> Any:
        """What `visit` makes of the node at a point, and of every node before it, in order.

        It gets the node, the module that the node runs (None for a function), what it made
        of each earlier node, and all shapes without the axis of the batch.
        """
        end = self._nodes[name]
        made: dict[fx.Node, Any] = {}
        for node in self._graph.nodes:
            module = None
            if node.op == "call_module":
                module = self._module.get_submodule(str(node.target))
            made[node] = visit(node, module, made, self._shapes)
            if node is end:
                break
        return made[end]

    def node(self, name: str) -> fx.Node:
        """The graph's node at a point."""
        return self._nodes[name]

    def names(self, node: fx.Node) -> tuple[str, ...]:
        """The points at a node, in order of execution: a block comes after what is inside it."""
        return tuple(name for name, at in self._nodes.items() if at is node)

    def module(self, node: fx.Node) -> nn.Module | None:
        """The module that a node runs, None for a function."""
        return self._module.get_submodule(str(node.target)) if node.op == "call_module" else None

    def shape(self, node: fx.Node) -> tuple[int, ...] | None:
        """The shape of a node's tensor without the axis of the batch, None if it has none."""
        return self._shapes.get(node)

    @property
    def result(self) -> fx.Node:
        """The node that the network returns: its logits."""
        (end,) = (node for node in self._graph.nodes if node.op == "output")
        result: fx.Node = end.all_input_nodes[0]
        return result

    def reads(self, name: str) -> str:
        """The last of norm, residual add and non-linearity that follow, up to a branching."""
        start = last = self._nodes[name]
        for node, role in self._following(start):
            last = last if role == "pass" else node
        if last is start:
            return name
        return next(point for point, node in self._nodes.items() if node is last)

    def added(self, name: str) -> tuple[str, ...]:
        """The points whose tensors are added to a layer's before its values are taken."""
        start = before = self._nodes[name]
        found = []
        for node, role in self._following(start):
            if role == "add":
                found += [self.names(one)[-1:] for one in node.all_input_nodes if one is not before]
            before = node
        return tuple(point for names in found for point in names)

    def depth(self, name: str) -> int:
        """How many operations the longest way from the images to a point has."""
        depths: dict[fx.Node, int] = {}
        for node in self._graph.nodes:
            depths[node] = 1 + max((depths[one] for one in node.all_input_nodes), default=0)
        return depths[self._nodes[name]]

    def _following(self, start: fx.Node) -> Iterator[tuple[fx.Node, Role]]:
        """What belongs to a layer after it, in order, up to its non-linearity or a branching."""
        current, role = start, None
        while role != "activation":
            users = [user for user in current.users if not _is_question(user)]
            role = self._role(users[0]) if len(users) == 1 else None
            if role is None or self._shapes.get(users[0]) != self._shapes.get(start):
                return
            current = users[0]
            yield current, role

    def tap(self, names: Sequence[str], observe: Observe, *, training: bool = False) -> Tapped:
        """The network with hooks where tensors are outputs of modules, else its graph with taps.

        Both use the network's own modules and parameters.  Hooks are preferred because memory
        then comes and goes as in the bare network; in the graph tensors die in another order,
        which made a ResNet-20 up to a quarter slower under glibc's allocator.  Where the
        network's code asks whether it is training, a graph has the answer in it, so `training`
        needs a graph of its own.
        """
        runs = {name: self._run_giving(self._nodes[name]) for name in names}
        if all(runs.values()):
            return hooked_runs(self._module, runs, observe)
        graph, nodes = self._graph, self._nodes
        if training:
            tracer = _PathTracer()
            self._module.train()
            try:
                graph, nodes = tracer.trace(self._module), tracer.named()
            except Exception as error:
                raise UntraceableError(f"in training mode: {error}") from error
            finally:
                self._module.eval()
        return tapped(self._module, graph, {name: nodes[name] for name in names}, observe)

    def replace(self, name: str) -> Replaced:
        """The graph with another tensor at `name`; a hook would miss uses inside its block."""
        return replaced(self._module, self._graph, self._nodes[name])

    def _run_giving(self, wanted: fx.Node) -> str:
        """The run of a module that gives a node's tensor, '' where a function makes it."""
        giving = (n for n, node in self._nodes.items() if node is wanted and self._points[n].layer)
        return next(giving, "")

    def _role(self, node: fx.Node) -> Role | None:
        if node.op == "call_module":
            return role_of_module(self._module.get_submodule(str(node.target)))
        return role_of_function(function_name(node)) if node.op.startswith("call") else None


class _PathTracer(fx.Tracer):
    """Remembers for each node in which block it was made, and the output of each block."""

    def __init__(self) -> None:
        super().__init__()
        self.modules: dict[str, nn.Module] = {}
        self._outputs: list[tuple[str, fx.Node]] = []
        self._runs: dict[str, int] = {}
        self._blocks: list[str] = []

    def call_module(
        self,
        m: nn.Module,
        forward: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        path = self.path_of_module(m)
        self._runs[path] = run = self._runs.get(path, 0) + 1
        self._blocks.append(numbered(path, run))
        try:
            output = super().call_module(m, forward, args, kwargs)
        finally:
            self._blocks.pop()
        if isinstance(output, fx.Proxy):
            name = numbered(path, run)
            self.modules[name] = m
            self._outputs.append((name, output.node))
        return output

    def create_node(self, kind: str, *args: Any, **kwargs: Any) -> fx.Node:
        node = super().create_node(kind, *args, **kwargs)
        if kind in {"call_function", "call_method"}:
            node.meta["block"] = self._blocks[-1] if self._blocks else ""
        return node

    def named(self) -> dict[str, fx.Node]:
        """Nodes by name in order of execution; a module's name goes before a function's."""
        paths = set(self._runs)
        of_functions: dict[fx.Node, str] = {}
        counts: dict[str, int] = {}
        for node in self.graph.nodes:
            if "block" in node.meta:
                block, function = node.meta["block"], function_name(node)
                base = f"{block}.{function}" if block else function
                if base in paths:
                    base += "_call"
                counts[base] = counts.get(base, 0) + 1
                of_functions[node] = numbered(base, counts[base])
        order = {node: place for place, node in enumerate(self.graph.nodes)}
        modules = [(order[node], 1, name, node) for name, node in self._outputs]
        functions = [(order[node], 0, name, node) for node, name in of_functions.items()]
        both = sorted(modules + functions, key=lambda entry: entry[:2])
        return {name: node for _, _, name, node in both}


class _Shapes(fx.Interpreter):
    """Runs a graph and keeps the shape of each tensor, without the axis of the batch."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.shapes: dict[fx.Node, tuple[int, ...]] = {}

    def outcome(self, batch: Tensor) -> Any:
        """What the graph makes of a batch.

        Not by `run`, whose progress bar takes a semaphore of the system, which a process that
        is ended leaves behind.
        """
        self.env, self.args_iter = {}, iter((batch,))
        for node in self.graph.nodes:
            self.env[node] = self.run_node(node)
            for spent in self.user_to_last_uses.get(node, ()):
                del self.env[spent]
            if node.op == "output":
                return self.env[node]
        raise UntraceableError("the recorded graph returns nothing")

    def run_node(self, n: fx.Node) -> Any:
        output = super().run_node(n)
        shape = per_image(output)
        if shape is not None:
            self.shapes[n] = shape
        return output


def _same(traced: object, expected: object) -> bool:
    if not isinstance(traced, Tensor) or not isinstance(expected, Tensor):
        return False
    return traced.shape == expected.shape and torch.allclose(
        traced, expected, rtol=1e-3, atol=1e-4, equal_nan=True
    )


def function_name(node: fx.Node) -> str:
    """The name of the function or tensor method that a node calls, without underscores."""
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "call")
    return str(name).strip("_") or "call"


def _is_question(node: fx.Node) -> bool:
    return node.op in {"call_function", "call_method"} and function_name(node) in QUESTIONS
