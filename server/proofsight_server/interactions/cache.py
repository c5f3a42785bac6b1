"""Logits of masked images on disk, by what they were computed from."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import numpy as np
import torch

from proofsight_server.errors import BadOption
from proofsight_server.interactions.masked import MaskedImage
from proofsight_server.symbols.feature import Floats
from proofsight_server.vision.network import Network

_VERSION = b"proofsight-scores/1"
MOST_BYTES: Final = 2**30  # 6,000 images of 12 regions and ten classes
_ABANDONED: Final = 24 * 3600.0  # seconds after which nobody is still writing a file


@dataclass(frozen=True, slots=True)
class LogitCache:
    """A directory of tables, each named by a digest; it may be removed at any time.

    A table of which only the first masks were computed is kept too, so that interrupted work goes
    on from there.  Files appear whole or not at all.  Beyond `most_bytes` those that were not used
    for longest are removed.
    """

    directory: Path
    most_bytes: int = MOST_BYTES

    def check(self) -> None:
        """Make the directory. Raises BadOption where it cannot be written to."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            writable = os.access(self.directory, os.W_OK | os.X_OK)
        except OSError:
            writable = False
        if not writable:
            raise BadOption(
                f"scores cannot be kept in {self.directory}: name a directory that we may write to",
                directory=str(self.directory),
            )

    def read(self, key: str) -> Floats | None:
        """(masks done, classes) float32, or None where there is nothing, or it is damaged."""
        path = self._path(key)
        try:
            with np.load(path, allow_pickle=False) as file:
                logits: Floats = file["logits"]
            os.utime(path)  # it was used
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error):
            return None
        return logits if logits.ndim == 2 and logits.dtype == np.float32 else None

    def write(self, key: str, logits: Floats) -> None:
        """Keep the logits of the first masks."""
        self.directory.mkdir(parents=True, exist_ok=True)
        fresh = self.directory / f".{os.getpid()}-{secrets.token_hex(6)}.npz"
        try:
            np.savez(fresh, logits=logits)
            fresh.replace(self._path(key))
        finally:
            with suppress(FileNotFoundError):
                fresh.unlink()
        self._prune()

    def _prune(self) -> None:
        """Remove what is too much, and what others began to write and never ended."""
        now, total = time.time(), 0
        for used, size, path in sorted(self._files(), reverse=True):
            unfinished = path.name.startswith(".")
            total += size
            if now - used > _ABANDONED if unfinished else total > self.most_bytes:
                with suppress(OSError):  # another has removed it
                    path.unlink()

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """When each was used, its bytes, and where it is; our own files only."""
        for path in self.directory.glob("*.npz"):
            with suppress(OSError):
                told = path.stat()
                yield told.st_mtime, told.st_size, path

    def _path(self, key: str) -> Path:
        return self.directory / f"{key}.npz"


def default_cache(environment: Mapping[str, str]) -> Path:
    """`proofsight/scores` in the user's cache directory."""
    root = environment.get("XDG_CACHE_HOME")
    base = Path(root) if root else Path.home() / ".cache"
    return base / "proofsight" / "scores"


def digest_network(network: Network) -> str:
    """sha256 of a network's weights and of how it is built and fed."""
    digest = hashlib.sha256(_VERSION)
    told = (network.model, sorted(network.model_options.items()), network.preprocessing.to_json())
    digest.update(repr(told).encode())
    for name, tensor in network.module.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(data.numpy().tobytes())
    return digest.hexdigest()


def digest_table(network: str, image: MaskedImage, path: str) -> str:
    """The key of a table: of its network, image, regions and baseline, and how it is computed."""
    digest = hashlib.sha256(network.encode())
    for array in (image.pixels, image.fill, image.regions.labels):
        digest.update(f"{array.dtype} {array.shape};".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(f"float32 {path}".encode())
    return digest.hexdigest()
