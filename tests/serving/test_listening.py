"""Addresses as they are listened on and told."""

from __future__ import annotations

import pytest

from proofsight.address import Address
from proofsight_server.serving.listening import address_of


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("127.0.0.1", "127.0.0.1:7"),
        ("localhost", "localhost:7"),
        ("::1", "[::1]:7"),
        ("[::1]", "[::1]:7"),
        ("fe80::1%eth0", "[fe80::1%eth0]:7"),
    ],
)
def test_an_address_is_told_as_a_client_takes_it(host: str, told: str) -> None:
    assert address_of(host, 7) == told
    address = Address.parse(told)
    assert str(address) == told
    flag = "" if told in ("127.0.0.1:7", "localhost:7") else f" --host {host.strip('[]')}"
    assert f"serve REPOSITORY{flag} --port 7`" in address.remedy
