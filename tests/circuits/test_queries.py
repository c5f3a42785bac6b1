"""What Prolog answers about circuits, held against paths that are simply listed."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from proofsight.prolog_home import prolog_home

Channel = tuple[str, int]
REVISION = Path(__file__).parents[1] / "prolog" / "revisions" / "street"
COUNT = 12  # random circuits, whole and damaged


@dataclass(frozen=True)
class Kernel:
    source: Channel
    reader: Channel
    score: float
    rank: int
    sign: str


@dataclass(frozen=True)
class Circuit:
    """A graph of channels whose target is `conv3`, channel 0 or, of a direction, `target`."""

    name: str
    target: Channel
    kernels: tuple[Kernel, ...]
    wires: tuple[tuple[Channel, Channel], ...]

    @property
    def edges(self) -> list[tuple[Channel, Channel, float]]:
        weighted = [(k.source, k.reader, k.score) for k in self.kernels]
        return weighted + [(source, reader, float("inf")) for source, reader in self.wires]

    @property
    def channels(self) -> set[Channel]:
        return {channel for source, reader, _ in self.edges for channel in (source, reader)}

    def paths(self, without: Channel | None = None) -> list[tuple[list[Channel], float]]:
        """Every path of an edge or more, with the least score on it."""
        edges = [edge for edge in self.edges if without not in edge[:2]]
        found = [([source, reader], score) for source, reader, score in edges]
        for path, least in found:  # grows meanwhile
            for source, reader, score in edges:
                if source == path[-1]:
                    found.append(([*path, reader], min(least, score)))
        return found

    def complete(self, without: Channel | None = None) -> list[list[Channel]]:
        """The paths from image to target."""
        paths = (path for path, _ in self.paths(without))
        return [path for path in paths if path[0][0] == "image" and path[-1] == self.target]


def random_circuit(number: int) -> Circuit:
    """conv1 → conv2 → add1 (conv2 + conv1) → conv3, with some of the kernels and wires."""
    random = Random(number)
    share = random.choice([0.2, 0.5, 0.9])
    width = random.choice([2, 3])
    pairs: list[tuple[Channel, Channel]] = [
        ((below, i), (layer, o))
        for below, layer in [("image", "conv1"), ("conv1", "conv2"), ("add1", "conv3")]
        for i, o in itertools.product(range(width), range(1 if layer == "conv3" else width))
        if random.random() < share
    ]
    ranks = random.sample(range(1, len(pairs) + 1), len(pairs))
    kernels = tuple(
        # Few scores, so that there are equals.
        Kernel(*pair, random.choice([0.25, 0.5, 0.75]), rank, random.choice(["excite", "inhibit"]))
        for pair, rank in zip(pairs, ranks, strict=True)
    )
    wires = [
        ((below, i), ("add1", i))
        for below in ("conv1", "conv2")
        for i in range(width)
        if random.random() < 0.8
    ]
    target = ("conv3", 0)
    if number % 3 == 0:
        wires.append((target, ("target", 0)))
        target = ("target", 0)
    return Circuit(f"c{number}", target, kernels, tuple(wires))


def facts(circuit: Circuit) -> str:
    name, (layer, channel) = circuit.name, circuit.target
    target = "direction(conv3, [0-1.0])" if layer == "target" else f"unit({layer},{channel})"
    lines = [f"circuit({name}, 'sha256:0', {target}, 0.5, actgrad)."]
    for kernel in circuit.kernels:
        (source, i), (reader, o) = kernel.source, kernel.reader
        lines.append(
            f"kernel({name}, {reader}, {o}, {source}, {i}, {kernel.score}, {kernel.rank}, "
            f"{kernel.sign})."
        )
    for (source, i), (reader, o) in circuit.wires:
        lines.append(f"wire({name}, {reader}, {o}, {source}, {i}).")
    return "\n".join(lines) + "\n"


CIRCUITS = [random_circuit(number) for number in range(COUNT)]


# --- the slow twins: what each query means ------------------------------------


def edge(circuit: Circuit) -> Iterator[str]:
    for (s, i), (r, o), _ in circuit.edges:
        yield f"edge({circuit.name},{s},{i},{r},{o})"


def feeds(circuit: Circuit) -> Iterator[str]:
    kernels = {(k.source, k.reader) for k in circuit.kernels}
    for path, _ in circuit.paths():
        first, last = (path[0], path[1]), (path[-2], path[-1])
        passed_on = all(step in circuit.wires for step in itertools.pairwise(path[1:-1]))
        if len(path) > 2 and first in kernels and last in kernels and passed_on:
            yield f"feeds({circuit.name},{_kernel(*first)},{_kernel(*last)})"


def reaches(circuit: Circuit) -> Iterator[str]:
    for path, _ in circuit.paths():
        (s, i), (r, o) = path[0], path[-1]
        yield f"reaches({circuit.name},{s},{i},{r},{o})"


def ancestors(circuit: Circuit) -> Iterator[str]:
    layer, channel = circuit.target
    found = sorted({path[0] for path, _ in circuit.paths() if path[-1] == circuit.target})
    yield f"ancestors({circuit.name},{layer},{channel},[{','.join(map(_term, found))}])"


def descendants(circuit: Circuit) -> Iterator[str]:
    found = sorted({path[-1] for path, _ in circuit.paths() if path[0] == ("image", 0)})
    yield f"descendants({circuit.name},image,0,[{','.join(map(_term, found))}])"


def strength(circuit: Circuit) -> Iterator[str]:
    layer, channel = circuit.target
    for (source, i), least in _strengths(circuit).items():
        shown = "inf" if least == float("inf") else repr(least)
        yield f"strength({circuit.name},{source},{i},{layer},{channel},{shown})"


def avoids(circuit: Circuit) -> Iterator[str]:
    layer, channel = circuit.target
    for without in {("image", 0), ("conv1", 0), ("conv2", 1), ("add1", 0)}:
        if circuit.complete(without):
            yield f"avoids({circuit.name},{layer},{channel},{_term(without)})"


def lost_without(circuit: Circuit) -> Iterator[str]:
    kernels = {(k.source, k.reader) for k in circuit.kernels}
    before = {step for path in circuit.complete() for step in itertools.pairwise(path)}
    for without in {("image", 0), ("conv1", 0), ("conv2", 1), ("add1", 0)}:
        left = {step for path in circuit.complete(without) for step in itertools.pairwise(path)}
        for step in (before - left) & kernels:
            yield f"lost_without({circuit.name},{_term(without)},{_kernel(*step)})"


def bottleneck(circuit: Circuit) -> Iterator[str]:
    if circuit.complete():
        for channel in circuit.channels - {circuit.target}:
            if not circuit.complete(channel):
                yield f"bottleneck({circuit.name},{_term(channel)})"


def inhibited(circuit: Circuit) -> Iterator[str]:
    for layer, channel in circuit.channels:
        signs = {k.sign for k in circuit.kernels if k.reader == (layer, channel)}
        if signs == {"inhibit"}:
            yield f"inhibited({circuit.name},{layer},{channel})"


WITHOUT = "member(X,[image-0,conv1-0,conv2-1,add1-0])"
OF_ONE: dict[str, tuple[Callable[[Circuit], Iterable[str]], str, str]] = {
    "edge": (edge, "true", "edge(C,S,I,L,O)"),
    "feeds": (feeds, "true", "feeds(C,A,B)"),
    "reaches": (reaches, "true", "reaches(C,S,I,L,O)"),
    "ancestors": (ancestors, "circuit_target(C,L,O)", "ancestors(C,L,O,As)"),
    "descendants": (descendants, "true", "descendants(C,image,0,Ds)"),
    "strength": (strength, "circuit_target(C,L,O)", "strength(C,S,I,L,O,W)"),
    "avoids": (avoids, f"circuit_target(C,L,O),{WITHOUT}", "avoids(C,L,O,X)"),
    "lost_without": (lost_without, WITHOUT, "lost_without(C,X,K)"),
    "bottleneck": (bottleneck, "true", "bottleneck(C,X)"),
    "inhibited": (inhibited, "true", "inhibited(C,L,O)"),
}


def shared_kernel(one: Circuit, other: Circuit) -> Iterator[str]:
    for kernel in _pairs(one) & _pairs(other):
        yield f"shared_kernel({one.name},{other.name},{_kernel(*kernel)})"


def exclusive_kernel(one: Circuit, other: Circuit) -> Iterator[str]:
    for kernel in _pairs(one) - _pairs(other):
        yield f"exclusive_kernel({one.name},{other.name},{_kernel(*kernel)})"


def kernel_iou(one: Circuit, other: Circuit) -> Iterator[str]:
    for layer in {reader[0] for _, reader in _pairs(one) | _pairs(other)}:
        a = {pair for pair in _pairs(one) if pair[1][0] == layer}
        b = {pair for pair in _pairs(other) if pair[1][0] == layer}
        yield f"kernel_iou({one.name},{other.name},{layer},{len(a & b) / len(a | b)!r})"


OF_TWO: dict[str, tuple[Callable[[Circuit, Circuit], Iterable[str]], str]] = {
    "shared_kernel": (shared_kernel, "shared_kernel(C,D,K)"),
    "exclusive_kernel": (exclusive_kernel, "exclusive_kernel(C,D,K)"),
    "kernel_iou": (kernel_iou, "kernel_iou(C,D,L,IoU)"),
}


def _term(channel: Channel) -> str:
    return f"{channel[0]}-{channel[1]}"


def _kernel(source: Channel, reader: Channel) -> str:
    return f"kernel({reader[0]},{reader[1]},{source[0]},{source[1]})"


def _pairs(circuit: Circuit) -> set[tuple[Channel, Channel]]:
    return {(k.source, k.reader) for k in circuit.kernels}


def _strengths(circuit: Circuit) -> dict[Channel, float]:
    found: dict[Channel, float] = {}
    for path, least in circuit.paths():
        if path[-1] == circuit.target:
            found[path[0]] = max(least, found.get(path[0], 0.0))
    return found


# --- what Prolog says ---------------------------------------------------------


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A line for each answer to each query, all variables open that may be."""
    directory = tmp_path_factory.mktemp("circuits") / "revision"
    shutil.copytree(REVISION, directory)
    (directory / "circuits").mkdir()
    for circuit in CIRCUITS:
        (directory / "circuits" / f"{circuit.name}.pl").write_text(facts(circuit))
    path = "strongest_path(C,S,I,L,O,Path)"
    goals = [(first, goal) for _, first, goal in OF_ONE.values()]
    goals += [("true", goal) for _, goal in OF_TWO.values()]
    goals.append(("circuit_target(C,L,O)", path))
    script = ",\n".join(f"forall(({first},{goal}), (writeq({goal}), nl))" for first, goal in goals)
    program = directory.parent / "asks.pl"
    program.write_text(
        f":- use_module('{prolog_home() / 'proofsight.pl'}').\n"
        f"asks :- knowledge_base('{directory}'),\n{script}.\n"
    )
    done = subprocess.run(
        ["swipl", "-f", "none", "-g", "asks", "-t", "halt", str(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("query", OF_ONE)
def test_a_query_about_a_circuit_answers_what_its_paths_say(query: str, answers: list[str]) -> None:
    twin = OF_ONE[query][0]
    expected = {line for circuit in CIRCUITS for line in twin(circuit)}
    assert expected
    found = [line for line in answers if line.startswith(f"{query}(")]
    assert set(found) == expected
    assert query == "feeds" or len(found) == len(expected), "an answer came twice"


@pytest.mark.parametrize("query", OF_TWO)
def test_a_query_about_two_circuits_answers_what_their_kernels_say(
    query: str, answers: list[str]
) -> None:
    twin = OF_TWO[query][0]
    pairs = itertools.permutations(CIRCUITS, 2)
    expected = sorted(line for one, other in pairs for line in twin(one, other))
    assert sorted(line for line in answers if line.startswith(f"{query}(")) == expected


def test_the_strongest_path_is_a_path_of_that_strength(answers: list[str]) -> None:
    told: dict[tuple[str, Channel], list[Channel]] = {}
    for line in answers:
        if line.startswith("strongest_path("):
            head, _, steps = line.rstrip("])").partition("[")
            name, source, i, *_ = head.removeprefix("strongest_path(").split(",")
            pairs = [step.split("-") for step in steps.split(",")]
            told[name, (source, int(i))] = [(layer, int(channel)) for layer, channel in pairs]
    for circuit in CIRCUITS:
        least = {tuple(path): score for path, score in circuit.paths()}
        for start, strongest in _strengths(circuit).items():
            assert least[tuple(told[circuit.name, start])] == strongest
