"""One Prolog process: `python -m proofsight_server.reasoning.worker FD PARENT`.

It reads requests from the socket FD, one at a time, and answers each.  It keeps no
state between them, and ends when the socket or its parent does.  The first request loads
a revision and puts up the memory fence; then come the questions:

    {"op": "load", "prolog", "directory", "stack_bytes", "memory_bytes"}
    {"op": "explain", "image", "predicted", "question", "limits"} + numbers
    {"op": "flip", "image", "predicted", "target", "limits"} + numbers
    {"op": "query", "image" or absent, "predicted", "goal", "limits"} + numbers
    {"op": "settle"}                  after an interrupt, before the next request

The numbers are the propositions' values, float32, then the probabilities of the predicted
classes, float64, and where the header names what was `measured` above the entry layer, the values
of that, float64.

Every request is answered by one frame without a "solution" key; its payload is the JSON
that Prolog wrote.  A query's solutions come before it, a frame each.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import socket
import sys
import time
from array import array
from typing import Any

from proofsight_server.reasoning import frame
from proofsight_server.reasoning.engine import Atom, Compound, Engine, Pairs, PrologError

_PR_SET_PDEATHSIG = 1
_C_STACK_BYTES = 96 << 20
_SLOW_SECONDS = 0.05
_LOOK_EVERY = 256


class Worker:
    """Answers the requests that come in on a socket."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._engine = Engine()
        self._engine.define("user", "proofsight_emit", self._emit)
        self._kb = Atom("")
        self._memory_bytes = 0
        self._fence = 0
        self._calls = 0

    def run(self) -> None:
        """Answer until the other end closes."""
        requests = frame.Reader(self._channel)
        while (request := requests.next()) is not None:
            header, payload = request
            started = time.monotonic()
            try:
                answer = self.answer(header, payload)
            except PrologError as error:
                answer = _error(str(error))
            slow = time.monotonic() - started > _SLOW_SECONDS
            head = {"retire": True} if self._outgrown(slow) else {}
            try:
                reply = frame.encode(head, answer)
            except frame.BrokenFrame as error:
                reply = frame.encode(head, _error(f"resource_error: {error}"))
            self._channel.sendall(reply)

    def answer(self, header: frame.Header, payload: bytes) -> bytes:
        """The JSON that answers one request.

        Raises
        ------
        PrologError
            Where Prolog threw.
        """
        match header["op"]:
            case "explain":
                return self._call("service_explain", header, payload, _term(header["question"]))
            case "flip":
                return self._call("service_flip", header, payload, _term(header["target"]))
            case "query":
                emit = Compound(":", (Atom("user"), Atom("proofsight_emit")))
                return self._call("service_query", header, payload, header["goal"], emit=emit)
            case "settle":
                self._engine.settle()
                return b"{}"
            case "load":
                return self._load(header)
        raise ValueError(f"no request is named {header['op']!r}")

    def _call(
        self, name: str, header: frame.Header, payload: bytes, question: Any, emit: Any = None
    ) -> bytes:
        limits = [Compound(limit, (value,)) for limit, value in header["limits"].items()]
        arguments = [self._kb, _facts(header, payload), question, limits]
        if emit is not None:
            arguments.append(emit)
        return self._engine.call("proofsight_service", name, *arguments, answers=1)[0]

    def _load(self, header: frame.Header) -> bytes:
        call = self._engine.call
        self._memory_bytes = header["memory_bytes"]
        self._raise_fence()
        # A program is read as a whole before it becomes clauses, which no later goal may: half the
        # fence, since Prolog copies a stack to let it grow.
        reading = max(header["stack_bytes"], header["memory_bytes"] // 2)
        call("system", "set_prolog_flag", Atom("stack_limit"), reading)
        library = Compound("file_search_path", (Atom("library"), Atom(header["prolog"])))
        call("user", "assertz", Compound(":", (Atom("user"), library)))
        service = Compound("/", (Atom("proofsight"), Atom("service")))
        call("user", "use_module", Compound("library", (service,)))
        self._engine.throw_on(signal.SIGUSR1)  # the parent's way to end a goal
        directory = Atom(header["directory"])
        kb, answer = call("proofsight_service", "service_load", directory, [], answers=2)
        self._kb = Atom(kb.decode())
        call("system", "garbage_collect")
        call("system", "trim_stacks")
        call("system", "set_prolog_flag", Atom("stack_limit"), header["stack_bytes"])
        self._raise_fence()
        return answer

    def _emit(self, solution: bytes) -> None:
        # An exception cannot pass through Prolog: it would be printed and forgotten.
        try:
            self._channel.sendall(frame.encode({"solution": True}, solution))
        except OSError:
            os._exit(0)
        except (MemoryError, frame.BrokenFrame):
            os._exit(frame.EXIT_MEMORY)

    def _raise_fence(self) -> None:
        """Allow `memory_bytes` of address space above what is in use now."""
        self._fence = _address_space() + self._memory_bytes
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        if hard != resource.RLIM_INFINITY:
            self._fence = min(self._fence, hard)
        resource.setrlimit(resource.RLIMIT_AS, (self._fence, hard))

    def _outgrown(self, slow: bool) -> bool:
        """Whether earlier requests left so much behind that the next ones have too little."""
        self._calls += 1
        if not slow and self._calls % _LOOK_EVERY:
            return False
        return self._fence - _address_space() < self._memory_bytes // 2


def _facts(header: frame.Header, payload: bytes) -> Atom | Compound:
    image = header.get("image")
    if image is None:
        return Atom("none")
    names, measured = header["predicted"], header.get("measured", [])
    end = len(payload) - 8 * (len(names) + len(measured))
    values = Compound("values", array("f", payload[:end]))
    numbers = array("d", payload[end:])
    predicted = Pairs(names, numbers[: len(names)])
    if not measured:
        return Compound("facts", (Atom(image), values, predicted))
    return Compound(
        "facts", (Atom(image), values, predicted, Pairs(measured, numbers[len(names) :]))
    )


def _term(parts: list[str]) -> Atom | Compound:
    kind, *text = parts
    return Compound(kind, tuple(text)) if text else Atom(kind)


def _error(thrown: str) -> bytes:
    """The answer for what the service let through: it catches all but the loss of memory."""
    if "resource_error" in thrown:
        reason = "MEMORY_LIMIT"
        message = "the goal outgrew Prolog's memory; ask a goal that holds less at a time"
    else:
        reason, message = "INTERNAL", f"Prolog could not answer: {thrown[:500]}"
    return json.dumps({"error": {"reason": reason, "message": message}}).encode()


def _address_space() -> int:
    """Bytes of address space in use; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as pages:  # noqa: PTH123 - pathlib costs start-up time
            return int(pages.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _deepen_stack() -> None:
    """Have room for the deepest goal that question.pl lets through: its reader is recursive.

    Prolog in this process does not watch the C stack: it would end with SIGSEGV at some 14,000
    brackets within each other.
    """
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    soft = _C_STACK_BYTES if hard == resource.RLIM_INFINITY else min(_C_STACK_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_STACK, (soft, hard))


def _bind_to_parent(parent: int) -> None:
    """Die with the parent, whatever the Prolog goal is doing then."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was faster
        os._exit(0)


def main(arguments: list[str]) -> None:
    """Serve the socket that the parent has handed down."""
    descriptor, parent = map(int, arguments)
    _bind_to_parent(parent)
    # A terminal's Ctrl-C and a service manager's SIGTERM reach every process of the
    # service; the parent decides when its workers go.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _deepen_stack()
    with socket.socket(fileno=descriptor) as channel:
        try:
            Worker(channel).run()
        except MemoryError:
            os._exit(frame.EXIT_MEMORY)
        except ConnectionError:
            pass  # the parent has closed while an answer was on its way
    os._exit(0)  # without Prolog's and pyswip's own clean-up, which may run goals


if __name__ == "__main__":
    main(sys.argv[1:])
