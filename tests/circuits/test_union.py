"""Two circuits as one graph: shared kernels and those of one alone, and their picture."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from proofsight_server.circuits.graph import TARGET, Channel, CircuitGraph
from proofsight_server.circuits.union import union
from proofsight_server.circuits.union_drawing import LINES, draw_union
from proofsight_server.circuits.view import view

from .test_graph import made

PAIRS = [
    ("conv3:2", "conv3:5", False),
    ("conv3:2", "conv2:1", False),
    ("conv2:1", "logit:1", False),
    ("logit:1", "logit:2", False),
    ("conv3:2", "conv3:2", True),
]


def _edges(graph: CircuitGraph) -> set[tuple[Channel, Channel]]:
    return {(kernel.source, kernel.channel) for kernel in graph.kernels}


@pytest.mark.parametrize(("one", "other", "same"), PAIRS)
def test_every_kernel_is_shared_or_of_one_alone(one: str, other: str, same: bool) -> None:
    first, second = made(one, 0.6)[0], made(other, 0.8)[0]
    found = union(first, second, one_target=same)
    a, b = _edges(first), _edges(second)
    parts = {
        part: {edge for edge in _edges(found.graph) if found.parts[edge] == part} for part in LINES
    }
    assert parts == {"both": a & b, "first": a - b, "second": b - a}
    total = found.total
    assert (total.both, total.first, total.second) == (len(a & b), len(a - b), len(b - a))
    assert total.iou == pytest.approx(len(a & b) / len(a | b))
    assert sum(count.kept for count in found.graph.layers) == len(a | b)
    assert all(count.kept <= count.total for count in found.graph.layers)
    assert (found.targets[0] == found.targets[1]) == same


def test_nodes_keep_the_order_of_both_circuits() -> None:
    first, second = made("logit:1", 0.5)[0], made("conv3:2", 0.5)[0]
    nodes = union(first, second, one_target=False).graph.nodes
    for graph in (first, second):
        assert [node for node in nodes if node in graph.nodes] == list(graph.nodes)


def test_two_logits_have_targets_of_their_own() -> None:
    found = union(made("logit:1", 0.5)[0], made("logit:2", 0.5)[0], one_target=False)
    assert found.targets == (Channel(TARGET, 0), Channel(TARGET, 1))
    assert {to for _, to in found.graph.wires} >= set(found.targets)


@pytest.mark.parametrize(("one", "other", "same"), PAIRS)
def test_the_picture_tells_apart_whose_kernels_they_are(one: str, other: str, same: bool) -> None:
    found = union(made(one, 0.6)[0], made(other, 0.8)[0], one_target=same)
    shown = view(found.graph)
    svg = ElementTree.fromstring(draw_union(found, shown, ("a_1", "<b>"), {}, {}))
    lines = [element for element in svg.iter() if "data-part" in element.attrib]
    assert len(lines) == len(shown.kernels) + len(shown.wires)
    for line in lines:
        colour, dashes = LINES[line.attrib["data-part"]]  # type: ignore[index]
        assert (line.attrib["stroke"], line.attrib["stroke-dasharray"]) == (colour, dashes)
    frames = [e for e in svg.iter() if "target" in e.attrib.get("class", "").split()]
    assert len(frames) == (1 if same else 2)
