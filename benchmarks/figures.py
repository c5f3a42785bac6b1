"""Figures with their spread, the machine they were measured on, and the table of them."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure: the median of `values`, beside what was to be reached.

    `target` is met where the median lies on its side of it: `at_least` or `at_most`.
    Without a target the figure stands for comparison only.
    """

    name: str
    values: tuple[float, ...]
    unit: str
    target: float | None = None
    side: Literal["at_least", "at_most"] = "at_least"
    note: str = ""

    @property
    def value(self) -> float:
        """The median, except of means over seeds, which are means (unit `mean`)."""
        if self.unit.startswith("mean"):
            return statistics.fmean(self.values)
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without one."""
        if self.target is None:
            return None
        return self.value >= self.target if self.side == "at_least" else self.value <= self.target


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that could not be measured here, and why."""

    name: str
    reason: str


Row = Figure | Skipped


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    import grpc
    import torch

    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "processor": model,
        "cores": str(len(os.sched_getaffinity(0))),
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "grpc": grpc.__version__,
    }


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown, with median and range."""
    lines = ["| figure | median | range | target | met |", "|---|---|---|---|---|"]
    for row in rows:
        if isinstance(row, Skipped):
            lines.append(f"| {row.name} | skipped: {row.reason} | | | |")
            continue
        low, high = min(row.values), max(row.values)
        spread = f"{low:.4g} to {high:.4g} (n={len(row.values)})" if len(row.values) > 1 else ""
        sign = "≥" if row.side == "at_least" else "≤"
        target = "" if row.target is None else f"{sign} {row.target:g}"
        met = {True: "yes", False: "**no**", None: ""}[row.met]
        note = f" ({row.note})" if row.note else ""
        lines.append(
            f"| {row.name}{note} | {row.value:.4g} {row.unit} | {spread} | {target} | {met} |"
        )
    return "\n".join(lines)


def document(rows: Sequence[Row]) -> str:
    """The rows and the machine as JSON."""
    entries = [
        {"name": row.name, "skipped": row.reason}
        if isinstance(row, Skipped)
        else {**asdict(row), "value": row.value, "met": row.met}
        for row in rows
    ]
    return json.dumps({"machine": machine(), "figures": entries}, indent=2, ensure_ascii=False)
