"""An empty virtual environment into which a wheel is installed without a network."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def required(root: Requirement) -> dict[str, Distribution]:
    """What `root` needs, directly and transitively, as installed here; by canonical name.

    Follows the requirements that the distributions declare, with their extras and markers.
    """
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()

    def visit(requirement: Requirement) -> None:
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            found[name] = distribution(name)
            for line in found[name].requires or ():
                needed = Requirement(line)
                if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                    visit(needed)

    visit(root)
    return found


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment that sees nothing of the one that the tests run in."""

    directory: Path

    @property
    def bin(self) -> Path:
        """Where its programs are."""
        return self.directory / "bin"

    @property
    def site(self) -> Path:
        """Where its packages are."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.directory / "lib" / version / "site-packages"

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run one of its programs with an environment as bare as its packages."""
        return subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=self.directory,
            env={"HOME": str(self.directory), "PATH": f"{self.bin}:/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    def python(self, code: str) -> str:
        """What `code` prints; fails with its traceback."""
        done = self.run("python", "-I", "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def install(directory: Path, wheel: Path, extras: str = "") -> Environment:
    """An empty environment with `wheel` and what it declares to need, and nothing else.

    The needed packages are links to the ones installed here, so that nothing is downloaded. pip
    then installs the wheel without an index, and refuses where a declared requirement, or a
    version of it, is not there.
    """
    environment = Environment(directory)
    venv.create(directory, with_pip=False, symlinks=True)
    for name, needed in required(Requirement(f"proofsight{extras}")).items():
        if name != "proofsight":
            _link(needed, environment.site)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", str(environment.bin / "python")),
            *("install", "--quiet", "--no-index", f"{wheel}{extras}"),
        ],
        check=True,
        capture_output=True,
    )
    return environment


def _link(needed: Distribution, site: Path) -> None:
    for source, target in _files(needed, site):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source)


def _files(needed: Distribution, site: Path) -> Iterator[tuple[Path, Path]]:
    for file in needed.files or ():
        # Scripts lie outside and name the other environment's Python. Compiled files that are there
        # stay valid beside a link, and spare compiling all of torch.
        if ".." not in file.parts and Path(str(needed.locate_file(file))).exists():
            yield Path(str(needed.locate_file(file))).resolve(), site / file
