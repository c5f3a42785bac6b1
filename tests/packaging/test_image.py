from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


@pytest.fixture(scope="module")
def dockerfile(root: Path) -> str:
    return (root / "Dockerfile").read_text(encoding="utf-8")


@contextmanager
def server(status: int) -> Iterator[int]:
    """A health service that answers with `status`; its port."""
    running = grpc.server(ThreadPoolExecutor(max_workers=1))
    servicer = health.HealthServicer()
    servicer.set("", status)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, running)
    port = running.add_insecure_port("127.0.0.1:0")
    running.start()
    try:
        yield port
    finally:
        running.stop(grace=None).wait()


def health_check(dockerfile: str, port: int) -> int:
    """The exit status of the image's health check against `port`."""
    found = re.search(r"^HEALTHCHECK .*\\\n +CMD (\[.*\])$", dockerfile, re.MULTILINE)
    assert found is not None
    python, *arguments = json.loads(found[1])
    assert python == "python"
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"PROOFSIGHT_PORT": str(port)},
        capture_output=True,
        check=False,
    ).returncode


def test_the_health_check_passes_where_the_server_serves(dockerfile: str) -> None:
    with server(health_pb2.HealthCheckResponse.SERVING) as port:
        assert health_check(dockerfile, port) == 0


def test_the_health_check_fails_where_the_server_drains(dockerfile: str) -> None:
    with server(health_pb2.HealthCheckResponse.NOT_SERVING) as port:
        assert health_check(dockerfile, port) == 1


def test_the_health_check_fails_where_no_server_is(dockerfile: str) -> None:
    with server(health_pb2.HealthCheckResponse.SERVING) as port:
        pass
    assert health_check(dockerfile, port) == 1


def test_what_the_image_copies_exists_and_reaches_the_build(dockerfile: str, root: Path) -> None:
    ignored = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (root / source).exists(), source
            assert f"!{source}" in ignored, source


def test_the_package_index_for_torch_has_no_default(dockerfile: str) -> None:
    assert re.search(r"^ARG TORCH_INDEX$", dockerfile, re.MULTILINE)


def test_the_image_runs_as_nobody_of_importance(dockerfile: str) -> None:
    assert re.findall(r"^USER (.*)$", dockerfile, re.MULTILINE) == ["10001:10001"]
