"""Layers cut to their live channels: convolutions, linear modules, norms and plain modules."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from proofsight_server.circuits.architecture import PLAIN
from proofsight_server.circuits.draft import Draft, Piece
from proofsight_server.circuits.target_network import Parameters
from proofsight_server.errors import BadModel
from proofsight_server.symbols.feature import Ints


def sliced_convolution(
    draft: Draft,
    module: nn.Conv2d,
    parameters: Parameters,
    piece: Piece,
    live: Ints,
    added: Tensor,
    origin: str,
) -> str:
    """Steps for the live channels of a convolution.

    Parameters
    ----------
    module
        How it runs: stride, padding, dilation, groups.
    parameters
        Its masked weight.
    piece
        What it reads; at least one channel of it is live.
    live
        Its own live channels.
    added
        (1, channels, h, w) what its bias and constant inputs make, which is a map since padding
        makes borders differ.
    """
    assert piece.step is not None
    weight = parameters.weight.detach()
    width, depth = weight.shape[1], weight.shape[0] // module.groups
    used = _used(weight, piece.live, live, width, depth)
    groups = [
        (used[used // width == group], live[live // depth == group])
        for group in np.unique(live // depth)
    ]
    inputs = max(1, *(len(sources) for sources, _ in groups))
    outputs = max(len(channels) for _, channels in groups)
    taken = np.full((len(groups), inputs), -1)
    cut = torch.zeros((len(groups), outputs, inputs, *weight.shape[2:]), dtype=weight.dtype)
    for place, (sources, channels) in enumerate(groups):
        taken[place, : len(sources)] = sources
        block = weight[torch.from_numpy(channels)][:, torch.from_numpy(sources % width)]
        cut[place, : len(channels), : len(sources)] = block
    # Groups of unequal size are filled up with any channel, at weights of zero.
    index = np.where(taken.ravel() < 0, 0, np.searchsorted(piece.live, taken.ravel()))
    read = draft.select(piece.step, index, len(piece.live))
    shift = added[0, torch.from_numpy(live)]
    flat = bool((shift == shift[:, :1, :1]).all())
    places = np.concatenate(
        [place * outputs + np.arange(len(channels)) for place, (_, channels) in enumerate(groups)]
    )
    total = len(groups) * outputs
    tensors = {"weight": cut.flatten(0, 1)}
    if flat:
        tensors["bias"] = torch.zeros(total, dtype=weight.dtype)
        tensors["bias"][torch.from_numpy(places)] = shift[:, 0, 0]
    step = draft.add(
        "Conv2d", [read], _options(module, len(groups), inputs, total, bias=flat), tensors,
        origin=origin,
    )  # fmt: skip
    step = draft.select(step, places, total)
    if flat:
        return step
    return draft.add(
        "Shift", [step], {"shape": list(shift.shape)}, {"map": shift[None]}, origin=origin
    )


def sliced_linear(
    draft: Draft, parameters: Parameters, piece: Piece, live: Ints, added: Tensor, origin: str
) -> str:
    """A step for the live units of a linear module; `added` (1, units) is what is constant."""
    assert piece.step is not None
    weight = parameters.weight.detach()[torch.from_numpy(live)][:, torch.from_numpy(piece.live)]
    options = {"in_features": len(piece.live), "out_features": len(live), "bias": True}
    tensors = {"weight": weight, "bias": added[0, torch.from_numpy(live)]}
    return draft.add("Linear", [piece.step], options, tensors, origin=origin)


def sliced_module(draft: Draft, module: nn.Module, step: str, live: Ints, origin: str) -> str:
    """A step that does to live channels what a module does to each channel alone.

    Raises
    ------
    BadModel
        The module is of a kind that no file of ours can hold.
    """
    name = type(module).__name__
    index = torch.from_numpy(live)
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) or name == "FrozenBatchNorm2d":
        kind = "BatchNorm1d" if isinstance(module, nn.BatchNorm1d) else "BatchNorm2d"
        return _norm(draft, kind, module, step, index, origin)
    if isinstance(module, nn.InstanceNorm2d):
        return _norm(draft, "InstanceNorm2d", module, step, index, origin)
    if isinstance(module, nn.PReLU):
        weight = module.weight.detach()
        weight = weight[index] if len(weight) > 1 else weight
        return draft.add(
            "PReLU", [step], {"num_parameters": len(weight)}, {"weight": weight}, origin=origin
        )
    if name not in PLAIN:
        raise BadModel(
            f"{origin} is a {name}, which a shrunk network cannot hold; known are convolutions, "
            f"linear modules, norms, and {', '.join(PLAIN)}",
            layer=origin,
        )
    options = {option: _plain(getattr(module, option)) for option in PLAIN[name]}
    return draft.add(name, [step], options, origin=origin)


def _used(weight: Tensor, sources: Ints, live: Ints, width: int, depth: int) -> Ints:
    """The live sources that some live channel reads; all of them where few would be left out."""
    nonzero = (weight != 0).flatten(2).any(dim=2).numpy()
    group = sources // width
    read = np.array(
        [
            nonzero[live[live // depth == g], source - g * width].any()
            for source, g in zip(sources.tolist(), group.tolist(), strict=True)
        ]
    )
    dense = depth == weight.shape[0]
    # Leaving a channel out costs a copy of the others, which few channels do not repay.
    return sources if dense and 2 * read.sum() > len(sources) else sources[read]


def _options(
    module: nn.Conv2d, groups: int, inputs: int, outputs: int, *, bias: bool
) -> dict[str, Any]:
    padding = module.padding
    return {
        "in_channels": groups * inputs,
        "out_channels": outputs,
        "kernel_size": list(module.kernel_size),
        "stride": list(module.stride),
        "padding": padding if isinstance(padding, str) else list(padding),
        "dilation": list(module.dilation),
        "groups": groups,
        "bias": bias,
        "padding_mode": module.padding_mode,
    }


def _norm(draft: Draft, kind: str, module: nn.Module, step: str, index: Tensor, origin: str) -> str:
    state = {name: tensor.detach() for name, tensor in module.state_dict().items()}
    tensors = {name: tensor[index] for name, tensor in state.items() if tensor.ndim == 1}
    tracked = "running_mean" in tensors
    if tracked:
        tensors["num_batches_tracked"] = torch.zeros((), dtype=torch.int64)
    options = {
        "num_features": len(index),
        "eps": float(getattr(module, "eps", 1e-5)),
        "affine": "weight" in tensors,
        "track_running_stats": tracked,
    }
    return draft.add(kind, [step], options, tensors, origin=origin)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
