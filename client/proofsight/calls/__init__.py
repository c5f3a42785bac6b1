"""Every call, described once: how its request is built and how its answer is read.

The functions here are pure. `Client` and `AsyncClient` turn each into a method of the same name
and parameters; they differ only in how bytes travel.
"""

from proofsight.calls.explanations import classify, flip, query, why, why_not
from proofsight.calls.extraction import (
    cancel_operation,
    compare_circuits,
    extract_circuit,
    operation,
    operations,
)
from proofsight.calls.interactions import extract_interactions
from proofsight.calls.knowledge import (
    check,
    create_revision,
    export,
    health,
    knowledge_bases,
    revision,
    rules,
)
from proofsight.calls.shapes import Long, Paged, Streamed, Unary
from proofsight.calls.translation import facts

__all__ = [
    "Long",
    "Paged",
    "Streamed",
    "Unary",
    "cancel_operation",
    "check",
    "classify",
    "compare_circuits",
    "create_revision",
    "export",
    "extract_circuit",
    "extract_interactions",
    "facts",
    "flip",
    "health",
    "knowledge_bases",
    "operation",
    "operations",
    "query",
    "revision",
    "rules",
    "why",
    "why_not",
]
