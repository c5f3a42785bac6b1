"""Weights on disk: safetensors with metadata, or plain state dicts; never other pickles."""

from __future__ import annotations

import json
import logging
import os
import pickle
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from proofsight_server.errors import BadWeights

# Tensors that belong to the file and not to the network, such as elite weights.
ANNEX = "proofsight."

_LISTED = 3
_WRAPPERS = {"module.": "DataParallel", "_orig_mod.": "torch.compile"}

_log = logging.getLogger("proofsight.vision")


def write_weights(
    path: Path,
    state: Mapping[str, Tensor],
    metadata: Mapping[str, object],
    annexes: Mapping[str, Tensor] | None = None,
) -> None:
    """Write a safetensors file, whole or not at all.

    Parameters
    ----------
    path
        Replaced if it exists; until then an old file stays as it is.
    state
        The network's state dict.
    metadata
        Values that JSON can express; each is stored as JSON text under its key.
    annexes
        Further tensors, stored under names of their own.

    Raises
    ------
    BadWeights
        The folder cannot be written to.
    """
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()}
    for name, tensor in (annexes or {}).items():
        tensors[ANNEX + name] = tensor.detach().cpu().contiguous().clone()
    data = save(tensors, {key: json.dumps(value) for key, value in metadata.items()})
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        try:
            with partial.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise BadWeights(f"{path}: cannot be written: {error}", path=path) from error


def load_weights(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the metadata of a weight file.

    Returns
    -------
    state, metadata
        Tensors by name on the CPU, annexes left out; metadata is empty where there is none.

    Raises
    ------
    BadWeights
        Missing, truncated, a pickle with anything but tensors in it, not a state dict, or
        a number in it is not finite.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except OSError as error:
        raise BadWeights(f"{path}: cannot be read: {error}", path=path) from error
    state, metadata = (
        _safetensors(path)
        if head[8:9] == b"{" or path.suffix == ".safetensors"
        else (_state_dict(path), {})
    )
    for name, tensor in state.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise BadWeights(
                f"{path}: {name} has values that are not finite; the training that made it "
                "has diverged",
                path=path,
                tensor=name,
            )
    return {name: state[name] for name in state if not name.startswith(ANNEX)}, metadata


def fit(module: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Put weights into a network, all of them and nothing else.

    Names that a wrapper put its own in front of are taken without it, which a warning says.

    Raises
    ------
    BadWeights
        Names or shapes differ; the first few are listed.  The network is left as it was.
    """
    own = module.state_dict()
    state = _unwrapped(state, own, where)
    # Files from before torch 0.4.1 lack these counters, which nothing in eval mode reads.
    counters = {name: own[name] for name in own if name.endswith("num_batches_tracked")}
    state = {**counters, **state}
    missing = [name for name in own if name not in state]
    unexpected = [name for name in state if name not in own]
    shaped = [
        f"{name} is {tuple(state[name].shape)}, needed {tuple(own[name].shape)}"
        for name in own
        if name in state and own[name].shape != state[name].shape
    ]
    faults = [
        f"{len(names)} {what} ({_first(names)})"
        for what, names in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("of another shape", shaped),
        )
        if names
    ]
    if faults:
        raise BadWeights(
            f"{where} does not fit {type(module).__name__}: tensors {'; '.join(faults)}",
            missing=_first(missing),
            unexpected=_first(unexpected),
            shapes=_first(shaped),
        )
    module.load_state_dict(state, strict=True)


def _unwrapped(
    state: Mapping[str, Tensor], own: Mapping[str, Tensor], where: str
) -> Mapping[str, Tensor]:
    for prefix, wrapper in _WRAPPERS.items():
        wrapped = bool(state) and all(name.startswith(prefix) for name in state)
        if wrapped and not any(name.startswith(prefix) for name in own):
            _log.warning(
                "%s: every name begins with %s, as %s writes them; they were taken without it",
                where,
                prefix,
                wrapper,
            )
            return {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return state


def _first(names: Sequence[str]) -> str:
    more = f", and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def _safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            texts = file.metadata() or {}
    except (OSError, SafetensorError, ValueError) as error:
        raise BadWeights(f"{path}: no whole safetensors file: {error}", path=path) from error
    metadata = {}
    for key, text in texts.items():
        try:
            metadata[key] = json.loads(text)
        except ValueError:
            metadata[key] = text
    return state, metadata


def _state_dict(path: Path) -> dict[str, Tensor]:
    try:
        with warnings.catch_warnings():
            # Of a pickle by another protocol; what is wrong with it is told below.
            warnings.filterwarnings("ignore", message="Detected pickle protocol")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise BadWeights(
            f"{path}: a pickle with more than tensors in it (or no weights at all); loading it "
            "would run code. Save model.state_dict(), or safetensors",
            path=path,
        ) from error
    except Exception as error:
        # Damaged files raise nearly anything.
        raise BadWeights(f"{path}: truncated or no weights: {error}", path=path) from error
    if isinstance(state, dict) and state and all(isinstance(v, Tensor) for v in state.values()):
        return {str(name): tensor for name, tensor in state.items()}
    raise BadWeights(
        f"{path}: holds {_described(state)}, not a plain state dict of tensors; save "
        "model.state_dict()",
        path=path,
    )


def _described(found: object) -> str:
    if isinstance(found, dict):
        return f"a dict with the keys {_first([str(key) for key in found]) or 'none'}"
    return f"a {type(found).__name__}"
