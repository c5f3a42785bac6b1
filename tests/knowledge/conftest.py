"""What the tests of this room share."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def drafts() -> ModuleType:
    """`drafts.py`, which is a program too and therefore a file of its own."""
    path = Path(__file__).parent / "drafts.py"
    spec = spec_from_file_location("drafts", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
