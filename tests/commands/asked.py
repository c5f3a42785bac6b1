"""What the tests of commands ask, and what is left behind."""

from __future__ import annotations

from pathlib import Path


def everything_under(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def extract_arguments(
    workplace: Path, archive: Path, root: Path, **changed: object
) -> list[object]:
    given = {
        "data": f"npz:{archive}",
        "weights": workplace / "w.safetensors",
        "repository": root / "r",
        "name": "three",
        **changed,
    }
    pairs = ((f"--{key}", value) for key, value in given.items())
    return ["extract", *(item for pair in pairs for item in pair)]
