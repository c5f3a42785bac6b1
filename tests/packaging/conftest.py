from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.environment import Environment, install

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("client", "server", "prolog", "proto")
FILES = ("pyproject.toml", "hatch_build.py", "README.md", "CHANGELOG.md", "LICENSE", ".gitignore")


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources as a fresh clone has them, without stubs."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in SOURCES:
        ignored = shutil.ignore_patterns("__pycache__", "v1" if name == "client" else "")
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="session")
def built(checkout: Path) -> Path:
    """The directory with the source distribution and the wheel that was built from it."""
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", "dist", str(checkout)],
        cwd=checkout,
        check=True,
        capture_output=True,
    )
    return checkout / "dist"


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    (wheel,) = built.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def light(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """`pip install proofsight`."""
    return install(tmp_path_factory.mktemp("light"), wheel)


@pytest.fixture(scope="session")
def full(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """`pip install 'proofsight[server]'`."""
    return install(tmp_path_factory.mktemp("full"), wheel, "[server]")
