"""The first convolution of masked images, from that of each region.

A convolution is affine: of the image in which the regions T are kept it is that of the baseline
and, for each region of T, that of what the region adds.  n + 1 passes of the layer then serve all
2^n masks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from proofsight_server.interactions.masked import MaskedImage
from proofsight_server.symbols.feature import Ints

# Of the span of the logits over the masks that are compared.
_TOLERANCE = 1e-4
_COMPARED = 8


@dataclass(frozen=True, slots=True, eq=False)
class FirstLayer:
    """A network behind its first convolution, for the masks of one image.

    Attributes
    ----------
    image
        The image and its network.
    layer
        The convolution that takes the network's input, and nothing else does.
    base, added
        (channels, height, width) of the baseline, and (regions, channels · height · width) of
        what each region adds.
    deviation
        The greatest difference of logits from plain forward passes that was seen.
    """

    image: MaskedImage
    layer: nn.Conv2d
    base: Tensor
    added: Tensor
    deviation: float

    def logits(self, masks: Ints) -> Tensor:
        """(masks, classes) float32."""
        bits = (np.asarray(masks)[:, None] >> np.arange(len(self.added))) & 1
        with torch.inference_mode():
            maps = torch.from_numpy(bits.astype(np.float32)) @ self.added
            maps = maps.view(len(masks), *self.base.shape) + self.base
            unread = torch.zeros(1).expand(len(masks), *self.image.network.input_shape)
            with _answering(self.layer, maps):
                logits: Tensor = self.image.network.module(unread)
        return logits


def first_layer(image: MaskedImage, rng: np.random.Generator) -> FirstLayer | None:
    """The short cut for an image, where it is exact.

    It is not taken where the first convolution is not found, where something else reads the
    network's input too, or where logits of some masks, the empty and the full one among them,
    differ from plain forward passes by more than rounding.
    """
    layer = _reader_of_input(image)
    if layer is None:
        return None
    base, parts = image.parts()
    with torch.inference_mode():
        maps = layer._conv_forward(base[None], layer.weight, layer.bias)[0]
        added = layer._conv_forward(parts, layer.weight, None).flatten(1)
    full = (1 << len(parts)) - 1
    masks = np.concatenate([[0, full], rng.integers(0, full + 1, size=_COMPARED - 2)])
    found = FirstLayer(image, layer, maps, added, 0.0)
    try:
        ours = found.logits(masks)
    except (RuntimeError, TypeError, ValueError):
        return None  # the layer's output is not used as it stands
    plain = image.logits(masks)
    deviation = float((ours - plain).abs().max())
    span = float(plain.max() - plain.min())
    if not deviation <= _TOLERANCE * max(span, 1e-3):
        return None
    return FirstLayer(image, layer, maps, added, deviation)


def _reader_of_input(image: MaskedImage) -> nn.Conv2d | None:
    """The convolution that takes the network's input itself, and runs once."""
    batch = image.batch(np.zeros(1, dtype=np.int64))
    calls: dict[nn.Conv2d, int] = {}
    readers: list[nn.Conv2d] = []

    def note(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, nn.Conv2d)
        calls[layer] = calls.get(layer, 0) + 1
        if inputs and inputs[0].shape == batch.shape and inputs[0].data_ptr() == batch.data_ptr():
            readers.append(layer)

    handles = [
        module.register_forward_pre_hook(note)
        for module in image.network.module.modules()
        if isinstance(module, nn.Conv2d)
    ]
    try:
        with torch.inference_mode():
            image.network.module(batch)
    finally:
        for handle in handles:
            handle.remove()
    if len(readers) != 1 or calls[readers[0]] != 1:
        return None
    return readers[0]


@contextmanager
def _answering(layer: nn.Conv2d, maps: Tensor) -> Iterator[None]:
    """For the length of a block, a layer answers with these maps whatever it is given."""
    layer.__dict__["forward"] = lambda _: maps
    try:
        yield
    finally:
        del layer.__dict__["forward"]
