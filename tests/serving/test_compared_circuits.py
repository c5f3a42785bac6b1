"""Splitting and comparing circuits on a server tells what it tells beside the repository."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import any_pb2

from proofsight import AsyncClient, Circuit, CircuitComparison, Client, Operation
from proofsight.cli import main
from proofsight.errors import InvalidArgument
from proofsight_server.extraction.progress import Watch
from proofsight_server.serving import extraction
from proofsight_server.serving.configuration import Configuration

from .conftest import ServerThread

ASKED: dict[str, Any] = {"keep": 0.5, "images": 24, "criterion": "kernel_mask"}
OPTIONS = ["--keep", "0.5", "--images", "24", "--criterion", "kernel_mask"]


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    """With a repository of its own; work is done in a thread, which begins at once."""
    own = tmp_path_factory.mktemp("compared") / "repository"
    shutil.copytree(repository, own)

    def attached(work: Callable[..., Any], arguments: tuple[Any, ...], watch: Watch) -> any_pb2.Any:
        packed = any_pb2.Any()
        packed.Pack(work(*arguments, watch))
        return packed

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(extraction, "detached", attached)
        thread = ServerThread(own, Configuration(port=0, workers=1, refresh=0))
        yield thread
        thread.stop()


@pytest.fixture(scope="module")
def client(server: ServerThread) -> Iterator[Client]:
    with Client(server.address, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def circuits(client: Client) -> list[Circuit]:
    return [client.extract_circuit("digits", f"conv2:{i}", **ASKED) for i in (3, 5)]


@pytest.fixture(scope="module")
def pair(circuits: list[Circuit]) -> list[str]:
    return [circuit.id for circuit in circuits]


def _local(server: ServerThread) -> str:
    return str(server.server.catalogue.repository.directory("digits", 1))


def _told(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """What a command prints, files apart, which a server names within the revision."""
    assert main(["circuit", *arguments]) == 0
    return [
        line.partition(":")[0] if "circuits/" in line else line
        for line in capsys.readouterr().out.splitlines()
    ]


def test_routes_are_told_alike_beside_the_repository_and_by_a_server(
    server: ServerThread, circuits: list[Circuit], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "split" not in circuits[0].report
    asked = ["--target", "conv2:3", *OPTIONS, "--split"]
    here = _told(capsys, _local(server), *asked)
    there = _told(capsys, "--server", server.address, "--kb", "digits", *asked)
    assert there == here
    assert any(line.startswith("routes of 24 images: ") for line in here)


def test_two_circuits_are_compared_alike_beside_the_repository_and_by_a_server(
    server: ServerThread, pair: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    here = _told(capsys, _local(server), "--compare", *pair)
    there = _told(capsys, "--server", server.address, "--kb", "digits", "--compare", *pair)
    assert there == here
    assert here[0].startswith(f"{pair[0]} and {pair[1]} in digits/1: ")
    assert here[-1] == "page"


def test_a_comparison_is_a_value_and_its_page_is_in_the_revision(
    server: ServerThread, client: Client, circuits: list[Circuit], pair: list[str]
) -> None:
    async def awaited() -> CircuitComparison:
        async with AsyncClient(server.address, timeout=30) as asking:
            return await asking.compare_circuits("digits/1", *pair)

    seen: list[Operation] = []
    found = client.compare_circuits("digits", *pair, progress=seen.append)
    assert seen[0].subject == f"{pair[0]} beside {pair[1]} in digits/1"
    assert asyncio.run(awaited()) == found
    assert found.revision == "digits/1"
    assert found.total.both == sum(layer.both for layer in found.layers)
    assert found.layers[-1].iou == 0  # the kernels of two channels
    assert [layer["layer"] for layer in found.report["layers"]] == ["conv1", "conv2"]
    (page,) = found.files
    text = (Path(_local(server)) / page).read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    # On paper no picture and no table goes over pages, and no heading stays behind.
    paper = text.partition("@media print {")[2].partition("</style>")[0]
    assert "max-height: " in paper
    assert "table, tr { break-inside: avoid; }" in paper
    assert "h2, aside > svg { break-after: avoid; }" in paper
    assert [layer.layer for layer in found.layers] == ["conv1", "conv2"]
    assert found.total.both + found.total.first == circuits[0].kernels


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [("a", "a", "name two circuits"), ("", "a", "name two circuits"), ("a", "b", "no circuit 'a'")],
)
def test_what_are_no_two_circuits_is_refused(
    client: Client, first: str, second: str, told: str
) -> None:
    with pytest.raises(InvalidArgument, match=told):
        client.compare_circuits("digits", first, second)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--server", "h:1", "--kb", "d", "--compare", "a", "b", "--split"], "leave --shrink"),
        (["--server", "h:1", "--kb", "d", "--compare", "a", "b", "--out", "x"], "leave --data"),
        (["--server", "h:1", "--kb", "d", "--target", "c:1", "--allow-model", "m:f"], "models"),
        (["--server", "h:1", "--compare", "a", "b"], "--kb KB"),
        (["R/d", "--compare", "a", "b", "--target", "c:1"], "not both"),
        (["R/d", "--target", "c:1", "--shrink", "/no/such/x.safetensors"], "make it first"),
        (["R/d", "--target", "c:1", "--shrink", "."], "name a file"),
        (["R/d", "--target", "c:1", "--out", __file__], "is a file"),
        (["R/d", "--target", "c:1", "--out", f"{__file__}/x"], "is a file"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["circuit", *arguments]) == 2
    assert told in " ".join(capsys.readouterr().err.split())
