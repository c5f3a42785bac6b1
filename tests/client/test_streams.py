"""Many images, many facts, one stream."""

from __future__ import annotations

import asyncio
import threading
from array import array
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proofsight import AsyncClient, Client, Facts, ProofsightError
from proofsight.errors import BadImage, NoServer, Unavailable

Ask = Callable[..., Any]
NAMES = ("conv3_c12", "conv3_c40")


def numbers(count: int) -> list[bytes]:
    return [str(n).encode() for n in range(count)]


def test_answers_come_in_the_order_of_the_images(ask: Ask) -> None:
    answers = ask("facts_stream", numbers(100), "digits")
    assert [facts.values[0] for facts in answers] == list(range(100))


def test_names_are_asked_for_once_and_left_out_of_the_stream(ask: Ask, server: Any) -> None:
    answers = ask("facts_stream", numbers(20), "digits")
    assert {facts.propositions for facts in answers} == {NAMES}
    streamed = [r for r in server.requests if hasattr(r, "omit_propositions")]
    assert len(streamed) == 20
    assert all(request.omit_propositions for request in streamed)
    assert len(server.requests) == 21


def test_names_of_a_revision_that_was_edited_meanwhile_are_not_guessed(
    ask: Ask, server: Any
) -> None:
    edited = server.revision()
    edited.quantiser_etag = "q2"
    server.revision = lambda: edited
    answers = ask("facts_stream", numbers(3), "digits")
    assert {facts.propositions for facts in answers} == {()}


def test_a_refused_image_is_answered_in_its_place(ask: Ask) -> None:
    answers = ask("facts_stream", [b"0", b"bad", b"2"], "digits", return_errors=True)
    assert [type(answer) for answer in answers] == [Facts, BadImage, Facts]
    assert str(answers[1]) == "no image at all"


def test_a_refused_image_ends_the_stream_unless_errors_are_wanted(ask: Ask) -> None:
    with pytest.raises(BadImage, match="no image at all"):
        ask("facts_stream", [b"0", b"bad", b"2"], "digits")


def test_a_file_that_cannot_be_read_is_answered_in_its_place(ask: Ask, tmp_path: Path) -> None:
    there = tmp_path / "one"
    there.write_bytes(b"1")
    paths = [there, tmp_path / "missing", there]
    answers = ask("facts_stream", paths, "digits", return_errors=True)
    assert [type(answer) for answer in answers] == [Facts, BadImage, Facts]
    assert "missing: No such file or directory" in str(answers[1])


def test_a_batch_is_answered_by_as_many_facts(ask: Ask) -> None:
    batch = np.zeros((3, 1, 8, 8), np.float32)
    answers = ask("facts_stream", [batch, b"7", batch], "digits")
    assert [facts.values[0] for facts in answers] == [0, 1, 2, 7, 0, 1, 2]


def test_no_images_give_no_facts(ask: Ask) -> None:
    assert ask("facts_stream", [], "digits") == []


def test_a_server_that_ends_early_is_told_of(ask: Ask) -> None:
    with pytest.raises(Unavailable, match="before all images were answered"):
        ask("facts_stream", [b"0", b"end", b"2"], "digits")


def test_a_server_that_is_not_there_is_told_of(ask: Ask, server: Any) -> None:
    server.port = 1
    with pytest.raises(NoServer):
        ask("facts_stream", numbers(3), "digits")


def test_a_fault_in_the_callers_images_is_the_callers(ask: Ask) -> None:
    def images() -> Iterator[bytes]:
        yield b"0"
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        ask("facts_stream", images(), "digits")


@pytest.mark.parametrize("in_flight", [0, -1])
def test_one_image_at_least_is_under_way(ask: Ask, in_flight: int) -> None:
    with pytest.raises(ValueError, match="in_flight must be at least 1"):
        ask("facts_stream", [b"0"], "digits", in_flight=in_flight)
    assert len(ask("facts_stream", [b"0"], "digits", in_flight=1)) == 1


def test_no_more_images_are_taken_than_may_be_under_way(server: Any) -> None:
    taken = 0

    def images() -> Iterator[bytes]:
        nonlocal taken
        for image in numbers(1000):
            taken += 1
            yield image

    with Client(server.address) as client:
        stream = client.facts_stream(images(), "digits", in_flight=4)
        for done in range(1, 20):
            next(stream)
            assert taken <= done + 4
        stream.close()


def test_images_are_taken_while_answers_are_awaited(server: Any) -> None:
    server.block = threading.Event()
    third = threading.Event()

    def images() -> Iterator[bytes]:
        yield b"0"
        yield b"1"
        third.set()
        yield b"2"

    with Client(server.address) as client:
        stream = client.facts_stream(images(), "digits", in_flight=8)
        reader = threading.Thread(target=lambda: list(stream), daemon=True)
        reader.start()
        assert third.wait(5)
        server.block.set()
        reader.join(5)
        assert not reader.is_alive()


def test_asynchronous_images_are_taken_too(server: Any) -> None:
    async def images() -> AsyncIterator[bytes]:
        for image in numbers(5):
            await asyncio.sleep(0)
            yield image

    async def read() -> list[Facts]:
        async with AsyncClient(server.address) as client:
            return [facts async for facts in client.facts_stream(images(), "digits", in_flight=2)]

    assert [facts.values[0] for facts in asyncio.run(read())] == [0, 1, 2, 3, 4]


def test_a_stream_that_is_left_stops_taking_images(server: Any) -> None:
    async def read() -> None:
        async with AsyncClient(server.address) as client:
            stream = client.facts_stream(numbers(10_000), "digits", in_flight=2)
            async for facts in stream:
                assert isinstance(facts, Facts)
                break
            await stream.aclose()

    asyncio.run(read())
    assert len(server.requests) < 100


def test_errors_of_a_stream_are_the_errors_of_a_call(ask: Ask) -> None:
    (answer,) = ask("facts_stream", [array("d", [1.0])], "digits", return_errors=True)
    assert isinstance(answer, ProofsightError)
    assert answer.reason == "BAD_TENSOR"
