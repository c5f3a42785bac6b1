"""Both clients, asking a fake server over a real channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.rpc import status_pb2

from proofsight import AsyncClient, Client
from tests.client.fake_server import FakeServer, serving, status


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with serving() as fake:
        yield fake


Ask = Callable[..., Any]


@pytest.fixture(params=["Client", "AsyncClient"])
def ask(request: pytest.FixtureRequest, server: FakeServer) -> Ask:
    """Makes one call, by either client; what is iterated over comes as a list."""

    def wait(name: str, *args: Any, client: dict[str, Any], **options: Any) -> Any:
        with Client(server.address, **client) as made:
            answer = getattr(made, name)(*args, **options)
            return list(answer) if name in ("query", "facts_stream") else answer

    async def await_(name: str, *args: Any, client: dict[str, Any], **options: Any) -> Any:
        async with AsyncClient(server.address, **client) as made:
            answer = getattr(made, name)(*args, **options)
            if name in ("query", "facts_stream"):
                return [item async for item in answer]
            return await answer

    def call(name: str, *args: Any, client: dict[str, Any] | None = None, **options: Any) -> Any:
        if request.param == "Client":
            return wait(name, *args, client=client or {}, **options)
        return asyncio.run(await_(name, *args, client=client or {}, **options))

    return call


@pytest.fixture
def make_status() -> Callable[..., status_pb2.Status]:
    """A status as the server sends it: code, reason, message, further details, metadata."""
    return status
