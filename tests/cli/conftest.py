"""The client tests' server, for the command line."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proofsight.cli import main

# Directories of tests are no packages, so that a file of a sibling is loaded by its path.
_SPEC = importlib.util.spec_from_file_location(
    "proofsight_fake_server", Path(__file__).parents[1] / "client" / "conftest.py"
)
if _SPEC is None or _SPEC.loader is None:
    raise ImportError("tests/client/conftest.py cannot be loaded")
_FAKE = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = _FAKE
_SPEC.loader.exec_module(_FAKE)
server = _FAKE.server
make_status = _FAKE.make_status

Run = Callable[..., tuple[int, str, str]]


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
