"""The Facts service: images in, feature values out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from proofsight.v1 import facts_pb2, facts_pb2_grpc
from proofsight_server.errors import BadOption
from proofsight_server.serving import answers, subjects
from proofsight_server.serving.calls import Calls
from proofsight_server.serving.catalogue import Catalogue
from proofsight_server.serving.configuration import Configuration
from proofsight_server.serving.hosting import Host
from proofsight_server.serving.status import Context, status_of


class Facts(facts_pb2_grpc.FactsServicer):
    """Translates images with the networks of the catalogue."""

    def __init__(self, catalogue: Catalogue, settings: Configuration, calls: Calls) -> None:
        self._catalogue = catalogue
        self._settings = settings
        self._calls = calls

    async def TranslateImage(
        self,
        request: facts_pb2.TranslateImageRequest,
        context: Context,
    ) -> facts_pb2.TranslateImageResponse:
        """The facts of one image."""
        async with self._calls.call(context), self._catalogue.use(request.name) as host:
            if request.entry:
                host.observed(request.entry)  # refuses what it must before the network is run
            batch = await subjects.tensor(host, request.image)
            observation = await host.observe(batch, regions=request.with_regions)
            subject = subjects.seen(host, observation, 0, self._settings.predictions)
            subject = subjects.entered(host, subject, request.entry)
            return facts_pb2.TranslateImageResponse(facts=answers.facts(host, subject, named=True))

    async def TranslateImages(
        self,
        requests: AsyncIterator[facts_pb2.TranslateImagesRequest],
        context: Context,
    ) -> AsyncIterator[facts_pb2.TranslateImagesResponse]:
        """One response per request, in their order; some requests are read ahead."""
        async with self._calls.call(context, stream=True), AsyncExitStack() as held:
            ahead: asyncio.Queue[asyncio.Task[facts_pb2.TranslateImagesResponse] | None] = (
                asyncio.Queue(self._settings.stream_ahead)
            )
            reader = asyncio.create_task(self._read(requests, ahead, held))
            try:
                while (task := await ahead.get()) is not None:
                    yield await task
                await reader
            finally:
                reader.cancel()
                while not ahead.empty():
                    left = ahead.get_nowait()
                    if left is not None:
                        left.cancel()

    async def _read(
        self,
        requests: AsyncIterator[facts_pb2.TranslateImagesRequest],
        ahead: asyncio.Queue[asyncio.Task[facts_pb2.TranslateImagesResponse] | None],
        held: AsyncExitStack,
    ) -> None:
        hosts: dict[str, Host] = {}
        name = ""
        try:
            async for request in requests:
                name = request.name or name
                await ahead.put(asyncio.create_task(self._answer(request, name, hosts, held)))
        finally:
            await ahead.put(None)

    async def _answer(
        self,
        request: facts_pb2.TranslateImagesRequest,
        name: str,
        hosts: dict[str, Host],
        held: AsyncExitStack,
    ) -> facts_pb2.TranslateImagesResponse:
        """The answer to one element; a refused one is told and does not end the stream."""
        try:
            if not name:
                raise BadOption("the first request of a stream must have a name", field="name")
            if name not in hosts:
                hosts[name] = await held.enter_async_context(self._catalogue.use(name))
            host = hosts[name]
            if request.entry:
                host.observed(request.entry)
            batch = await subjects.tensor(host, request.image, batch=True)
            observation = await host.observe(batch)
            return facts_pb2.TranslateImagesResponse(
                request_id=request.request_id,
                facts=[
                    answers.facts(
                        host,
                        subjects.entered(
                            host,
                            subjects.seen(host, observation, index, self._settings.predictions),
                            request.entry,
                        ),
                        named=not request.omit_propositions,
                    )
                    for index in range(len(batch))
                ],
            )
        except Exception as error:
            status = status_of(error)
            return facts_pb2.TranslateImagesResponse(
                request_id=request.request_id,
                error=facts_pb2.StreamError(
                    code=status.code,
                    reason=getattr(error, "reason", "INTERNAL"),
                    message=status.message,
                ),
            )
