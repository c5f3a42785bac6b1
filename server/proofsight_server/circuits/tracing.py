"""The trace of a network, or where it cannot be traced."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from proofsight_server.errors import BadModel
from proofsight_server.vision.points import trial, weight_type
from proofsight_server.vision.tracing import TracedFlow, UntraceableError


def traced(root: nn.Module, shape: Sequence[int]) -> TracedFlow:
    """The trace of a network in eval mode.

    Raises
    ------
    BadModel
        It is in training mode, does not run, or cannot be traced; the message says where.
    """
    if any(module.training for module in root.modules()):
        raise BadModel(
            "in training mode the images of a batch depend on each other; call .eval() first"
        )
    try:
        with torch.inference_mode():
            root(trial(shape, weight_type(root)))
    except Exception as error:
        # The network's own code, on a shape that may not be its own.
        raise BadModel(
            f"the network does not run on images of shape {tuple(shape)} (channels, height, "
            f"width): {error}; give images of the shape that it was made for"
        ) from error
    try:
        return TracedFlow(root, shape)
    except UntraceableError as error:
        reason = str(error).partition("\n")[0]
        raise BadModel(
            f"circuits need a network whose flow torch.fx can trace, and this one stops at "
            f"{_place(error)}: {reason}; write that part without control flow that depends on data",
            where=_place(error),
        ) from error


def _place(error: BaseException) -> str:
    """Where the network's own code stood when tracing it failed."""
    cause = error.__cause__ or error
    places = []
    trace = cause.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.split(".")[0] != "torch" and not module.startswith("proofsight_server.vision.tr"):
            owner = trace.tb_frame.f_locals.get("self")
            owner_name = type(owner).__name__ + "." if owner is not None else ""
            places.append(f"{owner_name}{code.co_name}, line {trace.tb_lineno} of {module}")
        trace = trace.tb_next
    return places[-1] if places else "its forward"
