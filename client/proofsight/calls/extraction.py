"""Long work: what is begun, and the operations that it becomes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, TypeVar

from google.longrunning import operations_pb2
from google.protobuf import duration_pb2
from google.protobuf.message import Message

from proofsight.calls.shapes import Long, Paged, Unary
from proofsight.names import resource
from proofsight.operation import Circuit, CircuitComparison, Operation, OperationProgress
from proofsight.parsing import operations as parsing
from proofsight.v1 import extraction_pb2

_EXTRACTION: Final = "/proofsight.v1.Extraction"
_OPERATIONS: Final = "/google.longrunning.Operations"
_PREFIX: Final = "operations/"

R = TypeVar("R")


def extract_circuit(
    kb: str,
    target: str,
    *,
    keep: float,
    criterion: str = "",
    loss: str = "",
    head: str = "",
    selection: str = "",
    ablation: str = "",
    images: int = 0,
    seed: int = 0,
    split: bool = False,
    progress: OperationProgress | None = None,
    timeout: float | None = None,
) -> Long[Circuit]:
    """Have the server find the circuit of a feature and store it in the revision.

    The work is cancelled where the wait for it ends early: by `timeout`, an interrupt, or
    whatever `progress` raises.

    Parameters
    ----------
    kb
        `digits` (its newest revision) or `digits/3`.
    target
        A channel, `conv3:12`; a direction, `conv3:12=1,7=-0.5`; a class, `class:street`.
    keep
        Share of kernels that stay, above 0 and up to 1.
    criterion, loss, head, selection, ablation, images, seed
        As `proofsight circuit` has them; empty and 0 for their defaults.
    split
        Whether to look for groups of images that reach the target by routes of their own, too;
        the report says under `split` what was found.
    progress
        Is told how far the work is, twice a second.
    timeout
        Seconds for the whole of it; None: as long as it takes.

    Raises
    ------
    InvalidArgument
        The target or an option is none.
    UnknownKnowledgeBase, UnknownRevision, UnknownLayer, UnknownClass
        There is nothing of that name.
    Cancelled
        Somebody cancelled it, or the server is stopping.
    DeadlineExceeded
        It took longer than `timeout`.
    """
    request = extraction_pb2.ExtractCircuitRequest(
        parent=resource(kb),
        target=target,
        keep=keep,
        criterion=criterion,
        loss=loss,
        head=head,
        selection=selection,
        ablation=ablation,
        images=images,
        seed=seed,
        split=split,
    )
    return begun("ExtractCircuit", request, parsing.circuit, progress, timeout)


def compare_circuits(
    kb: str,
    first: str,
    second: str,
    *,
    progress: OperationProgress | None = None,
    timeout: float | None = None,
) -> Long[CircuitComparison]:
    """Have the server count what two circuits share, and store a page that shows it.

    The work is cancelled where the wait for it ends early, as with `extract_circuit`.

    Parameters
    ----------
    kb
        `digits` (its newest revision) or `digits/3`.
    first, second
        Ids of two circuits of the revision.
    progress
        Is told how far the work is, twice a second.
    timeout
        Seconds for the whole of it; None: as long as it takes.

    Raises
    ------
    InvalidArgument
        There is no such circuit, or both are one.
    UnknownKnowledgeBase, UnknownRevision
        There is nothing of that name.
    Cancelled
        Somebody cancelled it, or the server is stopping.
    DeadlineExceeded
        It took longer than `timeout`.
    """
    request = extraction_pb2.CompareCircuitsRequest(parent=resource(kb), first=first, second=second)
    return begun("CompareCircuits", request, parsing.circuit_comparison, progress, timeout)


def begun(
    rpc: str,
    request: Message,
    read: Callable[[Any], R],
    progress: OperationProgress | None,
    timeout: float | None,
) -> Long[R]:
    """Work that an RPC of the extraction service begins."""
    start = Unary(f"{_EXTRACTION}/{rpc}", request.SerializeToString(), parsing.operation)
    return Long(start, read, progress, timeout)


def operations(*, timeout: float | None = None) -> Paged[Operation]:
    """The operations that the server knows, in the order in which they were begun."""

    def request(token: str) -> bytes:
        message = operations_pb2.ListOperationsRequest(name="operations", page_token=token)
        return bytes(message.SerializeToString())

    def read(data: bytes) -> tuple[list[Operation], str]:
        page = operations_pb2.ListOperationsResponse.FromString(data)
        return list(map(parsing.operation_of, page.operations)), page.next_page_token

    return Paged(f"{_OPERATIONS}/ListOperations", request, read, timeout)


def operation(name: str, *, wait: float = 0.0, timeout: float | None = None) -> Unary[Operation]:
    """How far an operation is, once it has ended or `wait` seconds are over.

    Raises NotFound.
    """
    span = duration_pb2.Duration()
    span.FromTimedelta(timedelta(seconds=wait))
    request = operations_pb2.WaitOperationRequest(name=_full(name), timeout=span)
    return Unary(
        f"{_OPERATIONS}/WaitOperation", request.SerializeToString(), parsing.operation, timeout
    )


def cancel_operation(name: str, *, timeout: float | None = None) -> Unary[None]:
    """Ask an operation to end before its next step; it has ended when `operation` says so.

    Raises NotFound.
    """
    request = operations_pb2.CancelOperationRequest(name=_full(name))
    return Unary(
        f"{_OPERATIONS}/CancelOperation", request.SerializeToString(), lambda _: None, timeout
    )


def _full(name: str) -> str:
    return name if name.startswith(_PREFIX) else f"{_PREFIX}{name}"
