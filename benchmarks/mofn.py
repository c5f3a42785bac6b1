"""M-of-N rules: how fast they are found, and how short ones explain the softmax layer.

The published claim is that rules of as few as 3 of 128 units often reach 99 % (Odense and d'Avila
Garcez, https://arxiv.org/abs/2003.09000).  With data 20 networks are trained (MNIST and
Fashion-MNIST, ReLU and tanh, five seeds, 4 epochs each), about 45 s each on two cores.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np

from benchmarks.figures import Figure, Row, Skipped
from benchmarks.workspace import Workspace
from proofsight_server.extraction.layerwise import Subject
from proofsight_server.extraction.mofn_cases import cases_of, drawn
from proofsight_server.extraction.mofn_options import BETAS, MofNOptions, Weights
from proofsight_server.extraction.mofn_unit import Case, Found, rules_by_length
from proofsight_server.extraction.progress import Watch
from proofsight_server.rules.cuts import best_cuts
from proofsight_server.rules.mofn import exhaustive, ordered
from proofsight_server.rules.mofn_order import Order
from proofsight_server.rules.mofn_search import errors_of_prefixes
from proofsight_server.symbols.feature import Bools, Floats
from proofsight_server.vision.dataset import open_dataset
from proofsight_server.vision.network import load_network
from proofsight_server.vision.unit_layer import logits_layer

RUNS = 3
SEEDS = range(5)
NETWORKS = ("relu128", "tanh128")
DATA = {"MNIST": "mnist", "FashionMNIST": "fashion-mnist"}
EPOCHS = "4"
LENGTHS = (3, 5, 8, 16)
SHORT = 3
CLOSE = 0.01
# order, and whether the logits' weights are centred
TRIED: tuple[tuple[Order, bool], ...] = (
    ("weight", False), ("weight", True), ("weight*std", False), ("gain", False), ("greedy", False),
    ("triples", False),
)  # fmt: skip


def run(workspace: Workspace) -> list[Row]:
    """Speed on drawn tables; the softmax layers of our networks on real data."""
    print("mofn: speed takes about a minute, networks about 20 min", file=sys.stderr, flush=True)
    rows = [*_dense(), _greedy(), _exhaustive(), *_patches()]
    if workspace.data is None:
        return [*rows, Skipped("softmax layers of 128 units", "PROOFSIGHT_DATA is not set")]
    for folder, scheme in DATA.items():
        uri = f"{scheme}:{workspace.data / folder}"
        for factory in NETWORKS:
            rows += _softmax(workspace, folder, uri, factory)
    return rows


@dataclass(frozen=True, slots=True)
class _Table:
    """Inputs of a layer, its weights and its classes, drawn."""

    values: Floats
    weight: Floats
    targets: Bools

    @classmethod
    def drawn(cls, images: int, inputs: int, targets: int, seed: int) -> _Table:
        rng = np.random.default_rng(seed)
        values = np.maximum(rng.normal(size=(images, inputs)), 0).astype(np.float32)
        weight = rng.normal(size=(targets, inputs)).astype(np.float32)
        scores = values @ weight.T
        if targets == 1:
            return cls(values, weight, scores > np.median(scores))
        return cls(values, weight, scores.argmax(axis=1)[:, None] == np.arange(targets))

    def literals(self, cuts: Floats, target: int) -> Bools:
        """(images, inputs) whether the literals for a target hold."""
        literals: Bools = (self.values > cuts[:, target]) == (self.weight[target] > 0)
        return literals


def _searched(table: _Table, cuts: Floats) -> None:
    for target in range(len(table.weight)):
        literals = table.literals(cuts, target)
        on = table.targets[:, target]
        sizes = np.abs(table.weight[target]).astype(np.float64)
        at = ordered("weight", literals, on, sizes)
        errors = errors_of_prefixes(literals[:, at], on, inputs=literals.shape[1])
        for beta in BETAS:
            errors.best(beta)


def _dense() -> list[Row]:
    cuts_s, search_s = [], []
    for seed in range(RUNS):
        table = _Table.drawn(10_000, 128, 10, seed)
        start = time.perf_counter()
        cuts = best_cuts(table.values, table.targets).cut.astype(np.float32)
        middle = time.perf_counter()
        _searched(table, cuts)
        cuts_s.append(middle - start)
        search_s.append(time.perf_counter() - middle)
    name = "n = 128, 10 targets, 10,000 images"
    both = tuple(a + b for a, b in zip(cuts_s, search_s, strict=True))
    return [
        Figure(f"{name}: cuts and search", both, "s", 2.5, "at_most"),
        Figure(f"{name}: cuts", tuple(cuts_s), "s"),
        Figure(f"{name}: search", tuple(search_s), "s"),
    ]


def _greedy() -> Row:
    table = _Table.drawn(10_000, 128, 10, 0)
    cuts = best_cuts(table.values, table.targets).cut.astype(np.float32)
    start = time.perf_counter()
    for target in range(10):
        sizes = np.abs(table.weight[target]).astype(np.float64)
        literals = table.literals(cuts, target)
        ordered("greedy", literals, table.targets[:, target], sizes)
    return Figure(
        "greedy, 16 steps, 10 units of 128", (time.perf_counter() - start,), "s", 3, "at_most"
    )


def _exhaustive() -> Row:
    rng = np.random.default_rng(0)
    literals = rng.random((2_000, 18)) < 0.5
    target = literals.sum(axis=1) + rng.integers(0, 3, 2_000) > 10
    start = time.perf_counter()
    exhaustive(literals, target, inputs=18, beta=0.1)
    seconds = time.perf_counter() - start
    return Figure("exhaustive, 18 inputs, 2,000 images", (seconds,), "s", 4.4, "at_most")


def _patches() -> list[Row]:
    """A 3 × 3 × 128 patch of its own for each of 64 filters, in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        wall, processor, most = pool.submit(_measured_patches).result()
    name = "3 × 3 × 128 patch, 64 filters, 5,000 images"
    return [
        Figure(f"{name}: cuts and search", (wall,), "s", 30, "at_most"),
        Figure(f"{name}: cuts and search, processor time", (processor,), "s"),
        Figure(f"{name}: memory of the process", (most,), "MB", 1024, "at_most"),
    ]


def _measured_patches() -> tuple[float, float, float]:
    """Seconds by the clock and of the processor, and the most memory ever held, in MB."""
    wall = processor = 0.0
    for seed in range(64):
        table = _Table.drawn(5_000, 9 * 128, 1, seed)
        start, worked = time.perf_counter(), time.process_time()
        cuts = best_cuts(table.values, table.targets).cut.astype(np.float32)
        _searched(table, cuts)
        wall += time.perf_counter() - start
        processor += time.process_time() - worked
    # kilobytes on Linux
    return wall, processor, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _softmax(workspace: Workspace, data: str, uri: str, factory: str) -> list[Row]:
    found = list(_layers(workspace, uri, factory))
    name = f"{data} {factory}"
    rows: list[Row] = [
        Figure(f"{name}: training", tuple(one["trained_s"] for one in found), "s"),
        Figure(
            f"{name}: test error of the constant", tuple(one["baseline"] for one in found), "mean"
        ),
    ]
    for order, centred in TRIED:
        label = _label(order, centred)
        for length in LENGTHS:
            errors = tuple(one["error"][label][str(length)] for one in found)
            rows.append(Figure(f"{name}: test error, N = {length}, {label}", errors, "mean"))
        within = tuple(one["within"][label] for one in found)
        rows.append(
            Figure(
                f"{name}: classes of 10 within 1 %, N ≤ {SHORT}, {label}", within, "mean of classes"
            )
        )
    return rows


def _layers(workspace: Workspace, uri: str, factory: str) -> Iterator[dict[str, Any]]:
    """What is found of each seed's network; what was found before is read."""
    folder = workspace.root / "mofn"
    folder.mkdir(exist_ok=True)
    for seed in SEEDS:
        kept = folder / f"{uri.partition(':')[0]}-{factory}-{seed}.json"
        found = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        tried = [
            (order, centred)
            for order, centred in TRIED
            if _label(order, centred) not in found.get("error", ())
        ]
        if tried:
            start = time.perf_counter()
            _measure(workspace, uri, factory, seed, tried, found)
            kept.write_text(json.dumps(found), encoding="utf-8")
            seconds = time.perf_counter() - start
            left = seconds * (len(SEEDS) - 1 - seed)
            print(
                f"mofn: {kept.stem} took {seconds:.0f} s, its other seeds some {left:.0f} s",
                file=sys.stderr,
                flush=True,
            )
        yield found


def _measure(
    workspace: Workspace,
    uri: str,
    factory: str,
    seed: int,
    tried: Sequence[tuple[Order, bool]],
    found: dict[str, Any],
) -> None:
    """Add to `found`, by order: mean test errors by length, and the classes 3 literals explain."""
    start = time.perf_counter()
    subject = explained(workspace, uri, factory, seed)
    found.setdefault("trained_s", time.perf_counter() - start)
    images = drawn(subject, options("raw"))
    errors, within = found.setdefault("error", {}), found.setdefault("within", {})
    for centred in (False, True):
        every = cases_of(subject.layers[0], images, options("centred" if centred else "raw"))
        cases = [case for case in every if isinstance(case, Case)]
        found["baseline"] = float(np.mean([case.baseline()["test"] for case in cases]))
        for order, is_centred in tried:
            if is_centred == centred:
                label = _label(order, centred)
                rules = [_by_length(case, order) for case in cases]
                errors[label] = {str(length): _error(rules, length) for length in LENGTHS}
                within[label] = _within(rules)


def explained(workspace: Workspace, uri: str, factory: str, seed: int) -> Subject:
    """A network, trained where it is not yet, whose layer of logits is to be explained."""
    weights, _ = workspace.example(uri, factory, seed, "--epochs", EPOCHS)
    network = load_network(weights, allow=frozenset({f"examples.networks:{factory}"}))
    layer = logits_layer(network)
    return Subject(network, open_dataset(uri, seed=seed), (layer,), seed, 256, Watch())


def options(output_weights: Weights) -> MofNOptions:
    """10,000 training images for cuts and bodies; the 10,000 test images are for errors."""
    return MofNOptions(images=10_000, holdout=0.0, output_weights=output_weights)


def _label(order: Order, centred: bool) -> str:
    return f"{order}, centred" if centred else order


def _by_length(case: Case, order: Order) -> dict[int, Found]:
    wanted = sorted({*range(1, SHORT + 1), *LENGTHS})
    return {len(rule.inputs): rule for rule in rules_by_length(case, order, wanted)}


def _error(rules: Sequence[Mapping[int, Found]], length: int) -> float:
    """The mean test error over classes of rules of that length, or the next shorter one."""
    longest = [own[max(n for n in own if n <= length)] for own in rules]
    return float(np.mean([rule.error["test"] for rule in longest]))


def _within(rules: Sequence[Mapping[int, Found]]) -> int:
    """For how many classes the best rule of at most 3 literals is wrong on ≤ 1 % of images."""
    short = [
        min((own[n] for n in own if n <= SHORT), key=lambda rule: rule.error["fit"])
        for own in rules
    ]
    return sum(rule.error["test"] <= CLOSE for rule in short)
