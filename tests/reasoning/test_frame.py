"""Frames."""

from __future__ import annotations

import json
import socket
import struct
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsight_server.reasoning import frame

Frames = list[tuple[dict[str, Any], bytes]]

values = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
headers = st.dictionaries(st.text(), values | st.lists(values, max_size=3), max_size=4)
frames = st.lists(st.tuples(headers, st.binary(max_size=200)), max_size=5)


def decode_slowly(data: bytes) -> Frames:
    """The definition: two lengths, a header, a payload, and again."""
    decoded = []
    while data:
        head, body = struct.unpack("<II", data[:8])
        decoded.append((json.loads(data[8 : 8 + head]), data[8 + head : 8 + head + body]))
        data = data[8 + head + body :]
    return decoded


@given(frames, st.data())
def test_a_stream_cut_anywhere_decodes_to_the_frames_that_were_encoded(
    sent: Frames, draw: st.DataObject
) -> None:
    stream = b"".join(frame.encode(*one) for one in sent)
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    decoder = frame.Decoder()
    received: Frames = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        received += decoder.feed(stream[start:end])
    assert received == sent == decode_slowly(stream)


@given(frames)
def test_a_socket_gives_the_frames_one_by_one_and_then_the_end(sent: Frames) -> None:
    here, there = socket.socketpair()
    with here, there:
        stream = b"".join(frame.encode(*one) for one in sent)
        here.sendall(stream)
        here.shutdown(socket.SHUT_WR)
        reader = frame.Reader(there)
        for one in sent:
            assert reader.next() == one
        assert reader.next() is None


def test_a_frame_larger_than_any_buffer_comes_through_whole() -> None:
    here, there = socket.socketpair()
    payload = bytes(range(256)) * 20_000
    with here, there:
        sender = threading.Thread(target=here.sendall, args=(frame.encode({}, payload),))
        sender.start()
        assert frame.Reader(there).next() == ({}, payload)
        sender.join()


def test_a_channel_that_closes_within_a_frame_is_at_its_end() -> None:
    data = frame.encode({"op": "explain"}, b"1234")
    for length in range(len(data)):
        here, there = socket.socketpair()
        with here, there:
            here.sendall(data[:length])
            here.close()
            assert frame.Reader(there).next() is None


def test_a_length_out_of_range_is_refused_and_the_largest_is_not() -> None:
    largest = struct.pack("<II", 2, frame.MAX_BYTES - 2) + b"{}"
    assert list(frame.Decoder().feed(largest)) == []
    with pytest.raises(frame.BrokenFrame, match=f"the most is {frame.MAX_BYTES}"):
        list(frame.Decoder().feed(struct.pack("<II", 2, frame.MAX_BYTES - 1)))
    here, there = socket.socketpair()
    with here, there:
        here.sendall(struct.pack("<II", 2, frame.MAX_BYTES - 1))
        with pytest.raises(frame.BrokenFrame, match="the most is"):
            frame.Reader(there).next()


def test_a_payload_that_no_reader_would_accept_is_not_sent() -> None:
    with pytest.raises(frame.BrokenFrame, match="the most is"):
        frame.encode({}, bytes(frame.MAX_BYTES - 1))


@pytest.mark.parametrize("header", [b"", b"{", b"[]", b"3", b"\xff\xfe"])
def test_a_header_that_is_no_json_object_is_refused(header: bytes) -> None:
    with pytest.raises(frame.BrokenFrame, match="a header that is not"):
        list(frame.Decoder().feed(struct.pack("<II", len(header), 0) + header))


def test_an_empty_header_and_payload_are_a_frame() -> None:
    assert list(frame.Decoder().feed(frame.encode({}))) == [({}, b"")]
