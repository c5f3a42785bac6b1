"""A picture for each channel of a circuit: what it sees where it is strongest."""

from __future__ import annotations

import base64
import io
from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from proofsight_server.circuits.graph import Channel, CircuitGraph
from proofsight_server.circuits.target_network import TargetNetwork
from proofsight_server.circuits.wiring import IMAGE
from proofsight_server.errors import ProofsightError
from proofsight_server.symbols.feature import Layer
from proofsight_server.vision.network import Network
from proofsight_server.vision.receptive_field import ReceptiveField, receptive_fields

SIDE = 40  # pixels, of what is shown small anyway
PRIMARIES = ("#d43f3f", "#3f9f3f", "#3f5fd4")  # of an image's channels
_BATCH = 64


def channel_pictures(
    network: Network,
    cut: TargetNetwork,
    images: Tensor,
    channels: Collection[Channel],
    graph: CircuitGraph,
) -> dict[Channel, str]:
    """Data URIs: of channels that read the image their weights, else the crop of an image.

    Channels of a colour image are their colour; those of other images have no picture.

    The crop is what the channel sees at the position where its convolution's output, before batch
    norm and non-linearity, is greatest on these images, (n, channels, height, width).
    """
    first = {
        kernel.channel.node
        for kernel in graph.kernels
        if kernel.source.node == IMAGE and kernel.taps.shape[0] > 1
    }
    pictures = {}
    wanted: dict[str, list[int]] = {}
    for channel in channels:
        if channel.node == IMAGE:
            if cut.input_shape[0] == 3:
                pictures[channel] = _uri(Image.new("RGB", (1, 1), PRIMARIES[channel.index]))
        elif channel.node in first:
            pictures[channel] = _uri(_weights(cut, channel))
        else:
            wanted.setdefault(channel.node, []).append(channel.index)
    return pictures | _crops(network, cut, images, wanted)


def _weights(cut: TargetNetwork, channel: Channel) -> Image.Image:
    """The weights of a channel that reads the image, zero in the middle of the scale."""
    name = next(n for n, node in cut.wiring.layers.items() if node.atom == channel.node)
    weight = cut.modules[name].weight.detach()[channel.index].double()
    scaled = 0.5 + 0.5 * weight / weight.abs().amax().clamp_min(1e-12)
    return _image(scaled if len(scaled) == 3 else scaled.mean(dim=0, keepdim=True))


def _crops(
    network: Network, cut: TargetNetwork, images: Tensor, wanted: Mapping[str, list[int]]
) -> dict[Channel, str]:
    names = {node.atom: name for name, node in cut.wiring.layers.items() if node.taps > 0}
    layers = {atom: names[atom] for atom in wanted if atom in names}
    fields = _fields(network, layers)
    best = _strongest(cut, images, {layers[atom]: wanted[atom] for atom in fields})
    pixels = _pixels(images)
    crops = {}
    for (name, index), (image, row, column) in best.items():
        atom = cut.wiring.layers[name].atom
        left, top, right, bottom = fields[atom].at(row, column)
        crop = pixels[image, :, max(top, 0) : bottom, max(left, 0) : right]
        if crop.numel():
            crops[Channel(atom, index)] = _uri(_image(crop))
    return crops


def _fields(network: Network, layers: Mapping[str, str]) -> dict[str, ReceptiveField]:
    """What the positions of the layers' own outputs see; without those that cannot be told."""
    found: dict[str, ReceptiveField] = {}
    for atom, name in layers.items():
        try:
            found |= receptive_fields(network, [Layer(atom, name, "conv", 1, name)])
        except ProofsightError:
            continue
    return found


def _strongest(
    cut: TargetNetwork, images: Tensor, wanted: Mapping[str, list[int]]
) -> dict[tuple[str, int], tuple[int, int, int]]:
    """Per layer and channel the image, row and column where its output is greatest."""
    best: dict[tuple[str, int], tuple[int, int, int]] = {}
    values: dict[tuple[str, int], float] = {}
    start = 0

    def observe(layer: str, input: Tensor, output: Tensor) -> Tensor:
        rows = cut.wiring.layers[layer].rows
        for index in wanted.get(layer, ()) if output.ndim == 4 else ():
            sliced = output.shape[1] == len(rows)
            maps = output[:, int(np.searchsorted(rows, index)) if sliced else index]
            place = int(maps.reshape(-1).argmax())
            value = float(maps.reshape(-1)[place])
            if value > values.get((layer, index), -np.inf):
                image, inside = divmod(place, maps[0].numel())
                row, column = divmod(inside, maps.shape[2])
                values[layer, index] = value
                best[layer, index] = (start + image, row, column)
        return output

    with torch.inference_mode():
        for part in torch.split(images, _BATCH):
            cut(part, observe=observe)
            start += len(part)
    return best


def _pixels(images: Tensor) -> Tensor:
    """Images as they can be looked at, whatever their preprocessing was: 0 to 1 over all."""
    low = images.amin(dim=(0, 2, 3), keepdim=True)
    high = images.amax(dim=(0, 2, 3), keepdim=True)
    return (images - low) / (high - low).clamp_min(1e-12)


def _image(values: Tensor) -> Image.Image:
    """A picture of (1 or 3, height, width), other channel counts as their mean; 0 to 1."""
    if len(values) not in (1, 3):
        values = values.mean(dim=0, keepdim=True)
    array: npt.NDArray[np.uint8] = (values.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    picture = Image.fromarray(array[0] if len(array) == 1 else np.moveaxis(array, 0, -1))
    if max(picture.size) > SIDE:
        picture.thumbnail((SIDE, SIDE))
    return picture


def _uri(picture: Image.Image) -> str:
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
