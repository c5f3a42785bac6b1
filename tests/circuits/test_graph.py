"""Circuits as graphs, as facts, as what fits into a picture, and as SVG and dot."""

from __future__ import annotations

import itertools
import re
import subprocess
from collections.abc import Mapping
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from proofsight_server.circuits.colour import signed
from proofsight_server.circuits.dot import dot
from proofsight_server.circuits.drawing import draw
from proofsight_server.circuits.graph import Channel, CircuitGraph, circuit_graph
from proofsight_server.circuits.layout import place
from proofsight_server.circuits.legend import loss_told
from proofsight_server.circuits.preservation_curve import preservation_curve
from proofsight_server.circuits.scores import Mask, Scores
from proofsight_server.circuits.scoring import score
from proofsight_server.circuits.selection import effective, select
from proofsight_server.circuits.target import parse_target
from proofsight_server.circuits.target_network import TargetNetwork, target_network
from proofsight_server.circuits.view import Budget, View, view
from proofsight_server.knowledge.circuit_facts import circuit_facts


class Residual(nn.Module):
    """Two convolutions, an add of the first to the second, a third, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 6, 3, padding=1)
        self.two = nn.Conv2d(6, 6, 3, padding=1)
        self.three = nn.Conv2d(6, 8, 3, padding=1)
        self.head = nn.Linear(8, 4)

    def forward(self, images: Tensor) -> Tensor:
        first = torch.relu(self.one(images))
        both = first + torch.relu(self.two(first))
        last: Tensor = torch.relu(self.three(both)).mean((2, 3))
        logits: Tensor = self.head(last)
        return logits


def network(target: str) -> TargetNetwork:
    torch.manual_seed(0)
    return target_network(Residual().eval(), parse_target(target), (3, 8, 8))


def made(target: str, keep: float) -> tuple[CircuitGraph, Scores, Mask, TargetNetwork]:
    cut = network(target)
    scores = score(cut, torch.randn(4, 3, 8, 8), criteria="magnitude")["magnitude"]
    mask = select(scores, keep=keep)
    return circuit_graph(cut, scores, mask), scores, mask, cut


@pytest.mark.parametrize("target", ["conv3:2", "conv3:2=1,5=-0.5", "logit:1"])
@pytest.mark.parametrize("keep", [0.2, 0.5, 1])
def test_the_kernels_of_the_graph_are_those_of_the_effective_mask(target: str, keep: float) -> None:
    graph, scores, mask, cut = made(target, keep)
    kept = effective(mask)
    found = {(k.channel.node, k.channel.index, k.source.index): k for k in graph.kernels}
    expected = {
        (node.atom, int(node.rows[row]), int(node.inputs()[row, column])): scores[name][row, column]
        for name, node in cut.wiring.layers.items()
        for row, column in np.argwhere(kept[name])
    }
    assert {key: kernel.score for key, kernel in found.items()} == expected
    assert sum(count.kept for count in graph.layers) == len(expected)


@pytest.mark.parametrize("target", ["conv3:2", "conv3:2=1,5=-0.5", "logit:1"])
def test_every_kernel_is_on_a_path_from_the_image_to_the_target(target: str) -> None:
    graph, *_ = made(target, 0.6)
    edges = [(k.source, k.channel) for k in graph.kernels] + list(graph.wires)
    ahead = _reached({c for edge in edges for c in edge if c.node == "image"}, edges)
    behind = _reached({graph.target}, [(b, a) for a, b in edges])
    assert graph.kernels
    assert all(a in ahead and b in behind for a, b in edges)


def test_a_kernel_excites_where_the_sum_of_its_weights_is_above_zero() -> None:
    graph, *_ = made("conv3:2", 1)
    for kernel in graph.kernels:
        total = float(kernel.taps.astype(np.float64).sum())
        assert kernel.sign == ("excite" if total > 0 else "inhibit")
        assert kernel.taps.shape == (3, 3)


def test_channels_without_a_path_that_are_read_are_constants() -> None:
    cut = network("conv3:2")
    layers = list(cut.wiring.layers)
    scores = Scores({n: np.ones(a.shape) for n, a in cut.wiring.layers.items()}, cut.wiring)
    mask = {name: np.ones(node.shape, bool) for name, node in cut.wiring.layers.items()}
    mask[layers[0]][4] = False  # nothing reaches channel 4 of conv1, which is still read
    graph = circuit_graph(cut, scores, Mask(mask, cut.wiring))
    assert graph.constants == (Channel("conv1", 4),)


def test_facts_give_the_mask_back() -> None:
    graph, _, mask, cut = made("conv3:2", 0.4)
    text = circuit_facts("c1", "sha256:0", cut.target, 0.4, "magnitude", graph, {"seed": 0})
    found = {name: np.zeros(node.shape, bool) for name, node in cut.wiring.layers.items()}
    atoms = {node.atom: (name, node) for name, node in cut.wiring.layers.items()}
    lines = text.splitlines()
    for line in lines:
        kernel = re.fullmatch(
            r"kernel\(c1, (\w+), (\d+), (\w+), (\d+), (\S+), (\d+), \w+\)\.", line
        )
        if kernel is not None:
            name, node = atoms[kernel[1]]
            row = int(np.flatnonzero(node.rows == int(kernel[2]))[0])
            found[name][row, int(kernel[4])] = True
    assert _same(found, effective(mask))
    assert lines[0] == "circuit(c1, 'sha256:0', unit(conv3,2), 0.4, magnitude)."
    assert len(lines) == len(set(lines))


@pytest.mark.parametrize(
    ("target", "term"),
    [
        ("conv3:2=1,5=-0.5", "direction(conv3, [2-1.0, 5- -0.5])"),
        ("conv3:2=-1,5=-0", "direction(conv3, [2- -1.0, 5- -0.0])"),
        ("logit:1", "logit('1')"),
    ],
)
def test_other_targets_are_terms_that_prolog_reads(target: str, term: str) -> None:
    graph, _, _, cut = made(target, 0.8)
    text = circuit_facts("c1", "m", cut.target, 0.8, "magnitude", graph, {})
    assert text.startswith(f"circuit(c1, m, {term}, 0.8, magnitude).")
    assert "wire(c1, target, 0, " in text
    done = subprocess.run(
        ["swipl", "-f", "none", "-g", "read(T), writeq(T)", "-t", "halt"],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == text.partition(".\n")[0].replace(", ", ",")


# --- pictures -----------------------------------------------------------------


@pytest.mark.parametrize(
    "budget", [Budget(), Budget(9, 14), Budget(5, 200), Budget(60, 5), Budget(20, 18)]
)
def test_what_is_drawn_is_within_the_budget_connected_and_counted(budget: Budget) -> None:
    graph, *_ = made("conv3:2", 0.6)
    shown = view(graph, budget)
    edges = [(k.source, k.channel) for k in shown.kernels] + list(shown.wires)
    assert len(set(shown.channels) - graph.passing) <= budget.channels
    assert len(edges) <= budget.edges
    ahead = _reached({c for c in shown.channels if c.node == "image"}, edges)
    behind = _reached({graph.target}, [(b, a) for a, b in edges])
    assert all(source in ahead and channel in behind for source, channel in edges)
    assert len(shown.kernels) + shown.cut_kernels == len(graph.kernels)
    assert 0 <= shown.share <= 1
    assert shown.whole == (not shown.cut_kernels)


def test_columns_follow_the_dataflow_and_nothing_stands_on_something_else() -> None:
    graph, *_ = made("logit:1", 0.5)
    shown = view(graph)
    layout = place(graph, shown)
    for a, b in [(k.source, k.channel) for k in shown.kernels] + list(shown.wires):
        assert layout.places[a][0] < layout.places[b][0]
    centres = sorted((place, channel) for channel, place in layout.places.items())
    for ((x, y), above), ((u, v), below) in itertools.pairwise(centres):
        assert x != u or v - y >= layout.half(above) + layout.half(below)


def test_the_picture_is_svg_with_an_element_per_channel_and_edge() -> None:
    graph, *_ = made("conv3:2", 0.5)
    shown = view(graph)
    drawing = draw(graph, shown, _report(), {graph.target: "data:image/png;base64,AA=="}, {})
    root = ElementTree.fromstring(drawing.svg)
    named = [e.get("class", "").split()[:2] for e in root.iter()]
    assert named.count(["edge", "kernel"]) == len(shown.kernels)
    assert named.count(["edge", "wire"]) == len(shown.wires)
    assert sum(one[:1] == ["node"] for one in named) == len(shown.channels)
    assert "&lt;b&gt;" in drawing.svg  # text of others is text
    assert "http" not in drawing.svg.replace("http://www.w3.org/2000/svg", "")


def test_channels_that_are_only_passed_on_are_round_and_take_no_budget() -> None:
    graph, *_ = made("logit:1", 0.9)
    shown = view(graph)
    passed = graph.passing & set(shown.channels)
    assert passed and not any(kernel.channel in passed for kernel in shown.kernels)
    drawn = draw(graph, shown, _report(), {}, {}).svg
    assert drawn.count('<circle class="frame"') == len(passed)
    assert graph.target not in passed


def test_the_curve_names_its_own_keep_and_no_two_that_would_overlap() -> None:
    levels = [
        {"keep": keep, "held_out": {"r": keep, "collapse": keep < 0.02}}
        for keep in (0.6, 0.21, 0.2, 0.19, 0.01)
    ]
    svg = preservation_curve(levels, 0.2, 0, 0)
    told = {element.text for element in ElementTree.fromstring(svg).iter("text")}
    assert svg.count("<circle") == len(levels)
    assert {"0.01", "0.2", "0.6"} <= told and not {"0.19", "0.21"} & told


def test_what_was_cut_is_said() -> None:
    graph, *_ = made("conv3:2", 0.6)
    shown = view(graph, Budget(9, 14))
    svg = draw(graph, shown, _report(), {}, {}).svg
    assert f"not drawn: {shown.cut_kernels} kernels" in svg
    assert "the whole circuit" in draw(graph, view(graph), _report(), {}, {}).svg


def test_dot_has_a_line_per_kernel_and_wire() -> None:
    graph, *_ = made("conv3:2", 0.5)
    text = dot('a "name"', graph)
    assert text.count(" -> ") == len(graph.kernels) + len(graph.wires)
    assert text.startswith('digraph "a \\"name\\"" {')


def test_zero_is_grey_and_the_ends_are_told_apart() -> None:
    assert signed(0, 3) == signed(5, 0) == "#bebebe"
    assert signed(3, 3) == signed(9, 3) == "#2166ac"
    assert signed(-3, 3) == "#b35806"


@pytest.mark.parametrize(
    ("target", "loss", "told"),
    [
        ("class:street", None, "the logit itself"),
        ("class:street", "abs_sum", "the logit itself"),  # as reports said before
        ("conv3:12", "abs_sum", "abs_sum, the sum of absolute values over the map"),
        ("conv3:12", "position(3,4)", "position(3,4), the value at that row and column"),
        ("conv3:12", "position", "position, the value at the map's centre"),
    ],
)
def test_the_number_that_was_scored_is_told_in_words(
    target: str, loss: str | None, told: str
) -> None:
    assert loss_told({"target": target, "loss": loss}) == told


def _report() -> Mapping[str, object]:
    figures = {"r": 0.5, "slope": None, "nmae": 0.1}
    return {
        "target": "<b>", "revision": "digits/1", "kernels": 3, "total_kernels": 9, "keep": 0.5,
        "criterion": "actgrad", "loss": "abs_sum", "effective_keep": 0.3, "ablation": "zero",
        "data": "digits", "model": "sha256:0", "images": {"in_sample": 2, "held_out": 2},
        "figures": {"held_out": figures, "in_sample": figures},
        "curve": [
            {"keep": 0.5, "held_out": {"r": 0.5, "collapse": False}},
            {"keep": 0.01, "held_out": {"r": None, "collapse": True}},
        ],
    }  # fmt: skip


def _reached(starts: set[Channel], edges: list[tuple[Channel, Channel]]) -> set[Channel]:
    seen, queue = set(starts), list(starts)
    while queue:
        here = queue.pop()
        for there in [b for a, b in edges if a == here and b not in seen]:
            seen.add(there)
            queue.append(there)
    return seen


def _same(left: Mapping[str, np.ndarray], right: Mapping[str, np.ndarray]) -> bool:
    return all(np.array_equal(left[name], right[name]) for name in right)


def test_a_view_names_each_channel_once() -> None:
    shown: View = view(made("logit:1", 0.5)[0])
    assert len(set(shown.channels)) == len(shown.channels)
