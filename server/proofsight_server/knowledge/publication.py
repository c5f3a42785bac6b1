"""A directory that appears whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LEFTOVER = ".new-"  # no name of a knowledge base or revision begins with a dot
# Writing and checking a revision takes seconds to a few minutes; what has not changed for
# an hour belongs to a process that was killed.
ABANDONED_SECONDS = 3600.0


@contextmanager
def prepared(parent: Path) -> Iterator[Path]:
    """A new directory beside the place where it will stand; removed unless it was moved away.

    Directories above it that had to be made are removed too, if they are left empty.
    """
    made = _make(parent)
    fresh = parent / f"{LEFTOVER}{os.getpid()}-{secrets.token_hex(8)}"
    try:
        sweep(parent)
        fresh.mkdir(parents=True)  # its parent goes where another publisher gave up
        yield fresh
    except OSError as error:
        if error.errno == errno.ENOSPC and error.filename is None:  # as writing tells it
            raise OSError(error.errno, error.strerror, str(parent)) from error
        raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        for directory in made:
            with suppress(OSError):
                directory.rmdir()


def _make(directory: Path) -> list[Path]:
    """Make a directory and what is missing above it; answer what was made, deepest first."""
    missing = []
    place = directory
    while not place.exists():
        missing.append(place)
        place = place.parent
    directory.mkdir(parents=True, exist_ok=True)
    return missing


def sweep(parent: Path, now: float | None = None) -> None:
    """Remove what killed processes left behind, once nothing in it has changed for an hour."""
    limit = (time.time() if now is None else now) - ABANDONED_SECONDS
    for leftover in parent.glob(f"{LEFTOVER}*"):
        with suppress(OSError):  # another process sweeps too
            if max(p.stat().st_mtime for p in (leftover, *leftover.rglob("*"))) < limit:
                if leftover.is_dir():
                    shutil.rmtree(leftover, ignore_errors=True)
                else:
                    leftover.unlink()


def linked(source: Path, target: Path) -> None:
    """Have a published file, which nobody rewrites, under another name; copied where need be."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def persist(directory: Path) -> None:
    """Have the disk hold every file of a directory, and the directory itself."""
    for path in sorted(directory.rglob("*")):
        sync(path)
    sync(directory)


def sync(path: Path) -> None:
    """Have the disk hold a file, or the entries of a directory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def place(fresh: Path, parent: Path, next_name: Callable[[], str]) -> Path:
    """Move a prepared directory to the first name that is still free, and answer its path.

    `next_name` looks at the parent and proposes; where another process was faster it is
    asked again.  Renaming is atomic, and never replaces a directory that has files in it.
    """
    while True:
        target = parent / next_name()
        try:
            fresh.rename(target)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
            continue
        sync(parent)
        return target
