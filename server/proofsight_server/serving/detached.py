"""Work in a process of its own, which can be ended at any moment.

Extraction traces networks, for which torch patches its modules for the whole process, and takes
all the memory and time it needs: none of that may happen beside the calls of a server.
"""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import status_pb2

from proofsight_server.errors import WorkerLost
from proofsight_server.extraction.progress import Watch
from proofsight_server.serving.status import status_of

LOOK_SECONDS = 0.1  # between two looks at whether the work is still wanted
STOP_SECONDS = 2.0  # from asking the process to end to ending it


class RefusedError(Exception):
    """What the work raised, as it goes over the wire."""

    def __init__(self, status: status_pb2.Status) -> None:
        super().__init__(status.message)
        self.status = status


def detached(work: Callable[..., Message], arguments: tuple[Any, ...], watch: Watch) -> any_pb2.Any:
    """Run work in a new process and wait for what it gives.

    Parameters
    ----------
    work
        A function of a module; called with `arguments` and, last, a `Watch` that reports here.
    arguments
        Plain values.
    watch
        Gets the reports; where it says so, the process is ended.

    Raises
    ------
    RefusedError
        The work raised an error.
    Cancelled
        It is no longer wanted.
    WorkerLost
        The process ended without an answer.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(theirs, work, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        return _result(ours, process, watch)
    finally:
        ours.close()
        process.terminate()
        process.join(STOP_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()


def _result(
    ours: Connection, process: multiprocessing.process.BaseProcess, watch: Watch
) -> any_pb2.Any:
    while True:
        watch.check()
        if not ours.poll(LOOK_SECONDS):
            continue
        try:
            kind, *rest = ours.recv()
        except EOFError as error:
            process.join(STOP_SECONDS)
            raise WorkerLost(
                f"the process of the work ended with {process.exitcode} and without an answer; it "
                "may have run out of memory: ask for less, or for fewer images",
                status=process.exitcode,
            ) from error
        if kind == "progress":
            watch(*rest)
        elif kind == "refused":
            raise RefusedError(status_pb2.Status.FromString(rest[0]))
        else:
            return any_pb2.Any.FromString(rest[0])


def _run(theirs: Connection, work: Callable[..., Message], arguments: tuple[Any, ...]) -> None:
    """The process: does the work, tells how far it is, and answers once."""

    def progress(phase: str, done: int, total: int) -> None:
        theirs.send(("progress", phase, done, total))

    with contextlib.suppress(BrokenPipeError):  # the server is gone, and nobody asks any more
        try:
            response = any_pb2.Any()
            response.Pack(work(*arguments, Watch(progress)))
            answer = ("response", response.SerializeToString())
        except BrokenPipeError:
            raise
        except Exception as error:
            answer = ("refused", status_of(error).SerializeToString())
        theirs.send(answer)
