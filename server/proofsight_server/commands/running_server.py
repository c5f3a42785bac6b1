"""The real server in a process of its own, for as long as a block lasts."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proofsight_server.errors import NotReady

START_SECONDS = 60.0  # importing torch and loading a small revision takes five to ten
STOP_SECONDS = 15.0  # longer than the grace that the server gives to calls under way
_READY = re.compile(r"proofsight: serving .* on (\S+:\d+)")


@contextmanager
def running_server(repository: Path, log: Path) -> Iterator[str]:
    """The address of a server of `repository` on a free loopback port; it ends with the block.

    Parameters
    ----------
    log
        The file that gets what the server says.

    Raises
    ------
    NotReady
        It ends, or does not answer in a minute; the message has its last words.
    """
    command = [sys.executable, "-m", "proofsight", "serve", str(repository), "--port", "0"]
    with log.open("wb") as stream:
        # A session of its own: Ctrl-C reaches us alone, and we stop the server.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True
        )
    try:
        yield _address(process, log)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    limit = time.monotonic() + START_SECONDS
    while time.monotonic() < limit:
        said = log.read_text(encoding="utf-8", errors="replace")
        ready = _READY.search(said)
        if ready:
            return ready[1]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    said = log.read_text(encoding="utf-8", errors="replace")
    last = (said.strip().splitlines() or ["nothing"])[-1]
    raise NotReady(f"the server did not start; it said: {last} (all of it is in {log})", log=log)
