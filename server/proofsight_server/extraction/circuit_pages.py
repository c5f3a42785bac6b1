"""The pictures of a circuit, as text of files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofsight_server.circuits.dot import dot
from proofsight_server.circuits.graph import CircuitGraph
from proofsight_server.extraction.circuit import FoundCircuit
from proofsight_server.knowledge.revision import Revision


def circuit_pages(
    revision: Revision, found: FoundCircuit, graph: CircuitGraph, report: Mapping[str, Any]
) -> dict[str, tuple[str, str]]:
    """By kind of picture the suffix of its file, and its text."""
    return {"dot": (".dot", dot(report["circuit"], graph))}
