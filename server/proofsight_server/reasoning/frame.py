"""Frames: what travels between a pool and its workers.

A frame is two unsigned 32-bit lengths (little-endian), then a JSON header, then a
payload of raw bytes: float32 feature values on the way in, the JSON that Prolog wrote
on the way out.  Neither end looks into a payload that is not for it.
"""

from __future__ import annotations

import json
import socket
import struct
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

Header = dict[str, Any]

MAX_BYTES = 1 << 28  # a longer frame is a garbled length, not an answer

EXIT_MEMORY = 77
"""A worker's exit status where Python, not Prolog, ran into the memory fence."""

_LENGTHS = struct.Struct("<II")
_READ_BYTES = 1 << 16

_to_json = json.JSONEncoder(separators=(",", ":")).encode


class BrokenFrame(ValueError):
    """Bytes that are not a frame: the two ends have lost step, and the channel is useless."""


def encode(header: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """A frame's bytes.

    Raises
    ------
    BrokenFrame
        Where the frame would be longer than `MAX_BYTES`, which no reader accepts.
    """
    head = _to_json(header).encode()
    if len(head) + len(payload) > MAX_BYTES:
        raise BrokenFrame(f"a frame of {len(head) + len(payload)} bytes; the most is {MAX_BYTES}")
    return b"".join((_LENGTHS.pack(len(head), len(payload)), head, payload))


class Decoder:
    """Cuts a stream of bytes, in pieces of any size, into frames."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes | bytearray | memoryview) -> Iterator[tuple[Header, bytes]]:
        """The frames that `data` completes, in order; the rest waits for more.

        Raises
        ------
        BrokenFrame
            On a length out of range or a header that is not a JSON object.
        """
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while len(buffer) - start >= _LENGTHS.size:
                head, body = _LENGTHS.unpack_from(buffer, start)
                if head + body > MAX_BYTES:
                    raise BrokenFrame(f"a frame of {head + body} bytes; the most is {MAX_BYTES}")
                middle = start + _LENGTHS.size + head
                end = middle + body
                if len(buffer) < end:
                    break
                header = _header(bytes(buffer[start + _LENGTHS.size : middle]))
                payload = bytes(buffer[middle:end])
                start = end
                yield header, payload
        finally:
            if start:
                del buffer[:start]


class Reader:
    """Reads frames from a blocking socket."""

    __slots__ = ("_channel", "_decoder", "_frames")

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._decoder = Decoder()
        self._frames: deque[tuple[Header, bytes]] = deque()

    def next(self) -> tuple[Header, bytes] | None:
        """The next frame; None where the other end has closed.

        Raises
        ------
        BrokenFrame
            As for `Decoder.feed`.
        """
        while not self._frames:
            data = self._channel.recv(_READ_BYTES)
            if not data:
                return None
            self._frames.extend(self._decoder.feed(data))
        return self._frames.popleft()


def _header(text: bytes) -> Header:
    if text == b"{}":  # as most answers have it
        return {}
    try:
        header = json.loads(text)
    except ValueError as error:
        raise BrokenFrame(f"a header that is not JSON: {text[:80]!r}") from error
    if not isinstance(header, dict):
        raise BrokenFrame(f"a header that is not a JSON object: {text[:80]!r}")
    return header
