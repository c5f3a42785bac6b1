"""Proofsight: ask why an image classifier said what it said, and get a proof.

The names below are loaded when they are first used, so that importing the package, and the
command line with it, does not wait for gRPC.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proofsight.answers import (
        Classification,
        Decision,
        InteractionSum,
        QuerySummary,
        Solution,
        Why,
    )
    from proofsight.async_client import AsyncClient
    from proofsight.client import Client
    from proofsight.errors import ProofsightError
    from proofsight.facts import Facts, Prediction, Region
    from proofsight.flip import Change, Direction, Flip, FlipStatus
    from proofsight.interactions import ImageInteractions, RegionBox
    from proofsight.knowledge import (
        CheckReport,
        CreatedRevision,
        Finding,
        KnowledgeBase,
        Layer,
        Program,
        Proposition,
        Revision,
        Rule,
    )
    from proofsight.node import Count, Evidence, Kind, Node, Score, Status
    from proofsight.operation import Circuit, CircuitComparison, Operation
    from proofsight.proof import Proof, Tree
    from proofsight.solutions import AsyncSolutions, Solutions

__all__ = [
    "AsyncClient",
    "AsyncSolutions",
    "Change",
    "CheckReport",
    "Circuit",
    "CircuitComparison",
    "Classification",
    "Client",
    "Count",
    "CreatedRevision",
    "Decision",
    "Direction",
    "Evidence",
    "Facts",
    "Finding",
    "Flip",
    "FlipStatus",
    "ImageInteractions",
    "InteractionSum",
    "Kind",
    "KnowledgeBase",
    "Layer",
    "Node",
    "Operation",
    "Prediction",
    "Program",
    "Proof",
    "ProofsightError",
    "Proposition",
    "QuerySummary",
    "Region",
    "RegionBox",
    "Revision",
    "Rule",
    "Score",
    "Solution",
    "Solutions",
    "Status",
    "Tree",
    "Why",
]

_HOMES = {
    "answers": (
        "Classification",
        "Decision",
        "InteractionSum",
        "QuerySummary",
        "Solution",
        "Why",
    ),
    "async_client": ("AsyncClient",),
    "client": ("Client",),
    "errors": ("ProofsightError",),
    "facts": ("Facts", "Prediction", "Region"),
    "flip": ("Change", "Direction", "Flip", "FlipStatus"),
    "interactions": ("ImageInteractions", "RegionBox"),
    "knowledge": (
        "CheckReport",
        "CreatedRevision",
        "Finding",
        "KnowledgeBase",
        "Layer",
        "Program",
        "Proposition",
        "Revision",
        "Rule",
    ),
    "node": ("Count", "Evidence", "Kind", "Node", "Score", "Status"),
    "operation": ("Circuit", "CircuitComparison", "Operation"),
    "proof": ("Proof", "Tree"),
    "solutions": ("AsyncSolutions", "Solutions"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("proofsight")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'proofsight' has no attribute {name!r}")
    value = getattr(import_module(f"proofsight.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
