"""Run benchmarks: `python -m benchmarks [NAME…] [--data ROOT] [--work DIR] [--out DIR]`."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import Row, document, machine, table
from benchmarks.workspace import Workspace

NAMES = (
    "fidelity",
    "faithful",
    "learners",
    "agreement",
    "latency",
    "throughput",
    "soak",
    "reasoning",
    "flip",
    "chains",
    "mofn",
    "approximation",
    "interactions",
    "verified",
    "scoring",
    "sharing",
    "circuit_queries",
    "circuit_scores",
    "circuit_shrinking",
    "circuits",
)


def main() -> int:
    """Measure what is named, print the table, write it beside as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all")
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("PROOFSIGHT_DATA"),
        help="root of the real data sets (PROOFSIGHT_DATA); without it their rows are skipped",
    )
    parser.add_argument(
        "--work", type=Path, help="keep networks and revisions there, and go on from those there"
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    args = parser.parse_args()
    unknown = set(args.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}; known: {', '.join(NAMES)}")
    data = None if args.data is None else Path(args.data)
    if data is not None and not data.is_dir():
        parser.error(f"--data {data} is no directory")
    args.out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="proofsight-bench-") as name:
        root = Path(name) if args.work is None else args.work.absolute()
        root.mkdir(parents=True, exist_ok=True)
        workspace = Workspace(root, data)
        for name in args.names or NAMES:
            print(f"== {name}", file=sys.stderr, flush=True)
            measured = importlib.import_module(f"benchmarks.{name}").run(workspace)
            keep(args.out, name, measured)
            rows.extend(measured)
    print("\n".join(f"{key}: {value}" for key, value in machine().items()))
    print()
    print(table(rows))
    keep(args.out, "-".join(args.names) or "all", rows)
    return 0


def keep(out: Path, name: str, rows: list[Row]) -> None:
    """Write the rows as OUT/NAME.json and as OUT/NAME.md; what is named later cannot lose them."""
    (out / f"{name}.json").write_text(document(rows) + "\n", encoding="utf-8")
    (out / f"{name}.md").write_text(table(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
