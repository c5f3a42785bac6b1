"""The server's one configuration: defaults with their reasons, file, environment, flags."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from proofsight_server.errors import BadOption, UnknownName

PREFIX = "PROOFSIGHT_"
LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")


class UnknownSetting(UnknownName):
    """A setting that the configuration does not have."""

    noun = "setting"


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything an operator may set. Sizes in bytes, times in seconds."""

    host: str = "127.0.0.1"  # without TLS and tokens nothing but this machine should reach us
    port: int = 50051  # what gRPC's own examples use; 0 takes a free one
    insecure: bool = False  # says in so many words that plain text beyond loopback is meant
    workers: int = max(1, (os.cpu_count() or 1))  # Prolog processes; one per core keeps all busy
    message_bytes: int = 32 * 2**20  # a batch of 50 tensors at 3 x 224 x 224 float32
    image_bytes: int = 20 * 2**20  # larger than any photograph in daily use
    image_pixels: int = 50_000_000  # a 50 megapixel camera; beyond that lie the bombs
    batch_images: int = 128  # past this, larger batches no longer gain on CPUs
    batch_values: int = 1_250_000  # input numbers of one pass: 8 images of 3 x 224 x 224; at 32
    # of them SqueezeNet ran a quarter slower per image, since its maps fall out of the caches
    batch_delay: float = 0.0  # what waits while the network is busy is batched anyway
    queue_images: int = 1024  # some seconds of work; more would only time out
    stream_ahead: int = 8  # requests of one stream read ahead of the answers
    queue_goals: int = 1000  # about two seconds of explanations
    queue_operations: int = 8  # extractions that wait for the one at work; each takes minutes
    deadline: float = 30.0  # for calls that bring none
    grace: float = 10.0  # how long running work may go on after SIGTERM
    inferences: int = 1_000_000  # about 0.1 s of Prolog
    goal_seconds: float = 5.0  # the caller's remaining deadline bounds it further
    stack_bytes: int = 256 * 2**20  # deep enough for every proof, small enough for all workers
    worker_bytes: int = 2**30  # the fence around a worker whose goal outgrows its stack
    proof_nodes: int = 10_000  # a proof larger than that explains nothing
    solutions: int = 1_000  # a page that a person still scrolls
    predictions: int = 10  # classes of the network that an answer repeats
    refresh: float = 2.0  # how often the repository is looked at for new revisions; 0: never
    allow_models: tuple[str, ...] = ()  # factories that manifests may name
    score_cache: str = ""  # a directory for logits of masked images; empty: none are kept
    score_cache_bytes: int = 2**30  # 6,000 images of 12 regions and ten classes

    def __post_init__(self) -> None:
        for name in (
            "workers",
            "batch_images",
            "batch_values",
            "queue_images",
            "stream_ahead",
            "queue_goals",
            "queue_operations",
            "score_cache_bytes",
        ):
            if getattr(self, name) < 1:
                raise BadOption(f"{name} must be at least 1, not {getattr(self, name)}", name=name)
        for name in ("deadline", "goal_seconds", "inferences", "proof_nodes", "solutions"):
            if getattr(self, name) <= 0:
                raise BadOption(f"{name} must be above 0, not {getattr(self, name)}", name=name)
        if not 0 <= self.port <= 65535:
            raise BadOption(f"port must lie in 0..65535, not {self.port}", name="port")
        if self.host not in LOOPBACK and not self.insecure:
            raise BadOption(
                f"--host {self.host} would serve plain text without credentials beyond this "
                "machine; add --insecure if that is what you want, or use --host 127.0.0.1",
                name="host",
                value=self.host,
            )


@dataclass(frozen=True, slots=True)
class Sourced:
    """A configuration and where each of its settings comes from."""

    configuration: Configuration
    sources: Mapping[str, str]

    def lines(self) -> list[str]:
        """`name = value  (source)` for every setting."""
        return [
            f"{field.name} = {getattr(self.configuration, field.name)!r}"
            f"  ({self.sources[field.name]})"
            for field in fields(Configuration)
        ]


def configure(
    flags: Mapping[str, Any],
    *,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Sourced:
    """The configuration from defaults, `file` (TOML), environment, and flags; the last wins.

    Flags that are None do not count. Raises BadOption and UnknownSetting.
    """
    values: dict[str, Any] = {}
    sources = {field.name: "default" for field in fields(Configuration)}
    layers: list[tuple[str, Mapping[str, Any]]] = []
    if file is not None:
        layers.append((str(file), _read(file)))
    environment = os.environ if environment is None else environment
    known = {f"{PREFIX}{name.upper()}": name for name in sources}
    layers.append(
        ("environment", {known[key]: text for key, text in environment.items() if key in known})
    )
    layers.append(("flag", {key: value for key, value in flags.items() if value is not None}))
    for source, settings in layers:
        for name, value in settings.items():
            if name not in sources:
                raise UnknownSetting(name, sources)
            values[name] = _convert(name, value, source)
            sources[name] = source
    return Sourced(Configuration(**values), sources)


def _read(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadOption(f"cannot read --config {file}: {error.strerror}", name="config") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadOption(f"--config {file} is not TOML: {error}", name="config") from error


def _convert(name: str, value: Any, source: str) -> Any:
    """The value in the type of the setting's default; environment values are text."""
    default = Configuration.__dataclass_fields__[name].default
    try:
        if isinstance(default, bool):
            if isinstance(value, str):
                return {"1": True, "true": True, "0": False, "false": False}[value.lower()]
            return {True: True, False: False}[value]
        if isinstance(default, tuple):
            listed = value.split(",") if isinstance(value, str) else map(str, value)
            return tuple(filter(None, (one.strip() for one in listed)))
        if isinstance(default, int) and isinstance(value, float) and not value.is_integer():
            raise ValueError
        return {int: int, float: float, str: str}[type(default)](value)
    except (KeyError, TypeError, ValueError):
        raise BadOption(
            f"{name} from {source} must be of type {type(default).__name__}, not {value!r}",
            name=name,
            value=value,
        ) from None
