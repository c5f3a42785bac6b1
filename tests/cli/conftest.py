"""The command line, asking the client tests' server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from proofsight.cli import main
from tests.client.fake_server import FakeServer, serving, status

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with serving() as fake:
        yield fake


@pytest.fixture
def make_status() -> Callable[..., Any]:
    """A status as the server sends it: code, reason, message, further details, metadata."""
    return status


@pytest.fixture
def run(server: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process: exit code, standard output, standard error."""
    for name in ("PROOFSIGHT_SERVER", "PROOFSIGHT_KB", "PROOFSIGHT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PROOFSIGHT_SERVER", server.address)

    def call(*argv: object) -> tuple[int, str, str]:
        code = main([str(word) for word in argv])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def png(tmp_path: Path) -> Path:
    """A file that the server takes for an image."""
    file = tmp_path / "seven.png"
    file.write_bytes(b"7")
    return file
