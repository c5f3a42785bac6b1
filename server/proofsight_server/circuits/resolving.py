"""What a target is in one network: the point to end at, and the channels there that make it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from proofsight_server.circuits.target import Head, Logit, Target, Unit
from proofsight_server.errors import BadTarget, UnknownLayer
from proofsight_server.symbols.feature import Ints
from proofsight_server.vision.class_column import class_column
from proofsight_server.vision.layers import layers_of
from proofsight_server.vision.tracing import TracedFlow


def end_of(flow: TracedFlow, target: Target) -> tuple[str, Head]:
    """The point to end at, and how linear modules are taken."""
    if isinstance(target, Logit):
        return flow.names(flow.result)[0], target.head
    infos = {info.layer.atom: info for info in layers_of(flow)}
    infos |= {info.layer.module: info for info in infos.values()}
    if target.layer not in infos:
        point = flow.points.get(target.layer)
        if point is None:
            raise UnknownLayer(target.layer, infos)
        raise BadTarget(
            f"{target.layer} is no convolution, and a circuit's target is a channel of one, before "
            "batch norm and non-linearity; name a convolution, or class:NAME",
            layer=target.layer,
        )
    info = infos[target.layer]
    if info.layer.kind != "conv":
        raise BadTarget(
            f"{target.layer} is linear and has no maps; write class:NAME for a class, or name a "
            "convolution",
            layer=target.layer,
        )
    return info.layer.module, "frozen"


def column_of(target: Target, columns: int, classes: Sequence[str]) -> int:
    """The column of a logit's class, by its name or index; 0 for other targets."""
    if not isinstance(target, Logit):
        return 0
    return class_column(str(target.label), classes, columns)


def channels_of(target: Target, channels: int, column: int) -> list[int]:
    """The channels of the target's tensor that it is made of."""
    if isinstance(target, Logit):
        return [column]
    chosen = [target.channel] if isinstance(target, Unit) else [c for c, d in target.weights if d]
    for channel in chosen:
        if not 0 <= channel < channels:
            raise BadTarget(
                f"{target.layer} has {channels} channels, 0 to {channels - 1}, and no channel "
                f"{channel}",
                target=target,
            )
    return chosen


def direction_of(target: Target, rows: Ints) -> Tensor:
    """The weights d of a target over the rows of its layer that count, (rows,) float64."""
    if isinstance(target, Logit | Unit):
        return torch.ones(1, dtype=torch.float64)
    weights = dict(target.weights)
    return torch.tensor([weights[int(row)] for row in rows], dtype=torch.float64)
