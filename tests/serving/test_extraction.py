"""ExtractCircuit through a real channel: begun, watched, stored, asked about, cancelled."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import any_pb2, duration_pb2

from proofsight import AsyncClient, Circuit, Client, Operation
from proofsight.cli import main
from proofsight.errors import (
    DeadlineExceeded,
    InvalidArgument,
    NotFound,
    ProofsightError,
    UnknownKnowledgeBase,
)
from proofsight.v1 import extraction_pb2
from proofsight_server.commands import circuit_remotely
from proofsight_server.commands.outcome import INTERRUPTED
from proofsight_server.extraction.progress import Watch
from proofsight_server.serving import extraction
from proofsight_server.serving.configuration import Configuration

from .conftest import ServerThread

ASKED: dict[str, Any] = {"keep": 0.5, "images": 16, "criterion": "kernel_mask"}


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    """With a repository of its own, which circuits are added to."""
    own = tmp_path_factory.mktemp("circuits") / "repository"
    shutil.copytree(repository, own)
    thread = ServerThread(own, Configuration(port=0, workers=1, refresh=0))
    yield thread
    thread.stop()


@pytest.fixture(scope="module")
def client(server: ServerThread) -> Iterator[Client]:
    with Client(server.address, timeout=30) as client:
        yield client


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is done in a thread of the server: a process of its own takes seconds to begin."""

    def attached(work: Callable[..., Any], arguments: tuple[Any, ...], watch: Watch) -> any_pb2.Any:
        packed = any_pb2.Any()
        packed.Pack(work(*arguments, watch))
        return packed

    monkeypatch.setattr(extraction, "detached", attached)


class Endless:
    """Work that reports one step and ends only where it is no longer wanted."""

    def __init__(self) -> None:
        self.begun = threading.Event()

    def __call__(self, _: Any, __: Any, watch: Watch) -> any_pb2.Any:
        watch("scoring", 1, 3)
        self.begun.set()
        pause = threading.Event()
        while not pause.wait(0.005):
            watch.check()
        raise AssertionError


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Endless:
    work = Endless()
    monkeypatch.setattr(extraction, "detached", work)
    return work


def _last(client: Client) -> Operation:
    """The operation begun last, at its end."""
    return client.operation(client.operations()[-1].name, wait=10)


def _cancelled(operation: Operation) -> bool:
    return operation.error is not None and operation.error.code == "CANCELLED"


def test_a_circuit_is_found_in_a_process_stored_and_asked_about(client: Client) -> None:
    seen: list[Operation] = []
    circuit = client.extract_circuit("digits", "conv2:3", **ASKED, progress=seen.append)
    assert not circuit.collapse
    assert 0 < circuit.kernels <= circuit.total_kernels
    assert circuit.name == f"knowledgeBases/digits/revisions/1/circuits/{circuit.id}"
    assert f"circuits/{circuit.id}.pl" in circuit.files
    assert circuit.report["criterion"] == circuit.criterion == "kernel_mask"
    assert seen[0].subject == "circuit of conv2:3 in digits/1"
    assert not seen[0].ended
    assert seen[-1].ended
    goal = f"aggregate_all(count, kernel({circuit.id}, _, _, _, _, _, _, _), N)"
    (answer,) = client.query(goal, kb="digits")
    assert answer["N"] == str(circuit.kernels)


def test_what_was_chosen_and_from_what_is_reported_and_a_fact(
    client: Client, server: ServerThread, here: None, capsys: pytest.CaptureFixture[str]
) -> None:
    circuit = client.extract_circuit("digits", "conv2:3", keep=0.2, images=24, selection="ranked")
    assert circuit.criterion == "auto"
    report = circuit.report
    chosen, choice = report["chosen"], report["choice"]
    assert {"kernel_mask", "kernel_mask, mean ablation"} < set(choice)
    assert choice[chosen] == max(choice.values())
    assert report["selection"] == "ranked" and "connected" not in "".join(choice)
    assert report["ablation"] == ("mean" if "mean" in chosen else "zero")
    info = f"circuit_info({circuit.id}, "
    (answer,) = client.query(
        f"{info}chosen, Name), {info}choice, Name-R), {info}ablation, A)", kb="digits"
    )
    assert float(answer["R"]) == pytest.approx(choice[chosen])
    assert answer["A"] == report["ablation"]
    asked = ["circuit", "--server", server.address, "--kb", "digits", "--target", "conv2:3"]
    assert main([*asked, "--keep", "0.2", "--images", "24", "--selection", "ranked"]) == 0
    told = capsys.readouterr().out
    assert f"auto took {chosen}: |r| {choice[chosen]:.3g} on images for the choice alone" in told
    assert main([*asked, "--selection", "widest"]) == 1
    assert "no selection named 'widest'; known: ranked, connected" in capsys.readouterr().err


def test_an_operation_is_known_to_any_client_of_long_running_operations(
    server: ServerThread, here: None
) -> None:
    with grpc.insecure_channel(server.address) as channel:
        begin = channel.unary_unary(
            "/proofsight.v1.Extraction/ExtractCircuit",
            request_serializer=extraction_pb2.ExtractCircuitRequest.SerializeToString,
            response_deserializer=operations_pb2.Operation.FromString,
        )
        begun = begin(
            extraction_pb2.ExtractCircuitRequest(
                parent="knowledgeBases/digits",
                target="class:digit_3",
                keep=0.5,
                criterion="kernel_mask",
                images=16,
            )
        )
        stub = operations_pb2_grpc.OperationsStub(channel)
        ended = stub.WaitOperation(
            operations_pb2.WaitOperationRequest(
                name=begun.name, timeout=duration_pb2.Duration(seconds=20)
            )
        )
        assert ended == stub.GetOperation(operations_pb2.GetOperationRequest(name=begun.name))
        listed = stub.ListOperations(operations_pb2.ListOperationsRequest(name="operations"))
        assert ended in listed.operations
        stub.DeleteOperation(operations_pb2.DeleteOperationRequest(name=begun.name))
        with pytest.raises(grpc.RpcError) as caught:
            stub.GetOperation(operations_pb2.GetOperationRequest(name=begun.name))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    circuit, metadata = extraction_pb2.Circuit(), extraction_pb2.ExtractionMetadata()
    assert ended.response.Unpack(circuit)
    assert ended.metadata.Unpack(metadata)
    assert circuit.circuit_id.startswith("class_digit_3_")
    assert (metadata.phase, metadata.done) == ("storing", metadata.total)


def test_the_client_that_awaits_finds_the_same_circuit(server: ServerThread, here: None) -> None:
    async def found() -> list[Circuit]:
        async with AsyncClient(server.address, timeout=30) as client:
            return [await client.extract_circuit("digits", "conv2:5", **ASKED) for _ in range(2)]

    one, again = asyncio.run(found())
    assert one.id == again.id
    assert one.files == again.files


def test_a_collapse_is_an_answer_and_stores_nothing(client: Client, here: None) -> None:
    circuit = client.extract_circuit("digits", "conv2:3", **{**ASKED, "keep": 0.01})
    assert circuit.collapse
    assert (circuit.id, circuit.name, circuit.files, circuit.kernels) == ("", "", (), 0)
    assert circuit.report["collapse"] is True


def test_the_curve_of_force_ends_at_its_own_share(client: Client, here: None) -> None:
    asked = {**ASKED, "keep": 0.3, "images": 12, "criterion": "force"}
    circuit = client.extract_circuit("digits", "conv2:3", **asked)
    keeps = [level["keep"] for level in circuit.report["curve"]]
    assert keeps == [0.3, 0.2, 0.1, 0.05, 0.01]


@pytest.mark.parametrize(
    ("target", "keep", "told"),
    [
        ("conv2:3", 0.0, "above 0 and up to 1"),
        ("conv2:3", 1.5, "above 0 and up to 1"),
        ("conv2:3", float("nan"), "above 0 and up to 1"),
        ("conv2", 0.5, "no target reads"),
    ],
)
def test_what_needs_no_work_to_be_refused_is_refused_by_the_call(
    client: Client, target: str, keep: float, told: str
) -> None:
    before = client.operations()
    with pytest.raises(InvalidArgument, match=told):
        client.extract_circuit("digits", target, keep=keep)
    assert client.operations() == before


def test_what_the_network_does_not_have_is_the_operations_error(client: Client, here: None) -> None:
    with pytest.raises(NotFound, match="no layer named 'conv9'") as caught:
        client.extract_circuit("digits", "conv9:3", **ASKED)
    assert caught.value.reason == "UNKNOWN_LAYER"
    failed = client.operations()[-1]
    assert failed.ended
    assert failed.error is not None


def test_an_unknown_knowledge_base_or_operation_is_not_found(client: Client) -> None:
    with pytest.raises(UnknownKnowledgeBase):
        client.extract_circuit("dgits", "conv2:3", keep=0.5)
    for ask in (client.operation, client.cancel_operation):
        with pytest.raises(NotFound, match="no operation named"):
            ask("operations/none")


def test_an_interrupted_wait_cancels_the_work(client: Client, endless: Endless) -> None:
    def stop(operation: Operation) -> None:
        if operation.phase == "scoring":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.extract_circuit("digits", "conv2:3", **ASKED, progress=stop)
    ended = _last(client)
    assert _cancelled(ended)
    assert (ended.phase, ended.done, ended.total) == ("scoring", 1, 3)


def test_a_wait_that_is_too_long_cancels_the_work(client: Client, endless: Endless) -> None:
    with pytest.raises(DeadlineExceeded, match="longer than the 0 s allowed"):
        client.extract_circuit("digits", "conv2:3", **ASKED, timeout=0)
    assert _cancelled(_last(client))


def test_a_cancelled_await_cancels_the_work(
    client: Client, server: ServerThread, endless: Endless
) -> None:
    async def begun_and_left() -> None:
        async with AsyncClient(server.address, timeout=30) as asking:
            watched = asyncio.Event()
            task = asyncio.ensure_future(
                asking.extract_circuit(
                    "digits", "conv2:3", **ASKED, progress=lambda _: watched.set()
                )
            )
            await asyncio.wait_for(watched.wait(), 10)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(begun_and_left())
    assert _cancelled(_last(client))


def test_another_client_may_cancel_the_work(client: Client, endless: Endless) -> None:
    def stop(operation: Operation) -> None:
        if not operation.ended:
            client.cancel_operation(operation.name)

    with pytest.raises(ProofsightError) as caught:
        client.extract_circuit("digits", "conv2:3", **ASKED, progress=stop)
    assert caught.value.code == "CANCELLED"


def test_a_server_that_stops_cancels_what_runs(repository: Path, endless: Endless) -> None:
    thread = ServerThread(repository, Configuration(port=0, workers=1, refresh=0))
    with Client(thread.address, timeout=30) as client:
        answers: list[ProofsightError] = []

        def ask() -> None:
            try:
                client.extract_circuit("digits", "conv2:3", **ASKED)
            except ProofsightError as error:
                answers.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        assert endless.begun.wait(10)
        thread.stop()
        asking.join(10)
    (error,) = answers
    assert error.code in {"CANCELLED", "UNAVAILABLE"}, error


def test_the_command_tells_what_a_server_found(
    server: ServerThread, here: None, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["circuit", "--server", server.address, "--kb", "digits", "--target", "conv2:3"]
    asked += ["--criterion", "kernel_mask"]
    assert main([*asked, "--keep", "0.5", "--images", "16", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["revision"] == "digits/1"
    assert set(document["files"]) == {"facts", "scores", "report", "picture", "page", "dot"}
    assert main([*asked, "--keep", "0.01", "--images", "16"]) == 1
    assert "collapsed at keep 0.01" in capsys.readouterr().out
    assert main([*asked, "--keep", "0"]) == 1
    assert "above 0 and up to 1" in capsys.readouterr().err


def test_an_interrupted_command_cancels_the_work(
    client: Client, server: ServerThread, endless: Endless, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    class Shown:
        def __enter__(self) -> Callable[..., None]:
            return interrupted

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(circuit_remotely, "shown", Shown)
    asked = ["circuit", "--server", server.address, "--kb", "digits", "--target", "conv2:3"]
    assert main([*asked, "--keep", "0.5"]) == INTERRUPTED
    assert _cancelled(_last(client))


def test_two_circuits_of_a_revision_become_a_page_and_the_next_revision_has_them_too(
    server: ServerThread, client: Client, here: None, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [client.extract_circuit("digits", f"conv2:{i}", **ASKED).id for i in (3, 5)]
    kb = server.server.catalogue.repository.directory("digits", 1).parent
    assert main(["circuit", str(kb / "1"), "--compare", *ids, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["circuits"] == ids
    assert document["total"]["both"] == sum(layer["both"] for layer in document["layers"])
    page = Path(document["files"]["page"])
    assert "http://" not in page.read_text(encoding="utf-8").replace("http://www.w3.org", "")
    assert main(["circuit", str(kb / "1"), "--compare", ids[0], "c9"]) == 1
    told = capsys.readouterr().err
    assert "has no circuit 'c9'; it has " in told and ids[0] in told
    edited = (kb / "1" / "user.pl").read_text(encoding="utf-8") + "\nodd(digit_1).\n"
    (kb / "1" / "user.pl").write_text(edited, encoding="utf-8")
    assert main(["revise", str(kb / "1"), "--json"]) == 0
    names = {path.name for path in (kb / "2" / "circuits").iterdir()}
    assert {page.name, *(f"{one}.pl" for one in ids)} <= names
