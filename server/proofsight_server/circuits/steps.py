"""Steps of a network's graph, taken one at a time by who follows what becomes of its values."""

from __future__ import annotations

from typing import Any

from torch import Tensor, fx, nn


def called(
    step: fx.Node, module: nn.Module | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """What a step of a graph gives for these arguments."""
    if module is not None:
        return module(*args, **kwargs)
    if step.op == "call_method":
        return getattr(args[0], str(step.target))(*args[1:], **kwargs)
    assert not isinstance(step.target, str), f"{step} is a call_function, and has a function"
    return step.target(*args, **kwargs)


def rebind(made: dict[fx.Node, Any], changed: Any, value: Any) -> None:
    """Who reads a tensor that was changed in place reads what it became."""
    old = made.get(changed)
    for step, known in made.items():
        if known is old:
            made[step] = value


def has_tensor(value: Any) -> bool:
    """Whether a value is a tensor, or holds one."""
    if isinstance(value, tuple | list):
        return any(map(has_tensor, value))
    return isinstance(value, Tensor)
