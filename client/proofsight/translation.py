"""A stream of images out, a stream of facts back, many under way at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import grpc

from proofsight import parsing
from proofsight.address import Address
from proofsight.calls.translation import FACTS
from proofsight.errors import BadImage, InvalidArgument, ProofsightError, Unavailable
from proofsight.facts import Facts
from proofsight.failure import from_call, from_element
from proofsight.image import ImageLike, image_message
from proofsight.knowledge import Revision
from proofsight.names import resource
from proofsight.v1 import facts_pb2

METHOD: Final = f"{FACTS}/TranslateImages"
IN_FLIGHT: Final = 32  # keeps a server's batches full, and holds few images in memory


class Sent:
    """An element is on its way; its answer comes in its turn."""


SENT: Final = Sent()
Slot = Sent | ProofsightError


def element(image: ImageLike, kb: str, entry: str = "") -> bytes | ProofsightError:
    """The request for one element, or why there is none."""
    try:
        # Propositions are left out of the answers: `Namer` asks for their names once.
        return facts_pb2.TranslateImagesRequest(
            name=kb,
            image=image_message(image, batch=True),
            omit_propositions=True,
            entry=entry,
        ).SerializeToString()
    except ProofsightError as error:
        return error
    except OSError as error:
        return unreadable(error)


def unreadable(error: OSError) -> BadImage:
    """The error for a file that cannot be read."""
    return BadImage(
        f"cannot read {error.filename}: {error.strerror}",
        "INVALID_ARGUMENT",
        "UNREADABLE",
        {"path": str(error.filename)},
    )


def read_element(data: bytes) -> list[Facts] | ProofsightError:
    """The facts of an element's images, or why there are none."""
    answer = facts_pb2.TranslateImagesResponse.FromString(data)
    if answer.HasField("error"):
        return from_element(answer.error.code, answer.error.reason, answer.error.message)
    return [parsing.facts(facts) for facts in answer.facts]


def failed(error: grpc.RpcError, address: Address, timeout: float | None) -> ProofsightError:
    """The error for a stream that ended with one."""
    failure = from_call(error, address, timeout)
    return cut_off(str(address)) if failure.reason == "BROKEN" else failure


def cut_off(server: str) -> Unavailable:
    """The error for a stream that ended before its answers did."""
    return Unavailable(
        f"{server} ended the stream before all images were answered; send the rest again",
        "UNAVAILABLE",
        "BROKEN",
        {"server": server},
    )


def checked(kb: str, in_flight: int) -> str:
    """The resource name of `kb`. Raises InvalidArgument, also for `in_flight` below 1."""
    if in_flight < 1:
        raise InvalidArgument(
            f"in_flight must be at least 1, not {in_flight}",
            "INVALID_ARGUMENT",
            "BAD_OPTION",
            {"field": "in_flight", "value": str(in_flight)},
        )
    return resource(kb)


class Namer:
    """Gives facts the names of their propositions, asking for those of a revision once."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], tuple[str, ...]] = {}
        self._asked = ("", "")

    def asks(self, facts: Facts) -> str:
        """The revision whose propositions are needed for `facts`; empty where they are known."""
        self._asked = (facts.revision, facts.quantiser_etag)
        return "" if facts.propositions or self._asked in self._names else facts.revision

    def learn(self, revision: Revision) -> None:
        """Keep the names of a revision; of one that was edited meanwhile, none."""
        same = revision.quantiser_etag == self._asked[1]
        self._names[self._asked] = revision.observable if same else ()

    def named(self, facts: Facts) -> Facts:
        """`facts` with names."""
        names = self._names.get((facts.revision, facts.quantiser_etag), ())
        if facts.propositions or len(names) != len(facts):
            return facts
        return replace(facts, propositions=names)


class Outbox:
    """The requests of a stream, taken by gRPC's thread, and the slots for their answers.

    Never more than `in_flight` elements are under way: the thread that takes requests waits
    until the one that reads answers has done its part.
    """

    def __init__(
        self, images: Iterable[ImageLike], kb: str, in_flight: int, entry: str = ""
    ) -> None:
        self._kb, self._entry = checked(kb, in_flight), entry
        self._images = iter(images)
        self._permits = threading.Semaphore(in_flight)
        self._slots: queue.SimpleQueue[Slot | BaseException | None] = queue.SimpleQueue()
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self._permits.acquire()
            if self._closed:
                return
            try:
                image = next(self._images)
            except StopIteration:
                self._slots.put(None)
                return
            except BaseException as error:  # the caller's own; raised again in its thread
                self._slots.put(error)
                return
            request = element(image, self._kb, self._entry)
            if isinstance(request, bytes):
                self._slots.put(SENT)
                yield request
            else:
                self._slots.put(request)

    def slots(self) -> Iterator[Slot]:
        """One per element, in order: SENT, or why it was not sent."""
        while True:
            slot = self._slots.get()
            if slot is None:
                return
            if not isinstance(slot, Sent | ProofsightError):
                raise slot
            yield slot
            self._permits.release()

    def finish(self) -> None:
        """The call has ended: whoever waits for a slot must look at how."""
        self._slots.put(SENT)

    def close(self) -> None:
        """Take no more images."""
        self._closed = True
        self._permits.release()
