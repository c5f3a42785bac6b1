"""Where a server is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from proofsight.errors import InvalidArgument

DEFAULT_SERVER: Final = "127.0.0.1:50051"
_DEFAULT_HOSTS: Final = ("127.0.0.1", "localhost")  # where a server listens that is told nothing
_LOOPBACK: Final = re.compile(r"localhost|127(\.\d{1,3}){3}|\[::1\]")
_HOST_PORT: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%\w]+\]|[^\[\]:/\s]+):(?P<port>\d{1,5})")


@dataclass(frozen=True, slots=True)
class Address:
    """A server's host (IPv6 in brackets) and port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """The address in `HOST:PORT`. Raises InvalidArgument."""
        match = _HOST_PORT.fullmatch(text)
        if match is None or not 0 < int(match["port"]) < 65536:
            raise InvalidArgument(
                f"{text!r} is no server address; write HOST:PORT, such as {DEFAULT_SERVER}",
                "INVALID_ARGUMENT",
                "BAD_ADDRESS",
                {"address": text},
            )
        return cls(match["host"], int(match["port"]))

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine."""
        return _LOOPBACK.fullmatch(self.host) is not None

    @property
    def remedy(self) -> str:
        """What to do where nothing answers."""
        host = "" if self.host in _DEFAULT_HOSTS else f" --host {self.host.strip('[]')}"
        return (
            f"start one with `proofsight serve REPOSITORY{host} --port {self.port}`, "
            "or name another (--server HOST:PORT)"
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"
