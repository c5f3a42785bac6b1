"""The flow of a network that cannot be traced, as seen by hooks on its modules.

Only modules can be read here, in the order in which they ran on a trial batch.  What
follows a layer is known only where a module takes the very tensor that the one before gave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from proofsight_server.errors import BadModel
from proofsight_server.vision.following import role_of_module
from proofsight_server.vision.points import (
    Change,
    Observe,
    Point,
    Replaced,
    Tapped,
    numbered,
    per_image,
    trial,
)


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """One run of a module: what went in and what came out."""

    name: str
    module: nn.Module
    taken: tuple[object, ...]
    given: object
    shape: tuple[int, ...] | None
    leaf: bool


class HookedFlow:
    """A network observed by forward hooks. Runs it once, on a trial batch."""

    def __init__(self, module: nn.Module, input_shape: Sequence[int]) -> None:
        self._module = module
        runs: list[_Run] = []
        counts: dict[str, int] = {}

        def record(path: str, child: nn.Module, taken: tuple[object, ...], given: object) -> None:
            counts[path] = counts.get(path, 0) + 1
            name = numbered(path, counts[path])
            leaf = not any(True for _ in child.children())
            runs.append(_Run(name, child, taken, given, per_image(given), leaf))

        with ExitStack() as hooks, torch.inference_mode():
            for path, child in module.named_modules():
                if path:
                    hooks.callback(
                        child.register_forward_hook(
                            lambda child, taken, given, path=path: record(path, child, taken, given)
                        ).remove
                    )
            module(trial(input_shape))
        self._points = {run.name: Point(run.name, run.module, run.shape) for run in runs}
        self._reads = {run.name: _follow(run, runs[place + 1 :]) for place, run in enumerate(runs)}

    @property
    def points(self) -> Mapping[str, Point]:
        """Points by name, in order of execution on the trial batch."""
        return self._points

    def reads(self, name: str) -> str:
        """The last of norm and non-linearity modules that take the layer's tensor directly."""
        return self._reads[name]

    def tap(self, names: Sequence[str], observe: Observe, *, training: bool = False) -> Tapped:
        """The network with hooks on it.

        A call raises BadModel where the flow of its batch does not pass one of `names`.
        """
        return hooked(self._module, names, observe)

    def replace(self, name: str) -> Replaced:
        """The network with the output of one run of a module replaced.

        A call raises BadModel where the flow of its batch does not pass `name`.
        """
        path, _, number = name.partition("#")
        module, wanted = self._module.get_submodule(path), int(number or 1)

        def run(change: Change, batch: Tensor) -> Tensor:
            runs = 0

            def hook(child: nn.Module, taken: object, given: Tensor) -> Tensor:
                nonlocal runs
                runs += 1
                if runs != wanted:
                    return given
                changed = change(given).clone()
                # Code may go on with the tensor that a module in place took, not with its output.
                return given.copy_(changed) if getattr(child, "inplace", False) else changed

            handle = module.register_forward_hook(hook)
            try:
                logits: Tensor = self._module(batch)
            finally:
                handle.remove()
            if runs < wanted:
                raise _not_run(name)
            return logits

        return run


def hooked(module: nn.Module, names: Sequence[str], observe: Observe) -> Tapped:
    """A network with hooks on the outputs of some of its modules.

    The hooks are there only while a call lasts.

    Parameters
    ----------
    module
        The network.
    names
        Runs of its modules: `layer1.0`, `layer1.0#2`.
    observe
        Called with a name and the tensor, as it is made.
    """
    modules = {path: child for path, child in module.named_modules() if path}
    wanted: dict[str, set[int]] = {}
    for name in names:
        path, _, number = name.partition("#")
        wanted.setdefault(path, set()).add(int(number or 1))

    def run(batch: Tensor) -> tuple[Tensor, list[Any]]:
        observed: dict[str, Any] = {}
        counts: dict[str, int] = {}

        def hook(path: str, given: Tensor) -> None:
            counts[path] = counts.get(path, 0) + 1
            if counts[path] in wanted[path]:
                name = numbered(path, counts[path])
                observed[name] = observe(name, given)

        with ExitStack() as hooks:
            for path in wanted:
                hooks.callback(
                    modules[path]
                    .register_forward_hook(lambda child, taken, given, path=path: hook(path, given))
                    .remove
                )
            logits = module(batch)
        missing = [name for name in names if name not in observed]
        if missing:
            raise _not_run(missing[0])
        return logits, [observed[name] for name in names]

    return run


def _not_run(name: str) -> BadModel:
    return BadModel(
        f"the network did not run {name} for these images: its flow depends on its data, so this "
        "layer cannot be read for every image; choose another",
        layer=name,
    )


def _follow(start: _Run, later: Sequence[_Run]) -> str:
    current, last = start, start
    while True:
        takers = [
            run for run in later if run.leaf and any(one is current.given for one in run.taken)
        ]
        # A module that works in place gives on the tensor that it took, so what takes that
        # tensor later follows the module and not the one before it.
        alone = len(takers) == 1 or (takers and takers[0].given is current.given)
        role = role_of_module(takers[0].module) if alone else None
        if role is None or takers[0].shape != start.shape:
            return last.name
        current = takers[0]
        later = later[later.index(current) + 1 :]
        last = last if role == "pass" else current
        if role == "activation":
            return last.name
