"""Whether an address can be listened on, and if not, why."""

from __future__ import annotations

import os
import socket

from proofsight_server.errors import BadOption


def require_free(host: str, port: int) -> None:
    """Accept an address that a server can listen on.

    gRPC itself tells no reason, and writes lines of its own about it to standard error: so we try
    first.  Who takes the port between that and gRPC's turn is met there.

    Parameters
    ----------
    host
        A name or an address, IPv6 with or without brackets.
    port
        0 for any that is free.

    Raises
    ------
    BadOption
        No address of the host can be bound; the message has the system's reason.
    """
    name = host.removeprefix("[").removesuffix("]")
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise BadOption(
            f"cannot listen on {host}: {error.strerror}; give --host an address of this machine",
            name="host",
            value=host,
        ) from error
    reason = 0
    for family, kind, protocol, _, address in found:
        try:
            with socket.socket(family, kind, protocol) as taken:
                # as gRPC binds, and not refused for what is left of a server that has just ended
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                taken.bind(address)
                return
        except OSError as error:
            reason = error.errno or 0
    raise cannot_listen(host, port, os.strerror(reason))


def address_of(host: str, port: int) -> str:
    """`host:port` as gRPC takes it and a client writes it: IPv6 in brackets."""
    bare = host.removeprefix("[").removesuffix("]")
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"


def cannot_listen(host: str, port: int, reason: str) -> BadOption:
    """The error of an address that cannot be listened on."""
    return BadOption(
        f"cannot listen on {address_of(host, port)}: {reason[:1].lower()}{reason[1:]}; choose "
        "another --port (0 takes a free one), or another --host",
        name="port",
        value=port,
    )
