"""What the tests of this room share."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from proofsight_server.knowledge.repository import Repository
from proofsight_server.knowledge.revision import Revision


@pytest.fixture(scope="session")
def drafts() -> ModuleType:
    """`drafts.py`, which is a program too and therefore a file of its own."""
    path = Path(__file__).parent / "drafts.py"
    spec = spec_from_file_location("drafts", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory, drafts: ModuleType) -> Revision:
    root = tmp_path_factory.mktemp("published")
    return Repository(root).publish("digits", drafts.draft())


@pytest.fixture
def revision(published: Revision, tmp_path: Path) -> Path:
    """A copy of a published revision that a test may spoil."""
    target = tmp_path / "repository" / "digits" / "1"
    target.mkdir(parents=True)
    for path in published.directory.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target
