"""What benchmarks share: trained networks, extracted revisions, and a running server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLI = (sys.executable, "-m", "proofsight")


@dataclass(slots=True)
class Workspace:
    """A scratch directory with one repository, and the root of the real data sets, if any."""

    root: Path
    data: Path | None

    @property
    def repository(self) -> Path:
        """The repository that all revisions go to."""
        return self.root / "repository"

    def run(self, *arguments: str) -> dict[str, Any]:
        """A command of ours with `--json`; its document."""
        done = subprocess.run(
            [*CLI, *arguments, "--json"], check=True, stdout=subprocess.PIPE, text=True
        )
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def trained(self, data: str, seed: int, *options: str) -> tuple[Path, dict[str, Any]]:
        """Weights of a `small-cnn` trained with Elite BackProp, and what training reported."""
        name = f"{data.partition(':')[0]}-{seed}"
        weights = self.root / f"{name}.safetensors"
        return weights, self._kept(
            weights,
            *("train", "--data", data, "--model", "small-cnn", "--out", str(weights)),
            *("--elite", "5", "--seed", str(seed)),
            *options,
        )

    def example(
        self, data: str, factory: str, seed: int, *options: str
    ) -> tuple[Path, dict[str, Any]]:
        """Weights of a network of `examples.networks`, and what training reported."""
        weights = self.root / f"{data.partition(':')[0]}-{factory}-{seed}.safetensors"
        model = f"examples.networks:{factory}"
        return weights, self._kept(
            weights,
            *("train", "--data", data, "--model", model, "--allow-model", model),
            *("--out", str(weights), "--seed", str(seed)),
            *options,
        )

    def extracted(self, kb: str, data: str, model: str, weights: Path, *options: str) -> str:
        """`R/KB` of a revision extracted with a tree of at most 30 rules, thresholds mean-std."""
        tree = ("--max-rules", "30", "--threshold", "mean-std")
        self.figures(kb, data, model, weights, *tree, *options)
        return f"{self.repository}/{kb}"

    def figures(
        self, kb: str, data: str, model: str, weights: Path, *options: str
    ) -> dict[str, Any]:
        """What extracting a revision, once, said of it."""
        return self._kept(
            self.repository / kb / "1",
            *("extract", "--data", data, "--model", model, "--weights", str(weights)),
            *("--repository", str(self.repository), "--name", kb),
            *options,
        )

    def _kept(self, made: Path, *command: str) -> dict[str, Any]:
        """What a command said that made a file, run only where it was not made before."""
        name = str(made.relative_to(self.root)).replace("/", "-")
        said = self.root / f"{name}.json"
        if not said.exists():
            said.write_text(json.dumps(self.run(*command)), encoding="utf-8")
        kept: dict[str, Any] = json.loads(said.read_text(encoding="utf-8"))
        return kept

    def digits(self) -> str:
        """The knowledge base of a network trained on scikit-learn's digits."""
        weights, _ = self.trained("digits", 0)
        return self.extracted("digits", "digits", "small-cnn", weights)

    @contextmanager
    def server(self, *options: str) -> Iterator[tuple[str, int]]:
        """A server of the repository: its address and its process id."""
        process = subprocess.Popen(
            [*CLI, "serve", str(self.repository), "--port", "0", *options],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield _address(process), process.pid
        finally:
            process.terminate()
            process.wait(30)


def _address(process: subprocess.Popen[str]) -> str:
    """The address in the line that says the server answers."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if "proofsight: serving" in line:
            return line.rsplit(" ", 1)[1].strip()
    raise RuntimeError("the server ended before it answered:\n" + "".join(said))
