"""The commands as a person calls them, in this process or in one of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from proofsight.cli import main

COMMAND = [sys.executable, "-m", "proofsight"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Standard output, which is one JSON document and nothing else."""
        parsed = json.loads(self.out)
        assert isinstance(parsed, dict)
        return parsed


Run = Callable[..., Ran]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Calls `proofsight` in this process."""

    def call(*arguments: object) -> Ran:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return Ran(code, told.out, told.err)

    return call


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits 0, 1 and 2 as an npz file."""
    bunch = load_digits(n_class=3)
    images = (bunch.images * 15).astype(np.uint8)[..., None]
    labels = bunch.target.astype(np.int64)
    path = tmp_path_factory.mktemp("data") / "three.npz"
    np.savez(
        path,
        x_train=images[:400],
        y_train=labels[:400],
        x_test=images[400:],
        y_test=labels[400:],
        classes=np.array(["zero", "one", "two"]),
    )
    return path


@pytest.fixture(scope="session")
def start() -> Callable[..., subprocess.Popen[str]]:
    """Starts `proofsight` as a process of its own, with its output in pipes."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell has what it starts in the background ignore ^C, and children inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def begin(*arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
            text=True,
        )

    return begin


def in_this_process(*arguments: object) -> Ran:
    """Run `proofsight` where `capsys` is not to be had."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return Ran(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def workplace(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with `w.safetensors` and `repository/three/1`, not to be spoilt."""
    place = tmp_path_factory.mktemp("work")
    data = f"npz:{archive}"
    trained = in_this_process(
        "train", "--data", data, "--out", place / "w.safetensors", "--epochs", 2, "--seed", 3
    )
    assert trained.code == 0, trained.err
    extracted = in_this_process(
        "extract", "--data", data, "--weights", place / "w.safetensors",
        "--repository", place / "repository", "--name", "three", "--max-rules", 8,
    )  # fmt: skip
    assert extracted.code == 0, extracted.err
    return place


@pytest.fixture
def copied(workplace: Path, tmp_path: Path) -> Path:
    """A copy of the revision that a test may spoil: its directory."""
    target = tmp_path / "repository" / "three" / "1"
    target.mkdir(parents=True)
    for path in (workplace / "repository" / "three" / "1").iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target
