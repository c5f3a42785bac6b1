"""A circuit beside the program of a revision: facts, scores, report, pictures."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from proofsight_server.circuits.graph import CircuitGraph
from proofsight_server.circuits.target import Logit, Unit
from proofsight_server.errors import BadTarget
from proofsight_server.extraction.circuit import FoundCircuit
from proofsight_server.extraction.circuit_options import checked_keep
from proofsight_server.extraction.circuit_pages import circuit_pages
from proofsight_server.knowledge.annex import add_annex, named_by_content
from proofsight_server.knowledge.circuit_facts import Value, circuit_facts
from proofsight_server.knowledge.revision import MODEL, Revision
from proofsight_server.vision.network import Network

ROOM = "circuits"
_DIGEST = 8
_UNFIT = re.compile(r"[^a-z0-9]+")
_PLACEHOLDER = "circuit"


@dataclass(frozen=True, slots=True)
class StoredCircuit:
    """A circuit in its revision: its id, its files by kind (`facts`, `scores`, `report`, ...)."""

    id: str
    files: Mapping[str, Path]
    report: Mapping[str, Any]


def store_circuit(revision: Revision, network: Network, found: FoundCircuit) -> StoredCircuit:
    """Add a circuit to a revision as annexes; the same circuit twice is one.

    Facts of the kernels on a path; beside them an array file with all scores and the mask as it
    was chosen, since kernels without a path still say what is constant; the report; and pictures.

    Raises
    ------
    BadTarget
        The circuit has collapsed, so there is nothing to store.
    BadRevision
        What is in the revision's `circuits/` was changed.
    """
    report = found.report()
    if found.collapse:
        raise BadTarget(
            f"nothing of {report['target']} is left at keep {report['keep']:g}: no path of the "
            f"{report['kept']} kernels that were kept leads from the image to it, so no circuit "
            "is stored; keep more, or choose another criterion",
            target=report["target"],
            keep=report["keep"],
        )
    graph = found.graph()
    name = _id(revision, found, graph)
    model = _model(revision)
    report = {"circuit": name, "revision": revision.name, "model": model, **report}
    written = {
        "scores": (".npz", _arrays(found)),
        "report": (".json", _json(report)),
        **{
            kind: (suffix, text.encode())
            for kind, (suffix, text) in circuit_pages(network, found, graph, report).items()
        },
    }
    files = {
        kind: add_annex(revision, named_by_content(f"{ROOM}/{name}{suffix}", data), data)
        for kind, (suffix, data) in written.items()
    }
    # Last, so that what is loaded has all its files.
    facts = _facts(name, revision, found, graph).encode()
    files["facts"] = add_annex(revision, f"{ROOM}/{name}.pl", facts)
    return StoredCircuit(name, files, report)


def _id(revision: Revision, found: FoundCircuit, graph: CircuitGraph) -> str:
    """A name that says the target, and a digest of all that is stored as facts."""
    target = found.network.target
    if isinstance(target, Logit):
        base = f"class_{_UNFIT.sub('_', str(target.label).lower()).strip('_')}"
    else:
        layer = found.network.wiring.nodes[-1].atom
        base = f"{layer}_c{target.channel}" if isinstance(target, Unit) else f"{layer}_direction"
    facts = _facts(_PLACEHOLDER, revision, found, graph) + str(target)
    return f"{base}_{hashlib.sha256(facts.encode()).hexdigest()[:_DIGEST]}"


def _facts(name: str, revision: Revision, found: FoundCircuit, graph: CircuitGraph) -> str:
    options = found.options
    return circuit_facts(
        name,
        _model(revision),
        found.network.target,
        float(checked_keep(options.keep)),
        options.criterion,
        graph,
        _info(found),
    )


def _model(revision: Revision) -> str:
    return f"sha256:{revision.manifest.files[MODEL]}"


def _info(found: FoundCircuit) -> dict[str, Value | Mapping[str, float]]:
    """A value for each setting and each figure."""
    report = found.report()
    keys = (
        "chosen", "choice",
        "loss", "head", "reduce", "selection", "ablation", "seed", "data", "shortfall",
        "effective_keep", "total_kernels",
    )  # fmt: skip
    info: dict[str, Value | Mapping[str, float]] = {key: report[key] for key in keys}
    for part in ("in_sample", "held_out"):
        info[f"images_{part}"] = report["images"][part]
        for key in ("r", "slope", "nmae", "agreement", "constant"):
            info[f"{key}_{part}"] = report["figures"][part][key]
    return {**info, "sign": "weights"}


def _arrays(found: FoundCircuit) -> bytes:
    """`scores/LAYER` float64 and `mask/LAYER` bool, (rows, sources) each; no pickles."""
    stream = io.BytesIO()
    layers = found.network.wiring.layers
    arrays: dict[str, Any] = {}
    for name, node in layers.items():
        arrays[f"scores/{node.atom}"] = found.scores[name]
        arrays[f"mask/{node.atom}"] = found.mask[name]
        arrays[f"rows/{node.atom}"] = node.rows
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False).encode()
