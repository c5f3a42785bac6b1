"""ExtractCircuit and CompareCircuits: what a request asks for, and the work of its operation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import struct_pb2

from proofsight.v1 import extraction_pb2
from proofsight_server.errors import BadOption
from proofsight_server.extraction.circuit import find_circuit
from proofsight_server.extraction.circuit_annexes import store_circuit
from proofsight_server.extraction.circuit_options import CircuitOptions
from proofsight_server.extraction.circuit_split import split_images
from proofsight_server.extraction.compared_circuits import compare_circuits
from proofsight_server.extraction.loading import load_revision_network, open_revision_dataset
from proofsight_server.extraction.progress import Watch
from proofsight_server.knowledge.revision import Revision, open_revision
from proofsight_server.vision.dataset import Dataset
from proofsight_server.vision.network import Network


def circuit_options(request: extraction_pb2.ExtractCircuitRequest) -> CircuitOptions:
    """What a request asks for. Raises BadOption and BadTarget."""
    if request.images < 0:
        raise BadOption(f"images are 2 or more, or 0, not {request.images}", field="images")
    default = CircuitOptions(request.target)
    return CircuitOptions(
        target=request.target,
        keep=repr(request.keep),
        criterion=request.criterion or default.criterion,
        loss=request.loss or None,
        head=request.head or None,
        selection=request.selection or None,
        ablation=request.ablation or None,
        images=request.images or default.images,
        seed=request.seed,
    )


def stored(
    directory: str,
    options: CircuitOptions,
    allow: Sequence[str],
    name: str,
    split: bool,
    watch: Watch,
) -> extraction_pb2.Circuit:
    """Find a circuit and store it; what the process of an operation does."""
    revision, network, dataset = _opened(directory, allow, watch)
    found = find_circuit(network, dataset, options, watch)
    report = {"revision": revision.name, **found.report()}
    circuit = extraction_pb2.Circuit(
        target=report["target"],
        criterion=options.criterion,
        keep=report["keep"],
        effective_keep=report["effective_keep"],
        kernels=report["kernels"],
        total_kernels=report["total_kernels"],
        collapse=found.collapse,
    )
    if not found.collapse:
        with watch.step("storing"):
            kept = store_circuit(revision, network, found)
        report = {**kept.report}
        circuit.circuit_id = kept.id
        circuit.name = f"{name}/circuits/{kept.id}"
        circuit.files.extend(_relative(revision, kept.files.values()))
    if split:
        report["split"] = split_images(found, watch.phase("comparing routes"))
    circuit.report.CopyFrom(_struct(report))
    return circuit


def compared(
    directory: str, pair: tuple[str, str], allow: Sequence[str], name: str, watch: Watch
) -> extraction_pb2.CircuitComparison:
    """Compare two circuits and store the page; what the process of an operation does."""
    revision, network, dataset = _opened(directory, allow, watch)
    first, second = pair
    report = compare_circuits(revision, network, dataset, first, second, watch)
    page = Path(report.pop("files")["page"])
    return extraction_pb2.CircuitComparison(
        parent=name,
        layers=[extraction_pb2.SharedKernels(**layer) for layer in report["layers"]],
        total=extraction_pb2.SharedKernels(**report["total"]),
        files=_relative(revision, [page]),
        report=_struct(report),
    )


def _opened(
    directory: str, allow: Sequence[str], watch: Watch
) -> tuple[Revision, Network, Dataset]:
    with watch.step("opening"):
        revision = open_revision(Path(directory))
        dataset = open_revision_dataset(revision)
        return revision, load_revision_network(revision, allow=frozenset(allow)), dataset


def _relative(revision: Revision, files: Iterable[Path]) -> list[str]:
    return [str(path.relative_to(revision.directory)) for path in files]


def _struct(report: dict[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(report)
    return struct
