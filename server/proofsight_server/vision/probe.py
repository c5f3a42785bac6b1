"""Values out of layers: one forward pass gives decisions and feature values together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from proofsight_server.errors import BadTensor, UnknownLayer
from proofsight_server.symbols.feature import Feature, Floats, Ints, Layer
from proofsight_server.symbols.reduction import MapReducer
from proofsight_server.vision.dataset import Split
from proofsight_server.vision.layers import LayerInfo, flow_of
from proofsight_server.vision.network import Network
from proofsight_server.vision.points import Flow
from proofsight_server.vision.regions import RegionFinder

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Observation:
    """What the network decided for n images, and the f features that it saw.

    `logits` and `probabilities` (n, classes) float32; `decisions` (n,) class indices, the
    lowest where logits are equal; `values` (n, f) float32 in the order of the features;
    `regions` (n, f, 4) float32 or None: left, top, right, bottom as shares of the input.
    """

    logits: Floats
    decisions: Ints
    probabilities: Floats
    values: Floats
    regions: Floats | None = None

    def __len__(self) -> int:
        return len(self.decisions)


class Probe:
    """Whole maps of layers, for what needs more than numbers. A context manager.

    Parameters
    ----------
    network
        The network to look into.
    layers
        What `resolve` gave.

    Raises
    ------
    UnknownLayer
        A layer is read where this network has no such point.
    """

    def __init__(self, network: Network, layers: Sequence[LayerInfo]) -> None:
        self._network = network
        self._layers = [info.layer for info in layers]
        self._flow = _flow_with(network, self._layers)

    def __enter__(self) -> Self:
        # Later operations may work in place, so each map is copied as it comes by.
        self._reads = list(dict.fromkeys(layer.reads for layer in self._layers))
        self._run = self._flow.tap(self._reads, lambda name, map: map.clone())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        del self._run

    def maps(self, batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits (n, classes), and per layer atom its map (n, channels, h, w) or (n, units).

        Raises
        ------
        BadTensor
            The batch is not of the network's type and shape.
        """
        check_batch(batch, self._network.input_shape)
        with torch.inference_mode():
            logits, maps = self._run(batch)
        at = dict(zip(self._reads, maps, strict=True))
        return logits, {layer.atom: at[layer.reads] for layer in self._layers}


class Reader:
    """Reads fixed features off a network; planned once, then one forward pass per batch.

    Features are reduced at the moment their map is made, while it is still in the cache and
    before a later operation can change it in place.

    Parameters
    ----------
    network
        The network to read.
    features
        In the order in which their values are wanted.
    layers
        The layers that the features name, or more.

    Raises
    ------
    UnknownLayer
        A feature's layer is not given, or is read where this network has no such point.
    """

    def __init__(
        self,
        network: Network,
        features: Sequence[Feature],
        layers: Sequence[LayerInfo | Layer],
    ) -> None:
        self.network = network
        self.features = tuple(features)
        given = [item.layer if isinstance(item, LayerInfo) else item for item in layers]
        by_atom = {layer.atom: layer for layer in given}
        for feature in self.features:
            if feature.layer not in by_atom:
                raise UnknownLayer(feature.layer, by_atom)
        used = [layer for layer in given if any(f.layer == layer.atom for f in self.features)]
        flow = _flow_with(network, used)
        self._readings = [_Reading(layer, self.features) for layer in used]
        reads = list(dict.fromkeys(layer.reads for layer in used))
        at_point = {
            name: [one for one in self._readings if one.layer.reads == name] for name in reads
        }
        self._values = flow.tap(reads, lambda name, map: [r.values(map) for r in at_point[name]])
        self._with_regions = flow.tap(
            reads, lambda name, map: [(r.values(map), r.regions(map)) for r in at_point[name]]
        )
        self._order = [one for name in reads for one in at_point[name]]

    def observe(self, batch: Tensor, *, regions: bool = False) -> Observation:
        """Decisions and values of one batch, from one forward pass.

        Parameters
        ----------
        batch
            (n, channels, height, width) float32, as `Network.prepare` gives it.
        regions
            Whether to say where in the input each value comes from.

        Raises
        ------
        BadTensor
            The batch is of another type or shape, or a value is not finite; then the
            message names layer and channel.
        """
        check_batch(batch, self.network.input_shape)
        with torch.inference_mode():
            logits, seen = (self._with_regions if regions else self._values)(batch)
            probabilities = torch.softmax(logits, dim=1)
        return self._observation(
            logits.numpy(),
            probabilities.numpy(),
            [one for at_point in seen for one in at_point],
            regions=regions,
        )

    def _observation(
        self, logits: Floats, probabilities: Floats, seen: Sequence[Any], *, regions: bool
    ) -> Observation:
        if not np.isfinite(logits).all():
            image, index = np.argwhere(~np.isfinite(logits))[0]
            raise BadTensor(
                f"the logit of class {self.network.classes[index]} is not finite for image {image} "
                "of the batch; check the network's weights and the image's preprocessing",
                class_name=self.network.classes[index],
                image=image,
            )
        images = len(logits)
        values = np.empty((images, len(self.features)), dtype=np.float32)
        boxes = np.empty((images, len(self.features), 4), dtype=np.float32) if regions else None
        for reading, one in zip(self._order, seen, strict=True):
            if boxes is not None:
                values[:, reading.columns], boxes[:, reading.columns] = one
            else:
                values[:, reading.columns] = one
        # NumPy's argmax promises the lowest index on a tie, torch's does not.
        return Observation(logits, logits.argmax(axis=1), probabilities, values, boxes)


class _Reading:
    """The features of one layer and their columns in the answer."""

    def __init__(self, layer: Layer, features: Sequence[Feature]) -> None:
        self.layer = layer
        own = [(place, f) for place, f in enumerate(features) if f.layer == layer.atom]
        places = np.array([place for place, _ in own], dtype=np.int64)
        together = len(places) > 0 and int(places[-1] - places[0]) == len(places) - 1
        self.columns: slice | Ints = (
            slice(int(places[0]), int(places[-1]) + 1) if together else places
        )
        self._reduce = MapReducer([f for _, f in own])
        self._find = RegionFinder([f for _, f in own])

    def values(self, map: Tensor) -> Floats:
        return self._reduce(self._as_map(map))

    def regions(self, map: Tensor) -> Floats:
        return self._find(self._as_map(map))

    def _as_map(self, map: Tensor) -> Tensor:
        # A module that is read as it stands and gives one number per unit: maps of 1 x 1.
        return map[..., None, None] if self.layer.kind == "map" and map.ndim == 2 else map


def probe_split(
    reader: Reader,
    split: Split,
    *,
    batch: int = 256,
    progress: Progress | None = None,
) -> Observation:
    """What the reader observes in all images of a split, without regions.

    Parameters
    ----------
    reader
        Of the network; its own preprocessing is applied.
    split
        Images to read.
    batch
        Images per forward pass.
    progress
        Called with images done and images in all, after each batch.

    Raises
    ------
    BadDataset
        A file cannot be decoded; the message names it.
    BadImage, BadTensor
        Images that do not fit the network, or values that are not finite.
    """
    parts = []
    for start in range(0, len(split), batch):
        images = split.images[start : start + batch]
        parts.append(reader.observe(reader.network.prepare(images)))
        if progress is not None:
            progress(min(start + batch, len(split)), len(split))
    if not parts:
        raise BadTensor("a split without images cannot be read")
    return Observation(
        logits=np.concatenate([part.logits for part in parts]),
        decisions=np.concatenate([part.decisions for part in parts]),
        probabilities=np.concatenate([part.probabilities for part in parts]),
        values=np.concatenate([part.values for part in parts]),
    )


def check_batch(
    batch: Tensor, input_shape: Sequence[int], types: Sequence[torch.dtype] = (torch.float32,)
) -> None:
    """Refuse a batch that is not the network's input.

    Raises
    ------
    BadTensor
        Of none of these types, not (n, *input_shape), empty, or with a number that is not finite.
    """
    if batch.dtype not in types or tuple(batch.shape[1:]) != tuple(input_shape):
        raise BadTensor(
            f"the network takes {_type(types[0])} tensors (n, {', '.join(map(str, input_shape))}), "
            f"not {_type(batch.dtype)} {tuple(batch.shape)}",
            dtype=batch.dtype,
            shape=tuple(batch.shape),
        )
    if len(batch) == 0:
        raise BadTensor("a batch needs at least one image, it has none")
    # A sum is finite only if every number is; a sum that is not may just be too large.
    if not torch.isfinite(batch.sum()) and not torch.isfinite(batch).all():
        raise BadTensor("the batch has numbers that are not finite; check how it was made")


def _type(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _flow_with(network: Network, layers: Sequence[Layer]) -> Flow:
    flow = flow_of(network)
    for layer in layers:
        if layer.reads not in flow.points:
            raise UnknownLayer(layer.reads, flow.points)
    return flow
