"""What a network decides if one of its maps were another."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from proofsight_server.errors import BadTensor, UnknownLayer
from proofsight_server.symbols.feature import Layer
from proofsight_server.vision.layers import LayerInfo, flow_of
from proofsight_server.vision.network import Network
from proofsight_server.vision.probe import check_batch

Replace = Callable[[Tensor], Tensor]


class Intervention:
    """A network that goes on with another map at one layer; planned once, then run per batch.

    The map is the tensor at the point where the layer's values are read, and it is replaced
    everywhere that the network uses it, a residual connection included.

    Parameters
    ----------
    network
        The network to intervene in; it is left as it is.
    layer
        Where.

    Raises
    ------
    UnknownLayer
        The layer is read where this network has no such point.
    """

    def __init__(self, network: Network, layer: LayerInfo | Layer) -> None:
        self.layer = layer.layer if isinstance(layer, LayerInfo) else layer
        self._network = network
        flow = flow_of(network)
        if self.layer.reads not in flow.points:
            raise UnknownLayer(self.layer.reads, flow.points)
        self._run = flow.replace(self.layer.reads)

    def logits(self, batch: Tensor, replace: Replace) -> Tensor:
        """Logits (n, classes) of the network that goes on with `replace(map)`.

        Parameters
        ----------
        batch
            (n, channels, height, width) float32, as `Network.prepare` gives it.
        replace
            Gets the map as the network made it, (n, channels, h, w) or (n, units) float32, and
            returns one of the same shape; the tensor is its own to change in place.

        Raises
        ------
        BadTensor
            The batch is not the network's input, or `replace` returned another shape or type.
        BadModel
            The flow of these images does not pass the layer.
        """
        check_batch(batch, self._network.input_shape)

        def checked(map: Tensor) -> Tensor:
            replaced = replace(map.clone())
            if replaced.shape != map.shape or replaced.dtype != map.dtype:
                raise BadTensor(
                    f"the map of layer {self.layer.atom} is {map.dtype} {tuple(map.shape)}, so it "
                    f"cannot be replaced by {replaced.dtype} {tuple(replaced.shape)}",
                    layer=self.layer.atom,
                )
            return replaced

        with torch.inference_mode():
            return self._run(checked, batch)
