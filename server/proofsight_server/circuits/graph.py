"""A circuit as a graph: channels, the kernels that are left between them, and what passes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from proofsight_server.circuits.masked import kernels_of
from proofsight_server.circuits.scores import Doubles, Mask, Scores
from proofsight_server.circuits.selection import effective, ranks
from proofsight_server.circuits.target import Unit
from proofsight_server.circuits.target_network import TargetNetwork
from proofsight_server.circuits.wiring import CONSTANT, Node, Wiring
from proofsight_server.symbols.feature import Bools

Sign = Literal["excite", "inhibit", "neutral"]

# The node that stands for a target that is no single channel.
TARGET = "target"
_SIGNS: tuple[Sign, Sign, Sign] = ("neutral", "excite", "inhibit")  # by np.sign: 0, 1, -1


@dataclass(frozen=True, slots=True, order=True)
class Channel:
    """A channel of a node, by the node's atom: `conv3`, `add1`, `image`, `target`."""

    node: str
    index: int

    def __str__(self) -> str:
        return f"{self.node}:{self.index}"


@dataclass(frozen=True, slots=True)
class KernelEdge:
    """A kernel from a source to the channel it writes.

    `score` is what its criterion gave, `rank` its place among all kernels that count, 1 the
    strongest; `sign` that of the sum of its weights; `taps` (rows, columns) its weights, of a
    dense block (1, taps).
    """

    source: Channel
    channel: Channel
    score: float
    rank: int
    sign: Sign
    taps: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LayerCount:
    """Of a layer of kernels how many count, and how many of them are in the circuit."""

    node: str
    module: str
    kept: int
    total: int


@dataclass(frozen=True, slots=True, eq=False)
class CircuitGraph:
    """What of a network is left of its circuit.

    Attributes
    ----------
    nodes
        Atoms of the nodes between image and target in order of execution; `target` last where
        the target is no single channel.
    kernels
        By layer, channel, source.
    wires
        (source, channel): passed on unchanged, by an add, a concatenation, a frozen dense layer,
        or to the target.
    constants
        Channels whose readers get nothing of the image from them, but a constant.
    target
        The channel that the circuit is the circuit of.
    layers
        How many kernels each layer of them has, and had.
    """

    nodes: tuple[str, ...]
    kernels: tuple[KernelEdge, ...]
    wires: tuple[tuple[Channel, Channel], ...]
    constants: tuple[Channel, ...]
    target: Channel
    layers: tuple[LayerCount, ...]

    @property
    def passing(self) -> frozenset[Channel]:
        """Channels that no kernel writes, but sums, concatenations and frozen layers; no target."""
        written = {kernel.channel for kernel in self.kernels}
        passed = {channel for _, channel in self.wires if channel.node != TARGET}
        return frozenset(passed - written)


def circuit_graph(network: TargetNetwork, scores: Scores, mask: Mask) -> CircuitGraph:
    """The graph of a mask's effective kernels.

    Parameters
    ----------
    network
        The network up to the target.
    scores
        That the mask was chosen by.
    mask
        As chosen, not yet effective: kernels without a path to them still say what is constant.
    """
    wiring, kept = network.wiring, effective(mask)
    forward, backward = wiring.forward(kept), wiring.backward(kept)
    live = forward & backward
    names = _channels(wiring)
    single = isinstance(network.target, Unit)
    target = names[int(wiring.sinks[0])] if single else Channel(TARGET, 0)
    wires = list(_wires(wiring, live, names))
    if not single:
        wires += [(names[int(sink)], target) for sink in wiring.sinks if live[sink]]
    silent = wiring.backward(mask.arrays) & ~wiring.forward(mask.arrays)
    silent[[CONSTANT, *wiring.sinks]] = False
    counted, ranked = wiring.counted(), ranks(scores)
    kernels: list[KernelEdge] = []
    layers = []
    for name, node in wiring.layers.items():
        weight = kernels_of(network.modules[name], node)[torch.from_numpy(node.rows)].numpy()
        shape = tuple(getattr(network.modules[name], "kernel_size", (1, node.taps)))
        kernels += _kernels(node, kept[name], scores[name], ranked[name], weight, shape, names)
        total = int(counted[name].sum())
        layers.append(LayerCount(node.atom, node.name, int(kept[name].sum()), total))
    return CircuitGraph(
        nodes=(*(node.atom for node in wiring.nodes), *(() if single else (TARGET,))),
        kernels=tuple(kernels),
        wires=tuple(wires),
        constants=tuple(names[int(place)] for place in np.flatnonzero(silent)),
        target=target,
        layers=tuple(layers),
    )


def _channels(wiring: Wiring) -> Mapping[int, Channel]:
    """The channel of each id."""
    return {
        node.first + index: Channel(node.atom, index)
        for node in wiring.nodes
        for index in range(node.channels)
    }


def _wires(
    wiring: Wiring, live: Bools, names: Mapping[int, Channel]
) -> Iterator[tuple[Channel, Channel]]:
    for node in wiring.nodes:
        if node.kind not in {"join", "dense"}:
            continue
        for index in np.flatnonzero(live[node.ids]):
            read = (
                node.sources[:, index]
                if node.connected is None
                else node.sources[node.connected[index]]
            )
            for source in dict.fromkeys(int(one) for one in read if live[one]):
                yield names[source], names[node.first + int(index)]


def _kernels(
    node: Node,
    kept: Bools,
    scores: Doubles,
    ranked: npt.NDArray[np.int64],
    weight: npt.NDArray[np.float32],
    shape: tuple[int, ...],
    names: Mapping[int, Channel],
) -> Iterator[KernelEdge]:
    sources = node.kernel_sources()
    signs = np.sign(weight.sum(axis=2, dtype=np.float64)).astype(np.int64)
    for row, column in np.argwhere(kept):
        yield KernelEdge(
            source=names[int(sources[row, column])],
            channel=names[node.first + int(node.rows[row])],
            score=float(scores[row, column]),
            rank=int(ranked[row, column]),
            sign=_SIGNS[signs[row, column]],
            taps=weight[row, column].reshape(shape),
        )
