"""Which channel feeds which: the wiring of a network up to a target, and reachability on it.

Channels are nodes and kernels are edges.  Batch norm, pointwise operations and pooling pass a
channel on and do not appear; adds, products and concatenations of maps are joins.  Nothing here
knows torch: what a real network gives and what a plain chain of arrays gives is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from proofsight_server.errors import BadTensor
from proofsight_server.symbols.feature import Bools, Ints

# The id of what carries nothing of the image: the zeros of a padded shortcut, a fixed tensor.
CONSTANT = 0
IMAGE = "image"

NodeKind = Literal["image", "kernels", "join", "dense"]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """What makes channels: the image, a layer of kernels, a join of maps, a frozen dense layer.

    Ids of channels count over all nodes of a wiring, from 1; channel i of a node has the id
    `first + i`.

    `name` is `image`, the path of a module (`features.3`, `block.0#2`) or the point of a function
    (`layer1.0.add`); `atom` its name in programs (`conv3`, `add1`, `concat2`).

    `sources` are ids of the channels that it reads.  Kernels: (inputs,), one for each channel of
    the layer's input.  A join: (operands, channels).  A dense layer: (inputs,).  The image: none.

    Of kernels, `rows` (r,) are the channels of the layer that the rows of its arrays of scores and
    masks stand for, in rising order, and column j of row i is the kernel from input channel
    `group of rows[i] * (inputs / groups) + j`; `taps` are the numbers in one kernel and `macs` its
    multiplications for one image.

    Of a dense layer, `connected` (units, inputs) says which of its weights are not zero.
    """

    name: str
    atom: str
    kind: NodeKind
    first: int
    channels: int
    sources: Ints
    rows: Ints
    groups: int = 1
    taps: int = 1
    macs: int = 1
    connected: Bools | None = None

    @property
    def ids(self) -> slice:
        """Where its channels stand in an array over all ids."""
        return slice(self.first, self.first + self.channels)

    @property
    def shape(self) -> tuple[int, int]:
        """Of arrays over its kernels: (rows, inputs / groups)."""
        return len(self.rows), len(self.sources) // self.groups

    def inputs(self) -> Ints:
        """For each kernel the channel of the layer's input that it reads; `shape`."""
        width = len(self.sources) // self.groups
        group = self.rows // (self.channels // self.groups)
        return group[:, None] * width + np.arange(width)

    def kernel_sources(self) -> Ints:
        """For each kernel the id of its source channel; `shape`."""
        return self.sources[self.inputs()]


@dataclass(frozen=True, slots=True, eq=False)
class Wiring:
    """The nodes between image and target in order of execution, and the ids that the target is.

    `rows` of its kernels are those channels only from which there is a path to the target.
    """

    nodes: tuple[Node, ...]
    sinks: Ints

    @property
    def layers(self) -> dict[str, Node]:
        """The layers of kernels by name, input first."""
        return {node.name: node for node in self.nodes if node.kind == "kernels"}

    @property
    def size(self) -> int:
        """How many ids there are, that of CONSTANT included."""
        return self.nodes[-1].first + self.nodes[-1].channels

    def counted(self) -> dict[str, Bools]:
        """The kernels on a path from the image to the target; how many they are is N."""
        return self.effective({name: np.ones(n.shape, bool) for name, n in self.layers.items()})

    def total(self) -> int:
        """N: the kernels on a path from the image to the target."""
        return sum(int(counts.sum()) for counts in self.counted().values())

    def forward(self, mask: Mapping[str, Bools]) -> Bools:
        """Per id, whether a path of kept kernels leads there from the image; (size,)."""
        live = np.zeros(self.size, dtype=bool)
        for node in self.nodes:
            if node.kind == "image":
                live[node.ids] = True
            elif node.kind == "kernels":
                reached = mask[node.name] & live[node.kernel_sources()]
                live[node.first + node.rows] = reached.any(axis=1)
            elif node.connected is not None:
                live[node.ids] = (node.connected & live[node.sources]).any(axis=1)
            else:
                live[node.ids] = live[node.sources].any(axis=0)
        return live

    def backward(self, mask: Mapping[str, Bools]) -> Bools:
        """Per id, whether a path of kept kernels leads from there to the target; (size,)."""
        live = np.zeros(self.size, dtype=bool)
        live[self.sinks] = True
        for node in reversed(self.nodes):
            own = live[node.ids]
            if node.kind == "kernels":
                live[node.kernel_sources()[mask[node.name] & own[node.rows, None]]] = True
            elif node.connected is not None:
                live[node.sources[(node.connected & own[:, None]).any(axis=0)]] = True
            elif node.kind == "join":
                live[node.sources[:, own]] = True
        live[CONSTANT] = False
        return live

    def effective(self, mask: Mapping[str, Bools]) -> dict[str, Bools]:
        """The kept kernels on a path of kept kernels from the image to the target.

        Raises
        ------
        BadTensor
            A layer is missing from the mask, or an array is not bool of the layer's shape.
        """
        self.check(mask)
        forward, backward = self.forward(mask), self.backward(mask)
        return {
            name: mask[name]
            & forward[node.kernel_sources()]
            & backward[node.first + node.rows, None]
            for name, node in self.layers.items()
        }

    def check(self, mask: Mapping[str, Bools]) -> None:
        """Refuse a mask that is not of this wiring's layers and shapes, bool.

        Raises
        ------
        BadTensor
            It is not.
        """
        layers = self.layers
        for name in [*layers, *mask]:
            if name not in mask or name not in layers:
                lacks = "lacks" if name not in mask else "has"
                raise BadTensor(
                    f"the mask {lacks} layer {name}, but the layers of kernels up to the target "
                    f"are {', '.join(layers)}; give one array for each of them",
                    layer=name,
                )
            array = mask[name]
            if array.dtype != np.bool_ or array.shape != layers[name].shape:
                raise BadTensor(
                    f"the mask of layer {name} is {array.dtype} {array.shape}; give bool "
                    f"{layers[name].shape} (destinations, sources)",
                    layer=name,
                )


def finished(nodes: Sequence[Node], sinks: Ints) -> Wiring:
    """The wiring of nodes whose kernels have all rows, cut to what leads to the sinks.

    Rows from which no path leads to a sink are left out, and so are layers without a row.
    """
    whole = Wiring(tuple(nodes), sinks)
    backward = whole.backward({name: np.ones(n.shape, bool) for name, n in whole.layers.items()})
    cut = []
    for node in nodes:
        if node.kind == "kernels":
            node = replace(node, rows=np.flatnonzero(backward[node.ids]))
        if node.kind == "image" or backward[node.ids].any():
            cut.append(node)
    return Wiring(tuple(cut), sinks)


def chain(shapes: Mapping[str, tuple[int, ...]]) -> Wiring:
    """The wiring of layers each of which reads the one before it.

    Parameters
    ----------
    shapes
        (destinations, sources) of each layer's array, input first.  The sources of the first are
        the image's channels; the destinations of the last are the target.

    Raises
    ------
    BadTensor
        There is no layer, an array has not two axes, or a layer does not take as many channels
        as the one before it gives.
    """
    if not shapes:
        raise BadTensor("a mapping without layers is no chain; give at least one layer's array")
    for name, shape in shapes.items():
        if len(shape) != 2 or 0 in shape:
            raise BadTensor(
                f"the array of layer {name} has shape {tuple(shape)}; give (destinations, sources)",
                layer=name,
            )
    none = np.zeros(0, dtype=np.int64)
    nodes = [Node(IMAGE, IMAGE, "image", 1, next(iter(shapes.values()))[1], none, none)]
    for name, (destinations, sources) in shapes.items():
        before = nodes[-1]
        if sources != before.channels:
            raise BadTensor(
                f"layer {name} reads {sources} channels, but {before.name} before it gives "
                f"{before.channels}; order the layers from input to target",
                layer=name,
            )
        first = before.first + before.channels
        ids = before.first + np.arange(sources)
        nodes.append(Node(name, name, "kernels", first, destinations, ids, np.arange(destinations)))
    last = nodes[-1]
    return Wiring(tuple(nodes), last.first + np.arange(last.channels))
