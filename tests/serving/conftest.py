"""A repository with a quickly trained network, and a real server of it in a thread."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from PIL import Image

from proofsight.v1 import facts_pb2, facts_pb2_grpc, image_pb2
from proofsight_server.extraction.extract import Source, extract
from proofsight_server.extraction.options import ExtractOptions
from proofsight_server.knowledge.repository import Repository
from proofsight_server.serving.configuration import Configuration
from proofsight_server.serving.server import Server
from proofsight_server.vision.dataset import open_dataset
from proofsight_server.vision.network import save_weights
from proofsight_server.vision.training import TrainOptions, train

KB = "knowledgeBases/digits"


class ServerThread:
    """A server on a free port, with an event loop of its own."""

    def __init__(self, repository: Path, settings: Configuration) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

        async def make() -> Server:
            server = Server(Repository(repository), settings)
            await server.start()
            return server

        self.server = asyncio.run_coroutine_threadsafe(make(), self._loop).result(60)
        self.address = self.server.address

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.stop(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


@pytest.fixture(scope="session")
def source() -> Source:
    """A network that was trained on the digits for a moment."""
    dataset = open_dataset("digits")
    network, report = train(dataset, "small-cnn", TrainOptions(epochs=4))
    return Source(dataset, network, report.to_json())


@pytest.fixture(scope="session")
def repository(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One knowledge base, `digits`, with one revision; its network is in `w.safetensors` beside."""
    root = tmp_path_factory.mktemp("serving")
    directory = root / "repository"
    save_weights(root / "w.safetensors", source.network, training=source.training)
    extract(ExtractOptions(), source, Repository(directory), "digits")
    return directory


@pytest.fixture(scope="session")
def served(repository: Path) -> Iterator[ServerThread]:
    settings = Configuration(port=0, workers=2, refresh=0, image_pixels=1_000_000)
    thread = ServerThread(repository, settings)
    yield thread
    thread.stop()


@pytest.fixture(scope="session")
def channel(served: ServerThread) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(served.address) as channel:
        yield channel


@pytest.fixture(scope="session")
def png() -> bytes:
    """A held-out digit."""
    file = io.BytesIO()
    Image.fromarray(open_dataset("digits").test.images[0][..., 0]).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="session")
def facts(channel: grpc.Channel, png: bytes) -> facts_pb2.ImageFacts:
    request = facts_pb2.TranslateImageRequest(name=KB, image=image_pb2.Image(encoded=png))
    response: facts_pb2.TranslateImageResponse = facts_pb2_grpc.FactsStub(channel).TranslateImage(
        request
    )
    return response.facts
