"""A call of a function, as a shrunk network writes it down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import fx, nn

from proofsight_server.circuits.blocks import FUNCTIONS, INPUT
from proofsight_server.errors import BadModel
from proofsight_server.vision.tracing import function_name

_SYNONYMS = {
    "iadd": "add", "isub": "sub", "imul": "mul", "div": "truediv", "itruediv": "truediv",
    "clip": "clamp", "upsample": "interpolate",
}  # fmt: skip


def written_function(
    step: fx.Node, operands: Mapping[fx.Node, int], values: Mapping[fx.Node, Any]
) -> dict[str, Any]:
    """The options of the `Function` that calls what a step calls.

    Parameters
    ----------
    step
        A call of a function or method.
    operands
        Which input of the `Function` stands for what the step takes.
    values
        Of what else it takes: plain values.

    Raises
    ------
    BadModel
        The function is none of `FUNCTIONS`.
    """
    name = _word(step)
    if name not in FUNCTIONS:
        raise BadModel(
            f"{step.name} calls {name}, which a shrunk network cannot hold; known are "
            f"{', '.join(FUNCTIONS)}",
            layer=step.name,
        )

    def written(argument: Any) -> Any:
        if isinstance(argument, fx.Node):
            return {INPUT: operands[argument]} if argument in operands else values[argument]
        return list(argument) if isinstance(argument, tuple | list) else argument

    return {
        "name": name,
        "args": [written(argument) for argument in step.args],
        "kwargs": {
            key: written(argument) for key, argument in step.kwargs.items() if key != "inplace"
        },
    }


def _word(step: fx.Node) -> str:
    """The name of a function among `FUNCTIONS`."""
    for name in ("max_pool2d", "adaptive_max_pool2d"):
        # torch gives these the name of what chooses between them and their twins with indices.
        if step.target is getattr(nn.functional, name):
            return name
    name = function_name(step)
    return _SYNONYMS.get(name, name)
