from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from proofsight import prolog_home as module
from proofsight.prolog_home import prolog_home

PRINT = "import prolog_home; print(prolog_home.prolog_home())"


def at(package: Path) -> subprocess.CompletedProcess[str]:
    """What a copy of the module finds when it lies in `package`."""
    package.mkdir(parents=True, exist_ok=True)
    shutil.copy(module.__file__, package)
    return subprocess.run(
        [sys.executable, "-c", PRINT], cwd=package, capture_output=True, text=True, check=False
    )


def test_a_checkout_has_it_beside_the_client(root: Path) -> None:
    assert prolog_home() == root / "prolog"


def test_the_copy_inside_the_package_wins_over_the_one_beside_it(tmp_path: Path) -> None:
    package = tmp_path / "client" / "proofsight"
    for home in (tmp_path / "prolog", package / "prolog"):
        home.mkdir(parents=True)
        (home / "proofsight.pl").touch()
    assert at(package).stdout.strip() == str(package / "prolog")
    shutil.rmtree(package / "prolog")
    assert at(package).stdout.strip() == str(tmp_path / "prolog")


def test_a_directory_without_the_facade_does_not_count(tmp_path: Path) -> None:
    package = tmp_path / "client" / "proofsight"
    (tmp_path / "prolog").mkdir()
    refused = at(package)
    assert refused.returncode == 1
    last = refused.stderr.splitlines()[-1]
    assert last.startswith("FileNotFoundError: proofsight.pl is in neither ")
    assert str(tmp_path / "prolog") in last
    assert str(package / "prolog") in last
