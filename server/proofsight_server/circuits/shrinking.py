"""A smaller network that computes what a masked one does: cut along channels, constants carried.

Channels stay that are on a path of kept kernels from the image to the target.  Those without a
path from the image still emit a map, made of biases, that is the same for every image; it is
added where it is read, as a map, since zero padding makes its borders differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from proofsight_server.circuits.architecture import IMAGE
from proofsight_server.circuits.draft import ZERO, Draft, Piece, image_piece
from proofsight_server.circuits.masked import MaskedNetwork
from proofsight_server.circuits.operations import does_nothing, operation, works_in_place
from proofsight_server.circuits.rearranging import rearranged
from proofsight_server.circuits.shrunk import ShrunkNetwork
from proofsight_server.circuits.slicing import sliced_convolution, sliced_linear, sliced_module
from proofsight_server.circuits.steps import called, has_tensor, rebind
from proofsight_server.circuits.target import Logit
from proofsight_server.circuits.target_network import KernelModule, Parameters, applied
from proofsight_server.circuits.written_function import written_function
from proofsight_server.errors import BadModel
from proofsight_server.symbols.feature import Ints
from proofsight_server.vision.points import TRIAL_IMAGES, trial
from proofsight_server.vision.tracing import QUESTIONS, function_name

# Besides `move`: they leave numbers as they are, and the steps after them ask for no more.
_REARRANGING = {"cat", "concat", "concatenate", "contiguous", "clone"}


def shrink(circuit: MaskedNetwork) -> ShrunkNetwork:
    """A standalone network equal to a masked one, tied to the size of its images.

    Parameters
    ----------
    circuit
        The masked network, zero or mean ablation.

    Returns
    -------
    network
        An ordinary module that gives the target, (n, h, w) or (n,).  Of a collapsed circuit it is
        one constant map, and says so.  For images of another size shrink a `target_network` of
        that size again.

    Raises
    ------
    BadModel
        The network does something that a shrunk network cannot hold; the message says where.
    """
    with torch.no_grad():
        planner = _Planner(circuit)
        architecture, state = planner.run()
    network = ShrunkNetwork(architecture)
    network.to(circuit.network.dtype).load_state_dict(state, strict=True)
    return network.eval().requires_grad_(False)


class _Planner:
    """One walk over a network's steps, with the piece of the shrunk network that each one is."""

    def __init__(self, circuit: MaskedNetwork) -> None:
        self._circuit = circuit
        self._network = network = circuit.network
        self._draft = Draft(network.input_shape)
        self._forward = network.wiring.forward(circuit.mask)
        self._live = self._forward & network.wiring.backward(circuit.mask)
        # For tensors the numbers of their numbers, (images, ...) like them; else plain values.
        self._made: dict[fx.Node, Any] = {}
        self._values: dict[fx.Node, Any] = {}
        # By the id of such numbers, which are held so that no other gets it.
        self._pieces: dict[int, tuple[Tensor, Piece]] = {}

    def run(self) -> tuple[Any, dict[str, Tensor]]:
        """The architecture and its state."""
        network = self._network
        batch = trial(network.input_shape).to(network.dtype)
        value: Any = None
        for step, value in network.walk(batch, parameters=self._circuit.parameters):
            self._values[step] = value
            if step is not network.steps[-1] or isinstance(network.target, Logit):
                self._made[step] = self._planned(step, value)
        return self._read_out(value)

    def _planned(self, step: fx.Node, value: Any) -> Any:
        if step.op == "placeholder":
            if not isinstance(value, Tensor):
                return value
            return self._numbered(image_piece(self._draft, self._network.input_shape, value.dtype))
        if step.op == "get_attr":
            return value
        planned = self._called(step, value)
        if works_in_place(step, self._module(step)):
            rebind(self._made, step.args[0], planned)
        return planned

    def _called(self, step: fx.Node, value: Any) -> Any:
        module = self._module(step)
        question = module is None and function_name(step) in QUESTIONS
        kind = operation(step, module)
        if question or not any(self._is_moving(taken) for taken in step.all_input_nodes):
            return called(step, module, *self._arguments(step))
        if kind == "move" or (module is None and function_name(step) in _REARRANGING):
            return called(step, module, *self._arguments(step))
        ids = self._network.ids[step][0]
        live = self._live_channels(ids)
        constant = self._constant(value, ids, live)
        if kind == "pass" and does_nothing(step, module):
            return self._made[step.all_input_nodes[0]]
        if not len(live):
            return self._numbered(self._draft.piece(None, live, constant))
        if kind in ("convolution", "linear"):
            made = self._layer(step, module, live)
        elif kind == "join":
            made = self._joined(step, live, constant)
        else:
            made = self._passed(step, module, live)
        return self._numbered(self._draft.piece(made, live, constant))

    def _layer(self, step: fx.Node, module: nn.Module | None, live: Ints) -> str:
        assert isinstance(module, nn.Conv2d | nn.Linear)
        piece = self._settled(step.all_input_nodes[0])
        parameters = self._parameters(step, module)
        added = applied(module, piece.constant, parameters.weight, parameters.bias)
        return self._sliced(step, module, parameters, piece, live, added)

    def _sliced(
        self,
        step: fx.Node,
        module: KernelModule,
        parameters: Parameters,
        piece: Piece,
        live: Ints,
        added: Tensor,
    ) -> str:
        origin = str(step.target)
        if isinstance(module, nn.Linear):
            return sliced_linear(self._draft, parameters, piece, live, added, origin)
        return sliced_convolution(self._draft, module, parameters, piece, live, added, origin)

    def _passed(self, step: fx.Node, module: nn.Module | None, live: Ints) -> str:
        piece = self._settled(step.all_input_nodes[0], live)
        assert piece.step is not None
        if module is not None:
            return sliced_module(self._draft, module, piece.step, live, str(step.target))
        others = step.all_input_nodes[1:]
        if any(isinstance(self._made[taken], Tensor) for taken in others):
            raise BadModel(
                f"{step.name} calls {function_name(step)} with tensors of its own, which a shrunk "
                "network cannot hold; use the module of that name",
                layer=step.name,
            )
        return self._function(step, {step.all_input_nodes[0]: 0}, [piece.step])

    def _joined(self, step: fx.Node, live: Ints, constant: Tensor) -> str:
        operands: dict[fx.Node, int] = {}
        inputs: list[str] = []
        for taken in step.all_input_nodes:
            if isinstance(self._made[taken], Tensor):
                operands[taken] = len(inputs)
                inputs.append(self._operand(taken, live, constant))
        return self._function(step, operands, inputs)

    def _operand(self, taken: fx.Node, live: Ints, joined: Tensor) -> str:
        """What one operand of a join gives in the channels that the join is to give."""
        channels = joined.shape[1]
        if not self._is_moving(taken):
            own = self._made[taken]
            own = own.reshape(*([1] * (joined.ndim - own.ndim)), *own.shape)
            own = own.expand(1, channels, *own.shape[2:])
            return self._constant_step(own[:, torch.from_numpy(live)])
        piece = self._settled(taken)
        if piece.shape[0] != channels:
            # One channel for all: it is live, or there would be a constant to add.
            return piece.step or self._constant_step(piece.constant)
        index = torch.from_numpy(live)
        shared = np.intersect1d(piece.live, live)
        if piece.step is None or not len(shared):
            return self._constant_step(piece.constant[:, index])
        places = np.searchsorted(piece.live, shared)
        step = self._draft.select(piece.step, places, len(piece.live))
        if len(shared) == len(live):
            return step
        within = torch.from_numpy(np.searchsorted(live, shared))
        constant = piece.constant[:, index]
        options = {"channels": len(shared), "shape": list(constant.shape[1:])}
        return self._draft.add("Widen", [step], options, {"index": within, "constant": constant})

    def _constant_step(self, constant: Tensor) -> str:
        options = {"shape": list(constant.shape[1:])}
        return self._draft.add("Constant", [IMAGE], options, {"map": constant})

    def _function(self, step: fx.Node, operands: dict[fx.Node, int], inputs: Sequence[str]) -> str:
        options = written_function(step, operands, self._made)
        return self._draft.add("Function", inputs, options, origin=step.name)

    def _read_out(self, value: Tensor) -> tuple[Any, dict[str, Tensor]]:
        network, last = self._network, self._network.steps[-1]
        if isinstance(network.target, Logit):
            piece = self._settled(last)
            weight = torch.ones(1, dtype=value.dtype)
            rows = np.array([network.column])
            whole = piece.constant[:, torch.from_numpy(rows)]
        else:
            # The walk gives the target's layer cut to the rows that count.
            node = network.wiring.layers[str(network.last)]
            weight, rows = network.direction.to(value.dtype), node.rows
            alive = self._live[node.first + rows]
            piece = self._target_layer(last, rows[alive], value)
            whole = value[:1].clone()
            whole[:, torch.from_numpy(alive)] = 0
        constant = torch.einsum("nr...,r->n...", whole, weight)
        options: dict[str, Any] = {"shape": list(constant.shape[1:])}
        if piece.step is None:
            step = self._constant_step(constant)
            return self._draft.finished(step, collapsed=True)
        index = torch.from_numpy(np.searchsorted(rows, piece.live))
        step = self._draft.add(
            "Readout",
            [piece.step],
            {**options, "channels": len(index)},
            {"weight": weight[index], "constant": constant},
        )
        return self._draft.finished(step, collapsed=False)

    def _target_layer(self, step: fx.Node, live: Ints, value: Tensor) -> Piece:
        if not len(live):
            return self._draft.piece(None, live, value[:1])
        module = self._module(step)
        assert isinstance(module, nn.Conv2d)
        piece = self._settled(step.all_input_nodes[0])
        parameters = self._parameters(step, module)
        added = applied(module, piece.constant, parameters.weight, parameters.bias)
        made = self._sliced(step, module, parameters, piece, live, added)
        return Piece(made, live, added, torch.zeros(added.shape[1:], dtype=torch.int64))

    def _settled(self, step: fx.Node, live: Ints | None = None) -> Piece:
        """The piece that a step gives, put together where its numbers have only changed place."""
        elements: Tensor = self._made[step]
        known = self._pieces.get(id(elements))
        if known is None:
            ids = self._network.ids[step][0]
            own = self._live_channels(ids)
            constant = self._constant(self._values[step], ids, own)
            piece = rearranged(self._draft, elements[0].to(torch.int64), own, constant)
            known = self._pieces[id(elements)] = elements, piece
        piece = known[1]
        if live is None or np.array_equal(live, piece.live):
            return piece
        assert piece.step is not None
        step_name = self._draft.select(
            piece.step, np.searchsorted(piece.live, live), len(piece.live)
        )
        return Piece(step_name, live, piece.constant, piece.elements)

    def _live_channels(self, ids: Tensor) -> Ints:
        """Channels on a path from the image to the target; ids (channels, ...)."""
        numbers = ids.to(torch.int64).numpy().reshape(len(ids), -1)
        return np.flatnonzero(self._live[numbers].any(axis=1))

    def _constant(self, value: Tensor, ids: Tensor, live: Ints) -> Tensor:
        """The values that nothing of the image reaches, 0 elsewhere; (1, channels, ...)."""
        numbers = ids.to(torch.int64).numpy()
        fixed = torch.from_numpy(~self._forward[numbers])
        constant = torch.where(fixed, value[:1], 0)
        constant[:, torch.from_numpy(live)] = 0
        return constant

    def _numbered(self, piece: Piece) -> Tensor:
        # Doubles hold every number up to 2**53, and can be padded in ways that integers cannot.
        elements = piece.elements.to(torch.float64).expand(TRIAL_IMAGES, *piece.elements.shape)
        self._pieces[id(elements)] = elements, piece
        return elements

    def _is_moving(self, step: fx.Node) -> bool:
        """Whether a step's value stands for numbers of the image's, and not for the network's."""
        return step.op != "get_attr" and has_tensor(self._made[step])

    def _arguments(self, step: fx.Node) -> tuple[Any, Any]:
        def value(taken: fx.Node) -> Any:
            made = self._made[taken]
            own = isinstance(made, Tensor) and taken.op == "get_attr" and made.is_floating_point()
            return torch.full(made.shape, ZERO, dtype=torch.float64) if own else made

        args: Any = fx.node.map_arg(step.args, value)
        kwargs: Any = fx.node.map_arg(step.kwargs, value)
        return args, kwargs

    def _module(self, step: fx.Node) -> nn.Module | None:
        if step.op != "call_module":
            return None
        return self._network.root.get_submodule(str(step.target))

    def _parameters(self, step: fx.Node, module: KernelModule) -> Parameters:
        name = self._network.names.get(step)
        if name is not None:
            return self._circuit.parameters[name]
        return Parameters(module.weight.detach(), module.bias)
