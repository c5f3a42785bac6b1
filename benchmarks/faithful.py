"""Programs that keep what the network knows: fidelity under budgets of literals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Row, Skipped
from benchmarks.workspace import Workspace
from proofsight_server.knowledge.repository import Repository

# Test fidelity of ERIC's programs with the literals they take, as published.
ERIC = "ERIC, another network: .93 with 413 literals"


@dataclass(frozen=True, slots=True)
class Case:
    """A network, how its rules are extracted, and the test fidelity to reach.

    `weights` None trains a `small-cnn` with `training`.
    """

    name: str
    data: str
    options: tuple[str, ...]
    fidelity: float | None
    model: str = "small-cnn"
    weights: str | None = None
    training: tuple[str, ...] = ()
    accuracy: float | None = None
    literals: int | None = None
    note: str = ""


SCORECARD = ("--learner", "scorecard")
RESNET = ("examples.networks:resnet20", "weights/resnet20_cifar10.pt")
CASES = (
    Case(
        "MNIST", "mnist:MNIST", (*SCORECARD, "--budget", "150"),
        fidelity=0.99, literals=150, note=ERIC,
    ),
    Case(
        "ResNet-20", "npz:cifar10/cifar10_jpeg.npz",
        (*SCORECARD, "--budget", "150", "--normalize", "imagenet"),
        fidelity=0.91, model=RESNET[0], weights=RESNET[1], literals=150,
    ),
    Case(
        "ResNet-20, any size", "npz:cifar10/cifar10_jpeg.npz",
        (*SCORECARD, "--threshold", "quantile", "--cuts", "15", "--max-rules", "4000",
         "--normalize", "imagenet"),
        fidelity=0.94, model=RESNET[0], weights=RESNET[1],
    ),
    Case(
        "LeNet", "mnist:MNIST",
        (*SCORECARD, "--budget", "300", "--layer", "conv2", "--grid", "4",
         "--threshold", "quantile", "--scale", "1/256"),
        fidelity=0.95, model="examples.networks:lenet", weights="weights/lenet_mnist.pt",
        literals=300,
    ),
    Case(
        "scenes", "folder:scenes", (*SCORECARD, "--budget", "200"),
        fidelity=None, training=("--size", "64", "--crop", "64"),
    ),
    Case(
        "Fashion-MNIST", "fashion-mnist:FashionMNIST", (*SCORECARD, "--budget", "200"),
        fidelity=0.95, accuracy=0.9, literals=200,
    ),
)  # fmt: skip
SCENES_GAP = 0.05
CHAIN = ("--layer", "conv4", "--layer", "conv3:grid=1,4", "--chain", "--chain-mode", "refit")


def run(workspace: Workspace) -> list[Row]:
    """Every case beside a tree on the same bits, and a chain of two layers."""
    if workspace.data is None:
        return [
            Skipped(f"{case.name}: test fidelity", "PROOFSIGHT_DATA is not set") for case in CASES
        ]
    rows: list[Row] = []
    for case in CASES:
        rows += _rows(workspace, workspace.data, case)
    return [*rows, *_chain(workspace, workspace.data)]


def _rows(workspace: Workspace, data: Path, case: Case) -> Iterator[Row]:
    kb = "".join(letter if letter.isalnum() else "-" for letter in case.name.lower())
    scheme, _, place = case.data.partition(":")
    uri = f"{scheme}:{data / place}"
    if case.weights is None:
        weights, _ = workspace.trained(uri, 0, *case.training)
    else:
        weights = data / case.weights
    ours = workspace.figures(f"{kb}-scorecard", uri, case.model, weights, *case.options)
    tree = workspace.figures(
        f"{kb}-tree", uri, case.model, weights, *_as_tree(workspace, f"{kb}-scorecard", case, ours)
    )
    test = ours["test"]
    yield Figure(
        f"{case.name}: test fidelity, scorecard", (test["fidelity"],), "", case.fidelity,
        note=case.note,
    )  # fmt: skip
    yield Figure(f"{case.name}: its literals", (ours["literals"],), "", case.literals, "at_most")
    yield Figure(
        f"{case.name}: test fidelity, decision tree on the same bits with at most as many literals",
        (tree["test"]["fidelity"],),
        "",
        note=f"{tree['literals']} literals",
    )
    yield Figure(
        f"{case.name}: test accuracy of the CNN", (test["cnn_accuracy"],), "", case.accuracy
    )
    yield Figure(f"{case.name}: test accuracy of the scorecard", (test["accuracy"],), "")
    if case.name == "scenes":
        gap = test["cnn_accuracy"] - test["accuracy"]
        yield Figure("scenes: the CNN's accuracy less the program's", (gap,), "", SCENES_GAP,
                     "at_most")  # fmt: skip


def _as_tree(workspace: Workspace, kb: str, case: Case, ours: dict[str, Any]) -> Iterator[str]:
    """The options of a tree on the bits that the scorecard has."""
    method = Repository(workspace.repository).revision(kb).manifest.method
    given = iter(case.options)
    for option in given:
        value = next(given)
        if option in {"--layer", "--normalize", "--scale", "--size", "--crop"}:
            yield from (option, value)
    yield from ("--threshold", method["threshold"].replace("_", "-"))
    yield from ("--cuts", str(method["cuts"]))
    yield from ("--grid", ",".join(map(str, method["grids"])))
    yield from ("--budget", str(max(ours["literals"], 20)))


def _chain(workspace: Workspace, data: Path) -> Iterator[Row]:
    uri = f"mnist:{data / 'MNIST'}"
    weights, _ = workspace.trained(uri, 0)
    figures = workspace.figures(
        "mnist-chain", uri, "small-cnn", weights,
        *CHAIN, *SCORECARD, "--max-rules", "150", "--threshold", "mean-std",
    )  # fmt: skip
    for entry, target in zip(figures["entries"], (None, 0.9), strict=True):
        yield Figure(
            f"MNIST, chained, entered at {entry['layer']}: test fidelity",
            (entry["program"]["test"]["fidelity"],),
            "",
            target,
        )
