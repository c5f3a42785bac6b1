"""Starting a worker process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_PASSED_ON = (
    "PATH",
    "LD_LIBRARY_PATH",
    "LIBSWIPL_PATH",
    "SWI_HOME_DIR",
    "PYTHONDONTWRITEBYTECODE",
)


def spawn(descriptor: int) -> subprocess.Popen[bytes]:
    """Start a worker that talks through `descriptor`.

    It gets a short environment, since goals must not find secrets there, and no user's
    initialisation file of Prolog.
    """
    source = str(Path(__file__).parents[2])
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH")))),
        # An arena per thread would reserve address space that the memory fence counts.
        "MALLOC_ARENA_MAX": "1",
        "XDG_CONFIG_HOME": os.devnull,
        "XDG_CONFIG_DIRS": os.devnull,
        "XDG_DATA_HOME": os.devnull,
    }
    return subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-m",
            "proofsight_server.reasoning.worker",
            str(descriptor),
            str(os.getpid()),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=(descriptor,),
        env=environment,
        process_group=0,
        cwd="/",
    )
