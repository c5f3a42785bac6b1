"""From messages about long work to values."""

from __future__ import annotations

from datetime import UTC
from typing import Any, TypeVar

from google.longrunning import operations_pb2
from google.protobuf.message import Message

from proofsight.failure import from_status
from proofsight.interactions import ImageInteractions, NetworkInteractions, Primitive
from proofsight.operation import Circuit, CircuitComparison, Operation, SharedKernels
from proofsight.parsing.structs import json_object
from proofsight.v1 import extraction_pb2

M = TypeVar("M", bound=Message)


def operation(data: bytes) -> Operation:
    """An operation from its bytes."""
    return operation_of(operations_pb2.Operation.FromString(data))


def operation_of(message: Any) -> Operation:
    """An operation from its message."""
    told = _unpacked(message.metadata, extraction_pb2.ExtractionMetadata)
    result = message.WhichOneof("result")
    return Operation(
        name=message.name,
        subject=told.subject,
        phase=told.phase,
        done=told.done,
        total=told.total,
        ended=message.done,
        cancel_requested=told.cancel_requested,
        created=told.create_time.ToDatetime(tzinfo=UTC),
        end=told.end_time.ToDatetime(tzinfo=UTC) if told.HasField("end_time") else None,
        error=from_status(message.error) if result == "error" else None,
        response=message.response if result == "response" else None,
    )


def circuit(packed: Any) -> Circuit:
    """A circuit from the response of its operation."""
    message = _unpacked(packed, extraction_pb2.Circuit)
    return Circuit(
        name=message.name,
        id=message.circuit_id,
        target=message.target,
        criterion=message.criterion,
        keep=message.keep,
        effective_keep=message.effective_keep,
        kernels=message.kernels,
        total_kernels=message.total_kernels,
        collapse=message.collapse,
        files=tuple(message.files),
        report=json_object(message.report),
    )


def circuit_comparison(packed: Any) -> CircuitComparison:
    """A comparison from the response of its operation."""
    message = _unpacked(packed, extraction_pb2.CircuitComparison)
    report = json_object(message.report)
    return CircuitComparison(
        revision=report["revision"],
        layers=tuple(map(_shared, message.layers)),
        total=_shared(message.total),
        files=tuple(message.files),
        report=report,
    )


def _shared(message: extraction_pb2.SharedKernels) -> SharedKernels:
    return SharedKernels(
        message.layer,
        message.both,
        message.first,
        message.second,
        message.iou if message.HasField("iou") else None,
    )


def image_interactions(packed: Any) -> ImageInteractions:
    """The interactions of an image from the response of their operation."""
    message = _unpacked(packed, extraction_pb2.ImageInteractions)
    return ImageInteractions(
        image_id=message.image_id,
        class_name=message.class_name,
        score=message.score,
        baseline=message.baseline,
        networks=tuple(map(_network, message.networks)),
        files=tuple(message.files),
        report=json_object(message.report),
    )


def _network(message: extraction_pb2.NetworkInteractions) -> NetworkInteractions:
    return NetworkInteractions(
        message.network,
        message.bias,
        message.score,
        message.sum,
        message.residual_bound,
        tuple(
            Primitive(
                "or" if one.any else "and",
                tuple(one.regions),
                one.effect,
                tuple(one.shared_with),
            )
            for one in message.primitives
        ),
    )


def _unpacked(packed: Any, kind: type[M]) -> M:
    """The message in an `Any`, which the server promises to be of that kind."""
    message = kind()
    packed.Unpack(message)
    return message
