"""Annexes: files that join a published revision later, each whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path, PurePosixPath

from proofsight_server.errors import BadOption, BadRevision
from proofsight_server.knowledge.publication import LEFTOVER, sync
from proofsight_server.knowledge.revision import Revision

ROOMS = ("gallery", "circuits", "interactions", "curves")
_DIGEST_LENGTH = 12
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)


def named_by_content(path: str, data: bytes) -> str:
    """A relative path with a digest of the content before its suffix: `gallery/page-3f9a….html`."""
    place = PurePosixPath(path)
    digest = hashlib.sha256(data).hexdigest()[:_DIGEST_LENGTH]
    return str(place.with_name(f"{place.stem}-{digest}{place.suffix}"))


def add_annex(revision: Revision | Path, path: str, data: bytes) -> Path:
    """Put a file beside the program of a published revision, and answer where it is.

    It appears whole or not at all, also where the process is killed, and never takes the place
    of another; the same content twice is one file.  Annexes are outside of the program's etag and
    the manifest's hashes.

    Parameters
    ----------
    revision
        The revision, or its directory.
    path
        Relative path, whose first part is `gallery`, `circuits`, `interactions` or `curves`.
    data
        The file's content.

    Raises
    ------
    BadOption
        The path leads elsewhere.
    BadRevision
        There is a file of that name with other content, or no such revision.
    """
    directory = revision if isinstance(revision, Path) else revision.directory
    target = directory / _checked(path)
    if not directory.is_dir():
        raise BadRevision(f"there is no revision at {directory} to add {path} to")
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        return _same(target, data)
    fresh = target.parent / f"{LEFTOVER}{os.getpid()}-{secrets.token_hex(8)}"
    try:
        fresh.write_bytes(data)
        sync(fresh)
        try:
            # Unlike renaming, linking never replaces what another process put there meanwhile.
            target.hardlink_to(fresh)
        except FileExistsError:
            return _same(target, data)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            fresh.rename(target)
    finally:
        with suppress(FileNotFoundError):
            fresh.unlink()
    sync(target.parent)
    return target


def _checked(path: str) -> PurePosixPath:
    place = PurePosixPath(path)
    if (
        len(place.parts) < 2
        or place.parts[0] not in ROOMS
        or any(part.startswith(".") for part in place.parts)
    ):
        raise BadOption(
            f"{path!r} is no place for an annex; use a relative path below {', '.join(ROOMS)}",
            path=path,
        )
    return place


def _same(target: Path, data: bytes) -> Path:
    if not target.is_file() or target.read_bytes() != data:
        raise BadRevision(
            f"{target} is there with other content, and published files are never rewritten; "
            "name the file by its content",
            path=target,
        )
    return target
