"""The gRPC server: its services put together, its start, and its graceful stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from proofsight.v1 import (
    explanations_pb2,
    explanations_pb2_grpc,
    extraction_pb2,
    extraction_pb2_grpc,
    facts_pb2,
    facts_pb2_grpc,
    knowledge_bases_pb2,
    knowledge_bases_pb2_grpc,
)
from proofsight_server.knowledge.repository import Repository
from proofsight_server.serving.calls import Calls
from proofsight_server.serving.catalogue import Catalogue
from proofsight_server.serving.configuration import Configuration
from proofsight_server.serving.explanations import Explanations
from proofsight_server.serving.extraction import Extraction
from proofsight_server.serving.facts import Facts
from proofsight_server.serving.knowledge_bases import KnowledgeBases
from proofsight_server.serving.listening import address_of, cannot_listen, require_free
from proofsight_server.serving.operations import Operations
from proofsight_server.serving.operations_service import OperationsService

SERVICES = (
    knowledge_bases_pb2.DESCRIPTOR.services_by_name["KnowledgeBases"].full_name,
    facts_pb2.DESCRIPTOR.services_by_name["Facts"].full_name,
    explanations_pb2.DESCRIPTOR.services_by_name["Explanations"].full_name,
    extraction_pb2.DESCRIPTOR.services_by_name["Extraction"].full_name,
)
_OPERATIONS = operations_pb2.DESCRIPTOR.services_by_name["Operations"].full_name
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Server:
    """A server of one repository. `start` listens and loads; `stop` drains and ends it."""

    def __init__(self, repository: Repository, settings: Configuration) -> None:
        self._settings = settings
        self._calls = Calls(settings.deadline)
        self._health = health.aio.HealthServicer()
        self._health_tasks: set[asyncio.Task[None]] = set()
        self.catalogue = Catalogue(repository, settings, self._announce)
        self._operations = Operations(settings.queue_operations)
        self._server = grpc.aio.server(
            options=(
                ("grpc.max_receive_message_length", settings.message_bytes),
                ("grpc.max_send_message_length", settings.message_bytes),
                # A port in use must be an error, not a port shared with a stranger.
                ("grpc.so_reuseport", 0),
            )
        )
        self._stopping = False
        self.port = 0

    @property
    def address(self) -> str:
        """`host:port`, as a client on this machine would write it."""
        return address_of(self._settings.host, self.port)

    async def start(self) -> None:
        """Listen, then load what the repository holds. Raises BadOption for a taken address."""
        settings, server = self._settings, self._server
        knowledge_bases_pb2_grpc.add_KnowledgeBasesServicer_to_server(
            KnowledgeBases(self.catalogue, settings, self._calls), server
        )
        facts_pb2_grpc.add_FactsServicer_to_server(
            Facts(self.catalogue, settings, self._calls), server
        )
        explanations_pb2_grpc.add_ExplanationsServicer_to_server(
            Explanations(self.catalogue, settings, self._calls), server
        )
        extraction_pb2_grpc.add_ExtractionServicer_to_server(
            Extraction(self.catalogue, settings, self._calls, self._operations), server
        )
        operations_pb2_grpc.add_OperationsServicer_to_server(
            OperationsService(self._operations, settings, self._calls), server
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection(
            (*SERVICES, _OPERATIONS, health.SERVICE_NAME, reflection.SERVICE_NAME), server
        )
        require_free(settings.host, settings.port)
        try:
            self.port = server.add_insecure_port(address_of(settings.host, settings.port))
        except RuntimeError as error:
            raise cannot_listen(settings.host, settings.port, "somebody took it") from error
        await self._set_health("", _SERVING)
        for service in SERVICES:
            await self._set_health(service, _NOT_SERVING)
        await server.start()
        await self.catalogue.open()

    async def stop(self) -> None:
        """Say not-serving, refuse new work, let running calls end, then end everything.

        Operations are cancelled: they would take longer than any grace.
        """
        self._stopping = True
        await self._health.enter_graceful_shutdown()
        self._operations.cancel_all()
        await self._calls.drain(self._settings.grace)
        await self._operations.ended(self._settings.grace)
        await self._server.stop(grace=0.5)
        await self.catalogue.close()

    async def run(self, ready: Callable[[Server], None]) -> None:
        """Serve until SIGTERM or SIGINT; `ready` is called once revisions answer."""
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        try:
            starting = asyncio.create_task(self.start())
            waiting = asyncio.create_task(stopped.wait())
            await asyncio.wait((starting, waiting), return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                ready(self)
                await waiting
            else:
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)
        finally:
            await self.stop()

    def _announce(self) -> None:
        """Bring the services' health in line with the catalogue."""
        if self._stopping:
            return
        status = _SERVING if self.catalogue.ready else _NOT_SERVING
        for service in SERVICES:
            task = asyncio.create_task(self._set_health(service, status))
            self._health_tasks.add(task)
            task.add_done_callback(self._health_tasks.discard)

    async def _set_health(self, service: str, status: int) -> None:
        await self._health.set(service, status)
