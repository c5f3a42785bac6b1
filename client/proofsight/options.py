"""What both clients are set to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from proofsight.address import Address
from proofsight.errors import InvalidArgument

Token = str | Callable[[], str] | None


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """Where the server is, who asks, and how long a call may take (seconds; None: no limit)."""

    address: Address
    token: Token
    timeout: float | None

    def __post_init__(self) -> None:
        if self.timeout is not None and not self.timeout > 0:
            raise InvalidArgument(
                f"a timeout is a number of seconds above 0, or None; not {self.timeout!r}",
                "INVALID_ARGUMENT",
                "BAD_OPTION",
                {"field": "timeout", "value": str(self.timeout)},
            )

    @property
    def channel(self) -> list[tuple[str, int]]:
        """The options of the gRPC channel."""
        # The server sets the limits on sizes; what it sends, we take.
        options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        if self.address.is_loopback:
            options.append(("grpc.enable_http_proxy", 0))  # a proxy's loopback is not ours
        return options

    def metadata(self) -> tuple[tuple[str, str], ...] | None:
        """The metadata of every call."""
        if self.token is None:
            return None
        token = self.token if isinstance(self.token, str) else self.token()
        return (("authorization", f"Bearer {token}"),)
