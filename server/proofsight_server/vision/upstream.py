"""What a module of a traced network takes in, and what follows it up to where it is read."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import fx, nn

from proofsight_server.errors import BadOption
from proofsight_server.vision.following import role_of_function, role_of_module
from proofsight_server.vision.tracing import QUESTIONS, TracedFlow, function_name

_RESHAPES = {"flatten", "view", "reshape", "squeeze", "unsqueeze"}
_SOFTMAX = (nn.Softmax, nn.LogSoftmax)
_NOT_NEGATIVE = {"relu", "relu6", "sigmoid", "hardsigmoid", "softplus"}


@dataclass(frozen=True, slots=True)
class After:
    """What happens to a linear map's result: `scale` × it + `shift`, then the activation.

    `scale` and `shift` are (units,) float64: a batch norm in eval mode.  `activation` is torch's
    name of the function in lower case (`relu`, `tanh`, `leaky_relu`, ...), `identity` for none.
    """

    scale: torch.Tensor
    shift: torch.Tensor
    activation: str


def taken(flow: TracedFlow, node: fx.Node) -> fx.Node:
    """The node whose numbers a module takes in, in their order, whatever reshaped them between."""
    (source,) = (one for one in node.args[:1] if isinstance(one, fx.Node))
    return unshaped(flow, source)


def unshaped(flow: TracedFlow, node: fx.Node) -> fx.Node:
    """The node that made a tensor's numbers, before reshapes, dropouts and the like."""
    while node.op != "placeholder" and (_reshapes(flow, node) or _role(flow, node) == "pass"):
        node = node.all_input_nodes[0]
    return node


def pooled_from(flow: TracedFlow, node: fx.Node) -> fx.Node | None:
    """The map of which a node is the mean over all positions; None where it is no such mean."""
    module, name = flow.module(node), function_name(node)
    averages = isinstance(module, nn.AdaptiveAvgPool2d | nn.AvgPool2d) or (
        module is None and name in {"adaptive_avg_pool2d", "mean"}
    )
    if not averages or not node.all_input_nodes:
        return None
    source = unshaped(flow, node.all_input_nodes[0])
    before, after = flow.shape(source), flow.shape(node)
    if before is None or after is None or len(before) != 3:
        return None
    if after not in {(before[0],), (before[0], 1, 1)} or _windowed(module, before):
        return None
    return source


def never_negative(flow: TracedFlow, node: fx.Node) -> bool:
    """Whether a node's tensor is at least 0 whatever the image."""
    return node.op.startswith("call") and _activation(flow, node) in _NOT_NEGATIVE


def logits_node(flow: TracedFlow) -> fx.Node:
    """The node of the logits: what the network returns, before a softmax."""
    node = unshaped(flow, flow.result)
    module = flow.module(node)
    if isinstance(module, _SOFTMAX) or function_name(node) in {"softmax", "log_softmax"}:
        node = unshaped(flow, node.all_input_nodes[0])
    return node


def after(flow: TracedFlow, name: str, reads: str, units: int) -> After:
    """What the network does to a module's result up to where its values are read.

    Raises
    ------
    BadOption
        Something else than one batch norm in eval mode and one activation.
    """
    start, end = flow.node(name), flow.node(reads)
    scale, shift = torch.ones(units, dtype=torch.float64), torch.zeros(units, dtype=torch.float64)
    activation = "identity"
    step = start
    while step is not end:
        (step,) = (user for user in step.users if function_name(user) not in QUESTIONS)
        role = _role(flow, step)
        module = flow.module(step)
        if role == "activation":
            activation = _activation(flow, step)
        elif role == "norm" and _foldable(module) and activation == "identity":
            own_scale, own_shift = _folded(module, units)
            scale, shift = scale * own_scale, shift * own_scale + own_shift
        elif role != "pass":
            what = type(module).__name__ if module is not None else function_name(step)
            raise BadOption(
                f"layer {name} goes through {what} before its values are read, so that they are "
                "not its own weights' sum and an activation; choose a layer with no more between "
                "than batch norm and activation",
                layer=name,
                operation=what,
            )
    return After(scale, shift, activation)


def _foldable(module: nn.Module | None) -> bool:
    batch_norm = isinstance(module, nn.modules.batchnorm._BatchNorm)
    return type(module).__name__ == "FrozenBatchNorm2d" or (
        batch_norm and getattr(module, "running_mean", None) is not None
    )


def _folded(module: nn.Module | None, units: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Factor and summand (units,) of a batch norm with fixed statistics."""
    mean, variance = (_double(module, name) for name in ("running_mean", "running_var"))
    assert mean is not None and variance is not None
    gamma, beta = _double(module, "weight"), _double(module, "bias")
    scale = (variance + float(getattr(module, "eps", 0.0))).rsqrt()
    scale = scale if gamma is None else scale * gamma
    shift = -mean * scale
    return scale, shift if beta is None else shift + beta


def _double(module: nn.Module | None, name: str) -> torch.Tensor | None:
    tensor = getattr(module, name, None)
    return None if tensor is None else tensor.detach().double()


def _role(flow: TracedFlow, node: fx.Node) -> str | None:
    module = flow.module(node)
    if module is not None:
        return role_of_module(module)
    return role_of_function(function_name(node)) if node.op.startswith("call") else None


def _activation(flow: TracedFlow, node: fx.Node) -> str:
    module = flow.module(node)
    if module is None:
        return function_name(node)
    name = type(module).__name__
    return {"LeakyReLU": "leaky_relu", "LogSigmoid": "log_sigmoid"}.get(name, name.lower())


def _reshapes(flow: TracedFlow, node: fx.Node) -> bool:
    module = flow.module(node)
    if module is not None:
        return isinstance(module, nn.Flatten | nn.Unflatten)
    return node.op.startswith("call") and function_name(node) in _RESHAPES


def _windowed(module: nn.Module | None, shape: tuple[int, ...]) -> bool:
    """Whether an average over a window is not that over the whole map."""
    if not isinstance(module, nn.AvgPool2d):
        return False
    kernel = module.kernel_size
    size = (kernel, kernel) if isinstance(kernel, int) else tuple(kernel)
    return size != tuple(shape[1:]) or module.padding not in (0, (0, 0))
