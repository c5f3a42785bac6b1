"""What each operation of a traced network does to what the positions of a map see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import fx, nn

from proofsight_server.vision.following import role_of_function, role_of_module
from proofsight_server.vision.spans import (
    Spans,
    adaptive,
    bounded,
    identity,
    sliding,
    transposed,
    union,
)
from proofsight_server.vision.tracing import QUESTIONS, Shapes, function_name


class UnknownOperationError(Exception):
    """An operation on the way of which is not known what its outputs see."""


@dataclass(frozen=True, slots=True)
class View:
    """What the positions of a tensor see: `rows` and `columns` of its last two axes.

    A tensor without such axes has one position.
    """

    rows: Spans
    columns: Spans

    def whole(self) -> View:
        """One position that sees what all of them see."""
        return View(self.rows.whole(), self.columns.whole())

    @property
    def size(self) -> tuple[int, int]:
        """Positions along both axes."""
        return len(self.rows), len(self.columns)


Shape = tuple[int, ...] | None


def spans_of(
    node: fx.Node, module: nn.Module | None, made: Mapping[fx.Node, Any], shapes: Shapes
) -> View | None:
    """What a node's tensor sees; None for what is no tensor of the images.

    Raises
    ------
    UnknownOperationError
        That does not follow from the operation.
    """
    shape = shapes.get(node)
    if node.op == "placeholder":
        assert shape is not None
        return View(identity(shape[-2]), identity(shape[-1]))
    views = [made[one] for one in node.all_input_nodes if made.get(one) is not None]
    if not views or (node.op.startswith("call") and function_name(node) in QUESTIONS):
        return None
    view = _operation(node, module, views, shape)
    if shape is not None and len(shape) >= 3 and view.size != shape[-2:] and view.size != (1, 1):
        raise UnknownOperationError(f"{node.name}: {view.size} positions for a tensor {shape}")
    return view


_PER_POSITION = {
    "add", "iadd", "sub", "isub", "mul", "imul", "truediv", "div", "neg", "abs", "pow", "sqrt",
    "exp", "log", "maximum", "minimum", "where", "cat", "concat", "chunk", "split", "sigmoid",
    "batch_norm", "local_response_norm", "to", "float", "detach", "type_as",
    "square", "clip", "clamp_max",
}  # fmt: skip
_GLOBAL = {"flatten", "mean", "sum", "amax", "amin", "group_norm", "instance_norm", "linear"}
_RESHAPES = {"view", "reshape", "unsqueeze", "squeeze", "transpose", "unflatten"}


def _operation(node: fx.Node, module: nn.Module | None, views: list[View], shape: Shape) -> View:
    if module is not None:
        return _module(module, views[0], shape)
    name = function_name(node)
    if name in _FUNCTIONS:
        return _FUNCTIONS[name](node, views[0], shape)
    role = role_of_function(name)
    if name in _PER_POSITION or role in {"activation", "pass", "add"}:
        return _joined(views)
    if name in _GLOBAL and _one_position(shape):
        return _joined([view.whole() for view in views])
    if name in {"group_norm", "instance_norm"}:
        return _everywhere(views[0])
    if name in _RESHAPES:
        return _reshaped(node, name, views[0], shape)
    raise UnknownOperationError(name)


def _module(module: nn.Module, view: View, shape: Shape) -> View:
    if isinstance(module, nn.Conv2d):
        return _convolved(view, shape, _convolution(module))
    if isinstance(module, nn.ConvTranspose2d):
        return _convolved(view, shape, _convolution(module), transposing=True)
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d | nn.LPPool2d):
        return _convolved(view, shape, _pool(vars(module)))
    if isinstance(module, nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d):
        return _adaptive(view, shape)
    if isinstance(module, nn.ZeroPad2d | nn.ConstantPad2d):
        return _padded(view, module.padding)
    if isinstance(module, nn.Flatten | nn.Linear) and _one_position(shape):
        return view.whole()
    if isinstance(module, nn.GroupNorm | nn.InstanceNorm2d):
        return _everywhere(view)
    if isinstance(module, nn.LayerNorm):
        if len(module.normalized_shape) < len(shape or ()):
            raise UnknownOperationError("LayerNorm over some axes")
        return _everywhere(view)
    if isinstance(module, nn.RMSNorm) or role_of_module(module) is None:
        raise UnknownOperationError(type(module).__name__)
    return view  # batch norm, non-linearity, dropout: each position by itself


def _joined(views: list[View]) -> View:
    sizes = {view.size for view in views} - {(1, 1)}
    if any(1 in size for size in sizes) and len(sizes) > 1:
        raise UnknownOperationError("maps of different sizes are joined")
    return View(union([v.rows for v in views]), union([v.columns for v in views]))


def _everywhere(view: View) -> View:
    whole, (rows, columns) = view.whole(), view.size
    return View(whole.rows.spread(rows), whole.columns.spread(columns))


@dataclass(frozen=True, slots=True)
class _Window:
    """A sliding window, per axis (rows, columns); padding before the first position."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int] = (1, 1)
    mode: str = "zeros"


def _convolution(module: nn.Conv2d | nn.ConvTranspose2d) -> _Window:
    kernel, dilation = _pair(module.kernel_size), _pair(module.dilation)
    padding = module.padding
    if padding == "same":
        padding = tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))
    elif padding == "valid":
        padding = (0, 0)
    return _Window(kernel, _pair(module.stride), _pair(padding), dilation, module.padding_mode)


def _pool(options: Mapping[str, Any]) -> _Window:
    kernel = _pair(options["kernel_size"])
    return _Window(
        kernel,
        _pair(options.get("stride") or kernel),
        _pair(options.get("padding", 0)),
        _pair(options.get("dilation", 1)),
    )


def _convolved(view: View, shape: Shape, window: _Window, *, transposing: bool = False) -> View:
    if shape is None or len(shape) != 3:
        raise UnknownOperationError("a convolution or pool that gives no map")
    axes = []
    for axis, spans in enumerate((view.rows, view.columns)):
        slide = transposed if transposing else sliding
        places = slide(
            len(spans),
            shape[1 + axis],
            kernel=window.kernel[axis],
            stride=window.stride[axis],
            padding=window.padding[axis],
            dilation=window.dilation[axis],
        )
        axes.append(spans.through(bounded(places, len(spans), window.mode)))
    return View(*axes)


def _adaptive(view: View, shape: Shape) -> View:
    if shape is None or len(shape) != 3:
        raise UnknownOperationError("an adaptive pool that gives no map")
    rows, columns = adaptive(len(view.rows), shape[1]), adaptive(len(view.columns), shape[2])
    return View(view.rows.through(rows), view.columns.through(columns))


def _padded(view: View, padding: Any) -> View:
    """`padding`: before and after, of columns and then of rows, as torch gives them."""
    sides = [*padding, 0, 0][:4]
    axes = []
    for spans, before, after in ((view.rows, *sides[2:]), (view.columns, *sides[:2])):
        places = np.arange(-before, len(spans) + after, dtype=np.int64)[:, None]
        axes.append(spans.through(bounded(places, len(spans))))
    return View(*axes)


def _function_pool(node: fx.Node, view: View, shape: Shape) -> View:
    names = ["kernel_size", "stride", "padding"]
    if "max" in function_name(node):
        names.append("dilation")
    options = dict(zip(names, node.args[1:], strict=False)) | dict(node.kwargs)
    if any(isinstance(value, fx.Node) for value in options.values()):
        raise UnknownOperationError("a pool whose size depends on the images")
    return _convolved(view, shape, _pool(options))


def _function_pad(node: fx.Node, view: View, shape: Shape) -> View:
    mode = node.kwargs.get("mode", node.args[2] if len(node.args) > 2 else "constant")
    padding = node.kwargs.get("pad", node.args[1] if len(node.args) > 1 else None)
    if mode != "constant" or not isinstance(padding, tuple | list):
        raise UnknownOperationError("pad")
    return _padded(view, padding)


def _item(node: fx.Node, view: View, shape: Shape) -> View:
    """An element of a tuple of maps, or part of a map: `x[:, :, ::2, ::2]`."""
    index = node.args[1]
    if isinstance(index, int) and node.args[0] is not None and view.size == (shape or ())[-2:]:
        return view
    if not isinstance(index, tuple) or len(index) > 4 or shape is None or len(shape) != 3:
        raise UnknownOperationError("getitem")
    if not all(isinstance(part, slice) for part in index):
        raise UnknownOperationError("getitem")
    rows, columns = ([*index, *[slice(None)] * 4])[2:4]
    return View(_sliced(view.rows, rows), _sliced(view.columns, columns))


def _sliced(spans: Spans, part: slice) -> Spans:
    if any(isinstance(bound, fx.Node) for bound in (part.start, part.stop, part.step)):
        raise UnknownOperationError("a slice that depends on the images")
    return Spans(spans.first[part], spans.last[part])


def _reshaped(node: fx.Node, name: str, view: View, shape: Shape) -> View:
    if _one_position(shape) or view.size == (1, 1):
        return view.whole()
    spatial = {-1, -2, len(shape or ()), len(shape or ()) - 1}
    if name == "transpose" and spatial & set(node.args[1:]):
        raise UnknownOperationError("transposed maps")
    if shape is None or len(shape) < 3 or view.size != shape[-2:]:
        raise UnknownOperationError(name)
    return view


_FUNCTIONS: dict[str, Callable[[fx.Node, View, Shape], View]] = {
    "max_pool2d": _function_pool,
    "boolean_dispatch": _function_pool,
    "avg_pool2d": _function_pool,
    "adaptive_avg_pool2d": lambda node, view, shape: _adaptive(view, shape),
    "adaptive_max_pool2d": lambda node, view, shape: _adaptive(view, shape),
    "pad": _function_pad,
    "getitem": _item,
}


def _one_position(shape: Shape) -> bool:
    return shape is not None and (len(shape) == 1 or (len(shape) == 3 and shape[1:] == (1, 1)))


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    first, second = (value[0], value[0]) if len(value) == 1 else value
    return int(first), int(second)
