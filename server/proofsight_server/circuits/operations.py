"""What each operation of a traced network does to channels: pass, move, join, or reduce them."""

from __future__ import annotations

from typing import Literal

from torch import fx, nn

from proofsight_server.vision.following import role_of_function, role_of_module
from proofsight_server.vision.tracing import function_name

# pass: each channel goes on alone; move: numbers change place and nothing else; join: maps are
# added, multiplied or concatenated, channel by channel; reduce: over the positions of a map.
Operation = Literal["convolution", "linear", "pass", "move", "join", "reduce"]

_PASSING_MODULES = (
    nn.modules.batchnorm._BatchNorm,
    nn.modules.instancenorm._InstanceNorm,
    nn.modules.pooling._MaxPoolNd,
    nn.modules.pooling._AvgPoolNd,
    nn.modules.pooling._AdaptiveAvgPoolNd,
    nn.modules.pooling._AdaptiveMaxPoolNd,
    nn.modules.pooling._LPPoolNd,
    nn.modules.padding._ConstantPadNd,
    nn.modules.padding._ReflectionPadNd,
    nn.modules.padding._ReplicationPadNd,
    nn.modules.padding._CircularPadNd,
    nn.Upsample,
)
_MOVING_MODULES = (nn.Flatten, nn.Unflatten, nn.ChannelShuffle, nn.PixelShuffle, nn.PixelUnshuffle)
_PASSING = {
    "batch_norm", "instance_norm", "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d",
    "adaptive_max_pool2d", "lp_pool2d", "boolean_dispatch", "interpolate", "upsample", "neg", "abs",
    "exp", "sqrt", "square", "pow", "clip", "clamp_max", "to", "float", "detach", "type_as", "log",
}  # fmt: skip
_MOVING = {
    "flatten", "view", "reshape", "getitem", "pad", "chunk", "split", "transpose", "permute",
    "unsqueeze", "squeeze", "expand", "narrow", "index_select", "select", "flip", "unflatten",
    "channel_shuffle", "pixel_shuffle", "pixel_unshuffle", "unbind", "tensor_split", "swapaxes",
}  # fmt: skip
_JOINING = {
    "add": "add", "iadd": "add", "sub": "add", "isub": "add", "mul": "mul", "imul": "mul",
    "truediv": "mul", "div": "mul", "maximum": "max", "minimum": "min",
    "cat": "concat", "concat": "concat", "concatenate": "concat",
}  # fmt: skip
_REDUCING = {"mean", "sum", "amax", "amin", "std", "var", "norm"}


def operation(node: fx.Node, module: nn.Module | None) -> Operation | None:
    """What a node does to the channels that it gets, None where that is not known."""
    return _of_function(function_name(node)) if module is None else _of_module(module)


def joining(node: fx.Node) -> str:
    """The word for what a joining node does: `add`, `mul`, `concat`, ..."""
    return _JOINING[function_name(node)]


def works_in_place(node: fx.Node, module: nn.Module | None) -> bool:
    """Whether a node changes the tensor that it gets first."""
    if module is not None:
        return bool(getattr(module, "inplace", False))
    if not node.op.startswith("call"):
        return False
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    name = str(name)
    trailing = name.endswith("_") and not name.endswith("__")
    return trailing or name in {"iadd", "isub", "imul", "itruediv"} or _asked_in_place(node)


def gives_what_it_gets(node: fx.Node, module: nn.Module | None) -> bool:
    """Whether a node in eval mode gives the very tensor that it gets, as dropout does."""
    role = role_of_function(function_name(node)) if module is None else role_of_module(module)
    return role == "pass" and function_name(node) != "clone"


def _asked_in_place(node: fx.Node) -> bool:
    return node.kwargs.get("inplace") is True


def _of_module(module: nn.Module) -> Operation | None:
    if isinstance(module, nn.Conv2d):
        # A convolution with a forward of its own may do anything.
        return "convolution" if type(module).forward is nn.Conv2d.forward else None
    if isinstance(module, nn.Linear):
        return "linear" if type(module).forward is nn.Linear.forward else None
    if isinstance(module, _MOVING_MODULES):
        return "move"
    if isinstance(module, _PASSING_MODULES) or type(module).__name__ == "FrozenBatchNorm2d":
        return "pass"
    return "pass" if role_of_module(module) in {"activation", "pass"} else None


def _of_function(name: str) -> Operation | None:
    if name in _JOINING:
        return "join"
    if name in _MOVING:
        return "move"
    if name in _REDUCING:
        return "reduce"
    return "pass" if name in _PASSING or role_of_function(name) in {"activation", "pass"} else None


def does_nothing(step: fx.Node, module: nn.Module | None) -> bool:
    """Whether a step gives what it takes, in eval mode."""
    if module is not None:
        return role_of_module(module) == "pass"
    name = function_name(step)
    return role_of_function(name) == "pass" or name in {"to", "float", "detach", "type_as"}
