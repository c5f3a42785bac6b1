"""Networks run so that tensors on their way can be seen, or changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, fx, nn

from proofsight_server.vision.hooking import hooked
from proofsight_server.vision.points import Change, Observe, Replaced, Tapped


class _Tap(nn.Module):
    def __init__(self, name: str, observe: Observe) -> None:
        super().__init__()
        self._name = name
        self._observe = observe

    def forward(self, tensor: Tensor) -> Any:
        return self._observe(self._name, tensor)


def hooked_runs(module: nn.Module, runs: Mapping[str, str], observe: Observe) -> Tapped:
    """Hooks for points by the runs of modules that give their tensors; several may share one."""
    at: dict[str, list[str]] = {}
    for name, source in runs.items():
        at.setdefault(source, []).append(name)
    inner = hooked(
        module, list(at), lambda source, tensor: [observe(n, tensor) for n in at[source]]
    )

    def run(batch: Tensor) -> tuple[Tensor, list[Any]]:
        logits, seen = inner(batch)
        found = {
            name: one
            for names, ones in zip(at.values(), seen, strict=True)
            for name, one in zip(names, ones, strict=True)
        }
        return logits, [found[name] for name in runs]

    return run


def tapped(
    module: nn.Module, graph: fx.Graph, points: Mapping[str, fx.Node], observe: Observe
) -> Tapped:
    """The network run by its graph, with what `observe` says of the tensors at these points."""
    tapped_graph, copied = fx.Graph(), dict[fx.Node, fx.Node]()
    output = tapped_graph.graph_copy(graph, copied)
    seen = []
    parts: dict[str, Any] = {}
    for position, (name, point) in enumerate(points.items()):
        target = f"proofsight_tap_{position}"
        parts[target] = _Tap(name, observe)
        with tapped_graph.inserting_after(copied[point]):
            seen.append(tapped_graph.call_module(target, (copied[point],)))
    tapped_graph.output((output, tuple(seen)))
    inner = fx.GraphModule(_parts(module, tapped_graph, parts), tapped_graph)

    def run(batch: Tensor) -> tuple[Tensor, list[Any]]:
        logits, observed = inner(batch)
        return logits, list(observed)

    return run


def replaced(module: nn.Module, graph: fx.Graph, point: fx.Node) -> Replaced:
    """The network run by its graph, with the tensor at one point changed on its way."""
    changed_graph, copied = fx.Graph(), dict[fx.Node, fx.Node]()
    # First of all inputs, since those of the network may have defaults.
    change = changed_graph.placeholder("proofsight_change")
    output = changed_graph.graph_copy(graph, copied)
    old = copied[point]
    with changed_graph.inserting_after(old):
        new = changed_graph.call_function(_changed, (change, old))
    old.replace_all_uses_with(new, delete_user_cb=lambda user: user is not new)
    changed_graph.output(new if output is old else output)
    run: Replaced = fx.GraphModule(_parts(module, changed_graph, {}), changed_graph)
    return run


def _changed(change: Change, tensor: Tensor) -> Tensor:
    return change(tensor).clone()


def _parts(module: nn.Module, graph: fx.Graph, own: Mapping[str, Any]) -> dict[str, Any]:
    """What a graph calls: its own parts, and modules and parameters of the network."""
    targets = [str(node.target) for node in graph.nodes if node.op in {"call_module", "get_attr"}]
    return {name: own[name] if name in own else _attribute(module, name) for name in targets}


def _attribute(module: nn.Module, path: str) -> Any:
    found: Any = module
    for name in path.split("."):
        found = getattr(found, name)
    return found
