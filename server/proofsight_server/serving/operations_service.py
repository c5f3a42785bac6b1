"""The service `google.longrunning.Operations`, as clients of Google's APIs know it."""

from __future__ import annotations

from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import empty_pb2

from proofsight_server.errors import BadOption
from proofsight_server.serving.calls import Calls, seconds_left
from proofsight_server.serving.configuration import Configuration
from proofsight_server.serving.operations import Operations
from proofsight_server.serving.paging import page
from proofsight_server.serving.status import Context

COLLECTION = ("", "operations")
MARGIN = 0.9  # of the caller's time, so that the answer arrives within it


class OperationsService(operations_pb2_grpc.OperationsServicer):  # type: ignore[misc]  # no stubs
    """Watches and cancels operations."""

    def __init__(self, operations: Operations, settings: Configuration, calls: Calls) -> None:
        self._operations = operations
        self._longest = settings.deadline
        self._calls = calls

    async def GetOperation(
        self, request: operations_pb2.GetOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        """How far an operation is."""
        async with self._calls.call(context):
            return self._operations.get(request.name)

    async def WaitOperation(
        self, request: operations_pb2.WaitOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        """As GetOperation, once it has ended or the time given is over."""
        async with self._calls.call(context):
            remaining = seconds_left(context)
            longest = MARGIN * (self._longest if remaining is None else remaining)
            if request.HasField("timeout"):
                asked = request.timeout.seconds + request.timeout.nanos / 1e9
                if asked < 0:
                    raise BadOption(f"a timeout is not below 0, as {asked:g} is", field="timeout")
                longest = min(asked, longest)
            return await self._operations.wait(request.name, longest)

    async def ListOperations(
        self, request: operations_pb2.ListOperationsRequest, context: Context
    ) -> operations_pb2.ListOperationsResponse:
        """The operations that are known, in the order in which they were begun."""
        async with self._calls.call(context):
            if request.name not in COLLECTION or request.filter:
                raise BadOption(
                    "operations are listed under the name `operations` and without a filter",
                    field="filter" if request.filter else "name",
                )
            here, token = page(
                self._operations.all(), size=request.page_size, token=request.page_token
            )
            return operations_pb2.ListOperationsResponse(operations=here, next_page_token=token)

    async def CancelOperation(
        self, request: operations_pb2.CancelOperationRequest, context: Context
    ) -> empty_pb2.Empty:
        """Ask an operation to end before its next step."""
        async with self._calls.call(context):
            self._operations.cancel(request.name)
            return empty_pb2.Empty()

    async def DeleteOperation(
        self, request: operations_pb2.DeleteOperationRequest, context: Context
    ) -> empty_pb2.Empty:
        """Forget an operation that has ended."""
        async with self._calls.call(context):
            self._operations.delete(request.name)
            return empty_pb2.Empty()
