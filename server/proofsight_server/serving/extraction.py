"""The Extraction service: long work on a revision, each piece an operation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from google.longrunning import operations_pb2

from proofsight.v1 import extraction_pb2, extraction_pb2_grpc
from proofsight_server.extraction.compared_circuits import check_two
from proofsight_server.serving import circuits, interactions
from proofsight_server.serving.calls import Calls
from proofsight_server.serving.catalogue import Catalogue
from proofsight_server.serving.configuration import Configuration
from proofsight_server.serving.detached import detached
from proofsight_server.serving.names import RevisionName
from proofsight_server.serving.operations import Operations, Work
from proofsight_server.serving.status import Context


class Extraction(extraction_pb2_grpc.ExtractionServicer):
    """Begins operations on the revisions of a catalogue."""

    def __init__(
        self,
        catalogue: Catalogue,
        settings: Configuration,
        calls: Calls,
        operations: Operations,
    ) -> None:
        self._catalogue = catalogue
        self._allow = settings.allow_models
        self._scores = interactions.score_cache(settings)
        self._calls = calls
        self._operations = operations

    async def ExtractCircuit(
        self, request: extraction_pb2.ExtractCircuitRequest, context: Context
    ) -> operations_pb2.Operation:
        """Begin to look for the circuit of a feature."""
        async with self._calls.call(context):
            options = circuits.circuit_options(request)
            name, directory = await self._revision(request.parent)
            return await self._begin(
                context,
                f"circuit of {options.target} in {name.kb}/{name.number}",
                partial(
                    detached,
                    circuits.stored,
                    (directory, options, self._allow, str(name), request.split),
                ),
                partial(self._catalogue.follow, name.kb),
            )

    async def CompareCircuits(
        self, request: extraction_pb2.CompareCircuitsRequest, context: Context
    ) -> operations_pb2.Operation:
        """Begin to count what two circuits share."""
        async with self._calls.call(context):
            check_two(request.first, request.second)
            name, directory = await self._revision(request.parent)
            pair = (request.first, request.second)
            return await self._begin(
                context,
                f"{' beside '.join(pair)} in {name.kb}/{name.number}",
                partial(detached, circuits.compared, (directory, pair, self._allow, str(name))),
                partial(self._catalogue.follow, name.kb),
            )

    async def ExtractInteractions(
        self, request: extraction_pb2.ExtractInteractionsRequest, context: Context
    ) -> operations_pb2.Operation:
        """Begin to explain the scores of an image."""
        async with self._calls.call(context):
            interactions.check(request)
            found = [await self._revision(parent) for parent in request.parents]
            names = [name for name, _ in found]
            told = ", ".join(f"{name.kb}/{name.number}" for name in names)
            return await self._begin(
                context,
                f"interactions in {request.title or 'an image'} for {told}",
                partial(
                    detached,
                    interactions.stored,
                    (
                        request.SerializeToString(),
                        [directory for _, directory in found],
                        self._allow,
                        self._scores,
                    ),
                ),
                partial(self._follow, {name.kb for name in names}),
            )

    async def _begin(
        self, context: Context, subject: str, work: Work, after: Callable[[], Awaitable[None]]
    ) -> operations_pb2.Operation:
        """Begin an operation; a caller who leaves before its name does could never cancel it."""
        begun = self._operations.start(subject, work, after)
        try:
            await context.send_initial_metadata(())  # fails where the caller has left
        except BaseException:
            self._operations.cancel(begun.name)
            raise
        return begun

    async def _follow(self, names: set[str]) -> None:
        for name in sorted(names):
            await self._catalogue.follow(name)

    async def _revision(self, parent: str) -> tuple[RevisionName, str]:
        """A revision that is there, by its number, and where it is.

        Raises BadOption, UnknownKnowledgeBase and UnknownRevision.
        """
        name = RevisionName.parse(parent)
        directory = await asyncio.to_thread(
            self._catalogue.repository.directory, name.kb, name.number
        )
        return RevisionName(name.kb, int(directory.name)), str(directory)
