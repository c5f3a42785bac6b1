"""Two circuits of a revision beside each other: counts, and a page."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from proofsight_server.circuits.graph import Channel
from proofsight_server.circuits.union import SharedCount, union
from proofsight_server.circuits.union_drawing import draw_union
from proofsight_server.circuits.view import View, view
from proofsight_server.errors import BadOption
from proofsight_server.extraction.circuit import circuit_images
from proofsight_server.extraction.circuit_annexes import ROOM
from proofsight_server.extraction.circuit_options import CircuitOptions
from proofsight_server.extraction.circuit_pages import layer_shapes
from proofsight_server.extraction.circuit_pictures import channel_pictures
from proofsight_server.extraction.compared_page import compared_page
from proofsight_server.extraction.progress import Watch
from proofsight_server.extraction.stored_circuit import OpenedCircuit, open_circuit
from proofsight_server.knowledge.annex import add_annex, named_by_content
from proofsight_server.knowledge.revision import Revision
from proofsight_server.vision.dataset import Dataset
from proofsight_server.vision.network import Network


def compare_circuits(
    revision: Revision,
    network: Network,
    dataset: Dataset,
    first: str,
    second: str,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Count what two circuits share and store a page that shows it, in the revision's `circuits/`.

    Parameters
    ----------
    dataset
        Whose images the channels' pictures are cut from.
    first, second
        Ids of circuits of the revision.

    Returns
    -------
    document
        Ready for JSON: per layer and in `total` the kernels that both have, that one has alone,
        and the IoU; and the page's file.

    Raises
    ------
    BadOption
        There is no such circuit, both are one, or their joins are not named alike.
    BadRevision
        What is stored with one is damaged.
    Cancelled
        `watch` says that the work is no longer wanted.
    """
    check_two(first, second)
    watch = watch or Watch()
    with watch.step("opening circuits"):
        opened = open_circuit(revision, network, first), open_circuit(revision, network, second)
        _check_names(*opened)
    targets = [one.report["target"] for one in opened]
    found = union(opened[0].graph, opened[1].graph, one_target=targets[0] == targets[1])
    shown = view(found.graph)
    images = _images(network, dataset, opened[0], watch)
    with watch.step("cutting pictures"):
        pictures = _pictures(network, opened, images, shown)
    shapes = layer_shapes(opened[1].network) | layer_shapes(opened[0].network)
    document: dict[str, Any] = {
        "revision": revision.name,
        "circuits": [first, second],
        "targets": targets,
        "total": _count(found.total),
        "layers": [{"layer": layer.node, **_count(layer)} for layer in found.layers],
    }
    svg = draw_union(found, shown, (first, second), pictures, shapes)
    page = compared_page(svg, document, [one.report for one in opened]).encode()
    path = named_by_content(f"{ROOM}/{first}-and-{second}.html", page)
    return {**document, "files": {"page": str(add_annex(revision, path, page))}}


def check_two(first: str, second: str) -> None:
    """Refuse what is no pair of circuits. Raises BadOption."""
    if not first or not second:
        raise BadOption("name two circuits to compare", field="compare", value=first or second)
    if first == second:
        raise BadOption(
            f"name two circuits; {first!r} is the same as itself", field="compare", value=first
        )


def _check_names(first: OpenedCircuit, second: OpenedCircuit) -> None:
    """Adds and concatenations are numbered up to a target: their numbers must mean the same."""
    names = {node.atom: node.name for node in first.network.wiring.nodes}
    for node in second.network.wiring.nodes:
        if names.get(node.atom, node.name) != node.name:
            raise BadOption(
                f"{node.atom} is {names[node.atom]} in the one circuit and {node.name} in the "
                "other, since their targets are in different branches; compare circuits of which "
                "one's target comes after the other's",
                field="compare",
            )


def _images(network: Network, dataset: Dataset, circuit: OpenedCircuit, watch: Watch) -> Tensor:
    """The images that the circuit was scored on."""
    report = circuit.report
    count = sum(report["images"].values())
    # A criterion of its own, so that two images are enough.
    options = CircuitOptions(
        "conv1:0", criterion="kernel_mask", images=max(count, 2), seed=report["seed"]
    )
    return circuit_images(network, dataset, options, watch).scored


def _pictures(
    network: Network, opened: tuple[OpenedCircuit, OpenedCircuit], images: Tensor, shown: View
) -> dict[Channel, str]:
    pictures: dict[Channel, str] = {}
    for one in reversed(opened):
        own = {channel for k in one.graph.kernels for channel in (k.source, k.channel)}
        channels = [channel for channel in shown.channels if channel in own]
        pictures |= channel_pictures(network, one.network, images, channels, one.graph)
    return pictures


def _count(count: SharedCount) -> dict[str, Any]:
    return {
        "both": count.both,
        "first": count.first,
        "second": count.second,
        "iou": count.iou,
    }
