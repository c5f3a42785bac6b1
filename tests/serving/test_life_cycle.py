"""A server's start, its following of the repository, and its end."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from proofsight.v1 import (
    explanations_pb2,
    explanations_pb2_grpc,
    facts_pb2,
    knowledge_bases_pb2,
    knowledge_bases_pb2_grpc,
)
from proofsight_server.errors import BadOption, NotReady
from proofsight_server.knowledge.repository import Repository
from proofsight_server.serving.catalogue import Catalogue
from proofsight_server.serving.configuration import Configuration
from proofsight_server.serving.listening import require_free

from .conftest import KB, ServerThread


@contextmanager
def serving(repository: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`proofsight serve` as a process, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "proofsight", "serve", str(repository), "--port", "0", *options],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        said = []
        for line in process.stderr:
            said.append(line)
            if "proofsight: serving" in line:
                break
        else:
            raise AssertionError("".join(said))
        yield process, line.rsplit(" ", 1)[1].strip()
    finally:
        process.kill()
        process.wait()


def eventually(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_and_all_its_workers(repository: Path, number: int) -> None:
    with serving(repository) as (process, address):
        with grpc.insecure_channel(address) as channel:
            health: Any = health_pb2_grpc.HealthStub(channel)
            answer = health.Check(
                health_pb2.HealthCheckRequest(service="proofsight.v1.Explanations")
            )
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        workers = children(process.pid)
        assert workers
        process.send_signal(number)
        assert process.wait(20) == 0
        for worker in workers:
            with pytest.raises(ProcessLookupError):
                os.kill(worker, 0)


def test_a_running_query_is_given_time_to_end(
    repository: Path, facts: facts_pb2.ImageFacts
) -> None:
    with serving(repository) as (process, address), grpc.insecure_channel(address) as channel:
        running = explanations_pb2_grpc.ExplanationsStub(channel).Query(
            explanations_pb2.QueryRequest(
                name=KB,
                subject=explanations_pb2.Subject(facts=facts),
                goal="between(1, 20, X), aggregate_all(count, between(1, 10000, _), _)",
            )
        )
        first = next(running)
        assert first.solution.bindings
        process.send_signal(signal.SIGTERM)
        rest = list(running)
        assert rest[-1].summary.solutions == 20
        assert process.wait(20) == 0


def test_a_port_in_use_is_an_error_that_names_it(repository: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "proofsight", "serve", str(repository), "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    settings = len(fields(Configuration))
    (told,) = done.stderr.splitlines()[settings:]
    assert told == (
        f"proofsight: error: cannot listen on 127.0.0.1:{port}: address already in use; choose "
        "another --port (0 takes a free one), or another --host"
    )


def test_an_address_that_can_be_bound_is_accepted_and_others_say_why() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadOption, match=f"127.0.0.1:{port}: address already in use"):
            require_free("127.0.0.1", port)
        require_free("127.0.0.1", 0)
    require_free("127.0.0.1", port)
    with pytest.raises(BadOption, match=r"192\.0\.2\.1:0: cannot assign requested address"):
        require_free("192.0.2.1", 0)  # an address for documentation: no machine's own
    with pytest.raises(BadOption, match=r"cannot listen on not a host: .*; give --host"):
        require_free("not a host", 0)


def test_a_repository_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "proofsight", "serve", str(tmp_path / "none")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "none" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_edited_program_is_swapped_in_a_broken_one_is_not_and_one_that_is_gone_is_let_go(
    repository: Path, tmp_path: Path, facts: facts_pb2.ImageFacts
) -> None:
    copy = tmp_path / "repository"
    shutil.copytree(repository, copy)
    rules = copy / "digits" / "1" / "rules.pl"
    thread = ServerThread(copy, Configuration(port=0, workers=1, refresh=0.1))
    try:
        with grpc.insecure_channel(thread.address) as channel:
            bases: Any = knowledge_bases_pb2_grpc.KnowledgeBasesStub(channel)
            explanations: Any = explanations_pb2_grpc.ExplanationsStub(channel)

            def revision() -> knowledge_bases_pb2.Revision:
                found: knowledge_bases_pb2.Revision = bases.GetRevision(
                    knowledge_bases_pb2.GetRevisionRequest(name=KB)
                )
                return found

            def decided() -> str:
                answer: explanations_pb2.ExplainResponse = explanations.Explain(
                    explanations_pb2.ExplainRequest(
                        name=KB, subject=explanations_pb2.Subject(facts=facts)
                    )
                )
                return answer.decision.rule

            first = revision()
            assert not first.edited_since_measured
            text = rules.read_text()
            rules.write_text(text.replace(f"rule({decided()}, Image)", "rule(edited, Image)"))
            eventually(lambda: revision().etag != first.etag)
            second = revision()
            assert second.edited_since_measured
            assert not second.figures
            assert decided() == "edited"

            rules.write_text("class(Image, \n")

            def problem() -> str:
                (base,) = bases.ListKnowledgeBases(
                    knowledge_bases_pb2.ListKnowledgeBasesRequest()
                ).knowledge_bases
                return str(base.problem)

            eventually(lambda: bool(problem()))
            assert "rules.pl" in problem()
            assert revision().etag == second.etag
            assert decided() == "edited"

            rules.write_text(text)
            eventually(lambda: revision().etag == first.etag)
            assert not problem()

            def refused() -> str:
                try:
                    decided()
                except grpc.RpcError as error:
                    return str(error.details())
                return ""

            (copy / "digits").rename(tmp_path / "away")
            eventually(lambda: bool(refused()))
            assert "no knowledge base named 'digits'" in refused()
            (tmp_path / "away").rename(copy / "digits")
            eventually(lambda: not refused())
            assert revision().etag == first.etag
    finally:
        thread.stop()


def test_a_knowledge_base_that_cannot_be_loaded_leaves_the_others_serving(
    repository: Path, tmp_path: Path, png: bytes
) -> None:
    copy = tmp_path / "repository"
    shutil.copytree(repository, copy)
    shutil.copytree(copy / "digits", copy / "broken")
    (copy / "broken" / "1" / "manifest.json").unlink()
    thread = ServerThread(copy, Configuration(port=0, workers=1, refresh=0))
    try:
        with grpc.insecure_channel(thread.address) as channel:
            bases: Any = knowledge_bases_pb2_grpc.KnowledgeBasesStub(channel)
            listed = bases.ListKnowledgeBases(
                knowledge_bases_pb2.ListKnowledgeBasesRequest()
            ).knowledge_bases
            problems = {base.name: base.problem for base in listed}
            assert not problems[KB]
            assert "manifest.json" in problems["knowledgeBases/broken"]
            assert bases.GetRevision(knowledge_bases_pb2.GetRevisionRequest(name=KB)).etag
            with pytest.raises(grpc.RpcError) as caught:
                bases.GetRevision(
                    knowledge_bases_pb2.GetRevisionRequest(name="knowledgeBases/broken")
                )
            assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
            assert "knowledge base broken cannot be used" in str(caught.value.details())
    finally:
        thread.stop()


async def test_a_knowledge_base_that_is_still_to_come_is_called_by_its_name(
    repository: Path,
) -> None:
    catalogue = Catalogue(Repository(repository), Configuration())
    with pytest.raises(NotReady, match=r"^knowledge base digits is not loaded yet"):
        async with catalogue.use(KB):
            pass


def test_a_half_written_newest_revision_leaves_the_one_before_it_serving_from_the_start(
    repository: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "repository"
    shutil.copytree(repository, copy)
    shutil.copytree(copy / "digits" / "1", copy / "digits" / "2")
    (copy / "digits" / "2" / "rules.pl").unlink()
    thread = ServerThread(copy, Configuration(port=0, workers=1, refresh=0))
    try:
        with grpc.insecure_channel(thread.address) as channel:
            bases: Any = knowledge_bases_pb2_grpc.KnowledgeBasesStub(channel)
            listed = bases.ListKnowledgeBases(
                knowledge_bases_pb2.ListKnowledgeBasesRequest()
            ).knowledge_bases
            assert "rules.pl" in listed[0].problem
            revision = bases.GetRevision(knowledge_bases_pb2.GetRevisionRequest(name=KB))
            assert revision.name == f"{KB}/revisions/1"
    finally:
        thread.stop()
