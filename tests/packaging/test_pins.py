from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.packaging.environment import required


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pins(root: Path) -> dict[str, str]:
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): pinned for name, pinned in pairs}


def test_constraints_are_plain_versions_without_hashes_or_local_suffixes(root: Path) -> None:
    for line in (root / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line), line


def test_every_package_that_setup_installs_is_pinned_to_what_is_installed(
    project: dict[str, Any], pins: dict[str, str]
) -> None:
    needed = set(required(Requirement("proofsight[server,dev]")))
    for line in project["build-system"]["requires"]:
        needed |= set(required(Requirement(line)))
    needed -= {"proofsight"}
    installed = {name: Version(version(name)).public for name in needed}
    assert {name: pins.get(name) for name in needed} == installed


def test_grpcio_tools_is_one_exact_version_everywhere(
    project: dict[str, Any], pins: dict[str, str]
) -> None:
    wanted = f"grpcio-tools=={pins['grpcio-tools']}"
    assert wanted in project["build-system"]["requires"]
    assert wanted in project["project"]["optional-dependencies"]["dev"]


def test_the_lock_file_of_npm_names_no_registry(root: Path) -> None:
    text = (root / "package-lock.json").read_text(encoding="utf-8")
    assert "://" not in text
    packages = json.loads(text)["packages"]
    assert all("integrity" in packages[name] for name in packages if name)


def test_the_citation_is_of_this_version_and_licence(project: dict[str, Any], root: Path) -> None:
    lines = (root / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f"version: {project['project']['version']}" in lines
    assert f"license: {project['project']['license']}" in lines
