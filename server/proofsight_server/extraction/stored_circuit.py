"""A circuit that a revision holds, opened again from its scores and mask."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from proofsight_server.circuits.graph import CircuitGraph, circuit_graph
from proofsight_server.circuits.scores import Mask, Scores
from proofsight_server.circuits.target import parse_target
from proofsight_server.circuits.target_network import TargetNetwork, target_network
from proofsight_server.errors import BadOption, BadRevision
from proofsight_server.knowledge.revision import Revision
from proofsight_server.vision.network import Network

_ROOM = "circuits"


@dataclass(frozen=True, slots=True, eq=False)
class OpenedCircuit:
    """A circuit's report, its network up to the target, and its graph."""

    report: Mapping[str, Any]
    network: TargetNetwork
    graph: CircuitGraph


def circuit_ids(revision: Revision) -> tuple[str, ...]:
    """The circuits of a revision, by name."""
    return tuple(sorted(path.stem for path in (revision.directory / _ROOM).glob("*.pl")))


def open_circuit(revision: Revision, network: Network, circuit: str) -> OpenedCircuit:
    """Open a circuit of a revision.

    Raises
    ------
    BadOption
        The revision has no circuit of that id.
    BadRevision
        Its scores or its report are missing or damaged.
    """
    known = circuit_ids(revision)
    if circuit not in known:
        raise BadOption(
            f"{revision.name} has no circuit {circuit!r}; it has {', '.join(known) or 'none'}",
            field="circuit",
            value=circuit,
        )
    report_file = _newest(revision, circuit, ".json")
    scores_file = _newest(revision, circuit, ".npz")
    try:
        report = json.loads(report_file.read_bytes())
        target = parse_target(report["target"], head=report["head"])
        cut = target_network(network, target)
        with np.load(io.BytesIO(scores_file.read_bytes()), allow_pickle=False) as arrays:
            layers = cut.wiring.layers.items()
            scores = {name: arrays[f"scores/{node.atom}"] for name, node in layers}
            mask = {name: arrays[f"mask/{node.atom}"] for name, node in layers}
        graph = circuit_graph(cut, Scores(scores, cut.wiring), Mask(mask, cut.wiring))
    except (KeyError, ValueError, OSError) as error:
        raise BadRevision(
            f"{scores_file} and {report_file.name} are not what was stored with {circuit}: "
            f"{error}; find the circuit again with proofsight circuit",
            file=str(scores_file),
        ) from error
    return OpenedCircuit(report, cut, graph)


def _newest(revision: Revision, circuit: str, suffix: str) -> Path:
    found = sorted(
        (revision.directory / _ROOM).glob(f"{circuit}-*{suffix}"),
        key=lambda path: (path.stat().st_mtime, path.name),
    )
    if not found:
        raise BadRevision(
            f"{revision.directory / _ROOM} has no {circuit}-*{suffix}; find the circuit again with "
            "proofsight circuit"
        )
    return found[-1]
