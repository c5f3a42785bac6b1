from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ALL = ["python3-venv", "swi-prolog-nox", "nodejs", "npm"]
# What the script itself calls, besides what it looks for.
TOOLS = ("bash", "cat", "cut", "dirname", "env", "flock", "mkdir", "rm", "sha256sum")
PROGRAMS = {"python3-venv": "python3", "swi-prolog-nox": "swipl", "nodejs": "node", "npm": "npm"}
BROKEN = "#!/bin/sh\nexit 1\n"
WORKING = "#!/bin/sh\nexit 0\n"


class Machine:
    """A machine with nothing but what a test puts there, and a fresh clone in it."""

    def __init__(self, directory: Path, root: Path) -> None:
        self.bin = directory / "bin"
        self.clone = directory / "clone"
        self.log = directory / "apt.log"
        self.bin.mkdir()
        (self.clone / "scripts").mkdir(parents=True)
        shutil.copy(root / "scripts" / "setup", self.clone / "scripts")
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found is not None
            (self.bin / tool).symlink_to(found)
        for name in ("python3.11", "python3.12", "python3.13", "python3.14"):
            self.has(name, BROKEN)
        for program in PROGRAMS.values():
            self.has(program, BROKEN)

    def has(self, program: str, script: str = WORKING) -> None:
        path = self.bin / program
        path.write_text(script, encoding="utf-8")
        path.chmod(0o755)

    def setup(self, *, user: int) -> subprocess.CompletedProcess[str]:
        self.has("id", f"#!/bin/sh\necho {user}\n")
        return subprocess.run(
            [str(self.clone / "scripts" / "setup")],
            env={"PATH": str(self.bin), "HOME": str(self.clone)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture
def machine(tmp_path: Path, root: Path) -> Machine:
    return Machine(tmp_path, root)


@pytest.mark.parametrize("missing", [ALL, ["npm"], ["python3-venv", "nodejs"]])
def test_without_root_setup_lists_exactly_what_is_missing_and_exits_with_1(
    machine: Machine, missing: list[str]
) -> None:
    for package in set(ALL) - set(missing):
        machine.has(PROGRAMS[package])
    done = machine.setup(user=1000)
    assert done.returncode == 1
    assert done.stdout == ""
    first, _, command = done.stderr.splitlines()
    names = " ".join(missing)
    assert first == f"setup: missing Debian packages: {names}"
    assert command.endswith(f"apt-get install --yes --no-install-recommends {names}")
    assert not (machine.clone / ".venv").exists()


def test_a_python_that_is_too_old_does_not_count(machine: Machine) -> None:
    for program in PROGRAMS.values():
        machine.has(program)
    machine.has("python3", BROKEN)
    assert "missing Debian packages: python3-venv\n" in machine.setup(user=1000).stderr


def test_a_newer_python_beside_an_old_one_counts(machine: Machine) -> None:
    for program in PROGRAMS.values():
        machine.has(program)
    machine.has("python3", BROKEN)
    machine.has("python3.12")
    assert "missing Debian packages" not in machine.setup(user=1000).stderr


def test_root_installs_what_is_missing_and_nothing_else(machine: Machine) -> None:
    for program in ("swipl", "node"):
        machine.has(program)
    tools = " ".join(str(machine.bin / program) for program in ("python3", "npm"))
    machine.has(
        "apt-get",
        f'#!/bin/bash\necho "$@" >>{machine.log}\n'
        f'for tool in {tools}; do printf "#!/bin/sh\\nexit 0\\n" >$tool; done\n',
    )
    done = machine.setup(user=0)
    assert "installing with apt-get: python3-venv npm\n" in done.stderr
    update, install = machine.log.read_text(encoding="utf-8").splitlines()
    assert update.startswith("update ")
    assert install.endswith("--yes --no-install-recommends python3-venv npm")


def test_packages_that_do_not_work_once_installed_end_setup(machine: Machine) -> None:
    machine.has("apt-get")
    done = machine.setup(user=0)
    assert done.returncode == 1
    assert f"these still do not work: {' '.join(ALL)}" in done.stderr
    assert not (machine.clone / ".venv").exists()


def test_a_setup_that_fails_half_way_does_not_count_as_done(machine: Machine) -> None:
    for program in PROGRAMS.values():
        machine.has(program)
    # This Python says that it made an environment, and makes one whose pip does not run.
    venv = machine.clone / ".venv"
    machine.has(
        "python3",
        f"#!/bin/bash\n[[ $1 == -m ]] || exit 0\nmkdir -p {venv}/bin\n"
        f'printf "#!/bin/sh\\nexit 1\\n" >{venv}/bin/python\n/bin/chmod +x {venv}/bin/python\n',
    )
    for _ in range(2):
        done = machine.setup(user=1000)
        assert done.returncode != 0
        assert "setup: making .venv" in done.stderr
        assert not (venv / ".proofsight-setup").exists()
