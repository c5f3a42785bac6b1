"""The pictures of a circuit, as text of files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from proofsight_server.circuits.dot import dot
from proofsight_server.circuits.drawing import draw
from proofsight_server.circuits.graph import CircuitGraph
from proofsight_server.circuits.target_network import TargetNetwork
from proofsight_server.circuits.view import view
from proofsight_server.circuits.wiring import IMAGE
from proofsight_server.extraction.circuit import FoundCircuit
from proofsight_server.extraction.circuit_page import circuit_page
from proofsight_server.extraction.circuit_pictures import channel_pictures
from proofsight_server.vision.network import Network


def circuit_pages(
    network: Network, found: FoundCircuit, graph: CircuitGraph, report: Mapping[str, Any]
) -> dict[str, tuple[str, str]]:
    """By kind of picture the suffix of its file, and its text."""
    shown = view(graph)
    pictures = channel_pictures(network, found.network, found.images.scored, shown.channels, graph)
    drawing = draw(graph, shown, report, pictures, layer_shapes(found.network))
    return {
        "dot": (".dot", dot(report["circuit"], graph)),
        "picture": (".svg", drawing.svg + "\n"),
        "page": (".html", circuit_page(graph, drawing, report)),
    }


def layer_shapes(cut: TargetNetwork) -> dict[str, str]:
    """Per layer of kernels the shape of its output, and that of the image."""
    shapes = {IMAGE: _shape(cut.input_shape)}

    def observe(layer: str, input: Tensor, output: Tensor) -> Tensor:
        node = cut.wiring.layers[layer]
        shapes[node.atom] = _shape((node.channels, *output.shape[2:]))
        return output

    weight = next(iter(cut.modules.values())).weight
    with torch.inference_mode():
        cut(torch.zeros(1, *cut.input_shape, dtype=weight.dtype), observe=observe)
    return shapes


def _shape(sides: tuple[int, ...]) -> str:
    return " × ".join(map(str, sides))
