"""The pre-flight check: which layers a network has, and where their values are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from proofsight_server.errors import BadModel, BadOption, UnknownLayer
from proofsight_server.symbols.feature import Kind, Layer, module_atom
from proofsight_server.vision.hooking import HookedFlow
from proofsight_server.vision.network import Network
from proofsight_server.vision.points import Flow, Point, trial
from proofsight_server.vision.tracing import TracedFlow, UntraceableError

_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
_TAKEN = re.compile(r"(conv|fc)\d+")


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """A layer that can be read, and what its values look like.

    `shape` is (height, width) of its maps, None for units; `is_default` marks the layer that
    is taken where none is named: the last convolution, of branches that are added the longest's.
    """

    layer: Layer
    shape: tuple[int, int] | None
    is_default: bool


def flow_of(network: Network) -> Flow:
    """How tensors flow through a network: traced if that is possible, else seen by hooks.

    Raises
    ------
    BadModel
        The network does not run on images of its input shape.
    """
    try:
        return TracedFlow(network.module, network.input_shape)
    except UntraceableError:
        pass
    try:
        return HookedFlow(network.module, network.input_shape)
    except Exception as error:
        # The network's own code.
        raise BadModel(
            f"{network.model} does not run on images of shape {network.input_shape} "
            f"(channels, height, width): {error}",
            model=network.model,
        ) from error


def inspect(network: Network) -> tuple[LayerInfo, ...]:
    """All convolutions and linear modules that can be read, in order of execution.

    A module that runs twice is two layers, `path` and `path#2`.  Atoms count the runs:
    `conv1`, `conv2`, ..., `fc1`, ...  A linear module within a sequence of tokens gives no
    single number per unit and is left out.

    Raises
    ------
    BadModel
        The network does not run.
    """
    return layers_of(flow_of(network))


def resolve(network: Network, names: Sequence[str] = ()) -> tuple[LayerInfo, ...]:
    """The layers of these names, in order of execution.

    Parameters
    ----------
    network
        The network that has them.
    names
        Paths of modules (`features.28`, `layer1.0.conv1#2`) or atoms (`conv13`).  A module
        that is neither a convolution nor linear, or a function (`layer1.0.add`), is read as it
        stands, as a `map`.  None means the default layer.

    Raises
    ------
    UnknownLayer
        No module that ran has the name; the nearest are given.
    BadOption
        The module's output cannot be read as maps or units, or a layer is named twice.
    BadModel
        The network does not run, or has no convolution to be the default.
    """
    flow = flow_of(network)
    layers = layers_of(flow)
    if not names:
        default = [info for info in layers if info.is_default]
        if not default:
            raise BadModel("the network has no convolution that could be read; name a --layer")
        return tuple(default)
    maps = _maps(flow, {info.layer.atom for info in layers})
    known = {info.layer.atom: info for info in layers}
    known |= {info.layer.module: info for info in (*maps, *layers)}
    for name in names:
        if name not in known:
            point = flow.points.get(name)
            if point is None or point.layer is None:
                raise UnknownLayer(name, _named(flow, known))
            raise BadOption(
                f"layer {name} gives {_described(point)} per image, but only maps (channels, "
                "height, width) and units (n) can be read; choose another layer",
                layer=name,
            )
    chosen = [known[name] for name in names]
    modules = [info.layer.module for info in chosen]
    if len(set(modules)) < len(modules):
        double = next(module for module in modules if modules.count(module) > 1)
        raise BadOption(f"layer {double} is named twice", layer=double)
    order = {name: place for place, name in enumerate(flow.points)}
    return tuple(sorted(chosen, key=lambda info: order[info.layer.module]))


def succession(network: Network, layers: Sequence[LayerInfo]) -> tuple[LayerInfo, ...]:
    """The layers, each of which is made from the one before it, for a chain of rules.

    Parameters
    ----------
    network
        The network that has them.
    layers
        What `resolve` gave: in order of execution, whatever the order of their names.

    Raises
    ------
    BadOption
        There are fewer than two; two are read at the same point; or one does not depend on the
        one before it, since they stand on branches beside each other.
    """
    if len(layers) < 2:
        raise BadOption(
            f"a chain needs at least two layers, and only {layers[0].layer.atom} was named; name "
            "another --layer, or leave --chain out",
            option="chain",
        )
    flow = flow_of(network)
    reads = list(dict.fromkeys(info.layer.reads for info in layers))
    with torch.enable_grad():
        # No leaf of the graph of gradients, since the network may begin in place.
        batch = trial(network.input_shape).requires_grad_().clone()
        _, maps = flow.tap(reads, lambda name, map: map)(batch)
    at = dict(zip(reads, maps, strict=True))
    for lower, upper in pairwise(info.layer for info in layers):
        if at[lower.reads] is at[upper.reads]:
            raise BadOption(
                f"layers {lower.atom} and {upper.atom} are read at the same point "
                f"({upper.reads}), so neither is below the other; leave one of them out",
                option="chain",
                layer=lower.atom,
            )
        if not _made_from(at[upper.reads], at[lower.reads]):
            raise BadOption(
                f"layer {upper.atom} is not made from layer {lower.atom}: they stand on branches "
                "beside each other; chain layers of which each feeds the next",
                option="chain",
                layer=lower.atom,
            )
    return tuple(layers)


def _made_from(upper: Tensor, lower: Tensor) -> bool:
    """Whether gradients flow from one tensor to the other; yes where the network has none."""
    if not upper.requires_grad or not lower.requires_grad:
        return True
    try:
        (found,) = torch.autograd.grad(upper.sum(), lower, retain_graph=True, allow_unused=True)
    except RuntimeError:
        # Something between them works in place on what its gradient would need.
        return True
    return found is not None


def taken_at(network: Network, flow: Flow, name: str) -> LayerInfo:
    """The layer whose values are taken at a point; where there is none, the point as it stands.

    Of several layers the last; `flow` is that of the network.

    Raises
    ------
    UnknownLayer, BadOption
        There is no such point, or what comes by there can be read neither as maps nor as units.
    """
    read = [info for info in layers_of(flow) if info.layer.reads == name]
    return read[-1] if read else resolve(network, [name])[0]


def _named(flow: Flow, known: Mapping[str, LayerInfo]) -> list[str]:
    """What a person may have meant: modules, not functions."""
    points = flow.points
    return [
        name
        for name, info in known.items()
        if (point := points.get(info.layer.module)) is not None and point.layer is not None
    ]


def layers_of(flow: Flow) -> tuple[LayerInfo, ...]:
    """All convolutions and linear modules of a flow that can be read; see `inspect`."""
    found: list[tuple[Layer, Point]] = []
    counts = {"conv": 0, "fc": 0}
    for name, point in flow.points.items():
        kind: Kind = "conv" if isinstance(point.layer, _CONVOLUTIONS) else "linear"
        if kind == "linear" and not isinstance(point.layer, nn.Linear):
            continue
        prefix = "conv" if kind == "conv" else "fc"
        counts[prefix] += 1
        # Unreadable ones count too, so that an atom does not depend on what can be read.
        if point.shape is not None and len(point.shape) == (3 if kind == "conv" else 1):
            atom = f"{prefix}{counts[prefix]}"
            found.append((Layer(atom, name, kind, point.shape[0], flow.reads(name)), point))
    convolutions = [layer for layer, _ in found if layer.kind == "conv"]
    default = _deepest(flow, convolutions)
    return tuple(LayerInfo(layer, _size(point), layer is default) for layer, point in found)


def _deepest(flow: Flow, convolutions: Sequence[Layer]) -> Layer | None:
    """The last convolution; where branches are added behind it, the last of the longest branch.

    All of them are read after the addition, but a circuit is of what the convolution itself
    computes, and a shortcut, which may well run last, is little of the block.
    """
    added = [layer for layer in convolutions if layer.reads == convolutions[-1].reads]
    if len(added) < 2 or not isinstance(flow, TracedFlow):
        return convolutions[-1] if convolutions else None
    return max(reversed(added), key=lambda layer: flow.depth(layer.module))


def _maps(flow: Flow, atoms: set[str]) -> list[LayerInfo]:
    """Anything else, read as it stands; what gives one number per unit has 1 x 1 maps."""
    infos = []
    # Functions come last, so that they take no atom from a module.
    for name, point in sorted(flow.points.items(), key=lambda item: item[1].layer is None):
        if isinstance(point.layer, (*_CONVOLUTIONS, nn.Linear)):
            continue
        if point.shape is None or len(point.shape) not in {1, 3}:
            continue
        atom = base = module_atom(name)
        if _TAKEN.fullmatch(base):
            atom = base = f"{base}_map"
        number = 2
        while atom in atoms:
            atom, number = f"{base}_{number}", number + 1
        atoms = atoms | {atom}
        layer = Layer(atom, name, "map", point.shape[0], name)
        infos.append(LayerInfo(layer, _size(point) or (1, 1), False))
    return infos


def _size(point: Point) -> tuple[int, int] | None:
    if point.shape is None or len(point.shape) != 3:
        return None
    return point.shape[1], point.shape[2]


def _described(point: Point) -> str:
    return "no single float tensor" if point.shape is None else f"a tensor {point.shape}"
