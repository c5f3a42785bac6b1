"""A bare gRPC server that answers fixed bytes: `python -m benchmarks.echo BYTES`."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import grpc

METHOD = "/benchmarks.Echo/Echo"


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, answer: bytes) -> None:
        async def echo(request: bytes, context: object) -> bytes:
            return answer

        self._method: Any = grpc.unary_unary_rpc_method_handler(echo)

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        return self._method if details.method == METHOD else None


async def _serve(size: int) -> None:
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    server.add_generic_rpc_handlers((_Handler(bytes(size)),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
