"""What a circuit saves, each reckoned apart: kernels, filters, weights, multiplications, time.

Few kernels are few filters only when almost none are left, and few multiplications are little
time only where they were measured: none of these stands for another.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from proofsight_server.circuits.faithfulness import Run
from proofsight_server.circuits.masked import MaskedNetwork
from proofsight_server.circuits.shrunk import ShrunkNetwork


@dataclass(frozen=True, slots=True)
class Savings:
    """Amounts of the whole network up to the target, the circuit, and the shrunk network.

    Attributes
    ----------
    kernels, circuit_kernels, effective_kernels
        N; those that are kept; those of them on a path from the image to the target.
    filters, live_filters
        Channels of the layers of kernels: that lead to the target; that carry something of the
        image to it.
    weights, shrunk_weights
        Numbers in kernels: of the whole network, and of the shrunk one.
    shrunk_constants
        Numbers in the biases and constant maps of the shrunk network.
    macs, effective_macs, shrunk_macs
        Multiplications for one image: of the whole network, which the masked one does too, zeros
        included; of effective kernels; that the shrunk network does.
    """

    kernels: int
    circuit_kernels: int
    effective_kernels: int
    filters: int
    live_filters: int
    weights: int
    shrunk_weights: int
    shrunk_constants: int
    macs: int
    effective_macs: int
    shrunk_macs: int

    def to_json(self) -> dict[str, int]:
        """The amounts as JSON can express them."""
        return asdict(self)


def savings(circuit: MaskedNetwork, shrunk: ShrunkNetwork) -> Savings:
    """The amounts for a circuit and what `shrink` made of it."""
    wiring = circuit.network.wiring
    counted, effective = wiring.counted(), wiring.effective(circuit.mask)
    live = wiring.forward(circuit.mask) & wiring.backward(circuit.mask)
    layers = wiring.layers.items()
    dense = [node.connected.size for node in wiring.nodes if node.connected is not None]
    numbers = sum(_numbers(module) for module in shrunk.steps.values())
    shrunk_weights = sum(_weights(module) for module in shrunk.steps.values())
    return Savings(
        kernels=sum(int(array.sum()) for array in counted.values()),
        circuit_kernels=sum(int((circuit.mask[n] & counted[n]).sum()) for n, _ in layers),
        effective_kernels=sum(int(array.sum()) for array in effective.values()),
        filters=sum(len(node.rows) for _, node in layers),
        live_filters=sum(int(live[node.first + node.rows].sum()) for _, node in layers),
        weights=sum(math.prod(node.shape) * node.taps for _, node in layers) + sum(dense),
        shrunk_weights=shrunk_weights,
        shrunk_constants=numbers - shrunk_weights,
        macs=sum(math.prod(node.shape) * node.macs for _, node in layers) + sum(dense),
        effective_macs=sum(int(effective[name].sum()) * node.macs for name, node in layers),
        shrunk_macs=_multiplications(shrunk),
    )


def wall_time(run: Run, images: Tensor, repeats: int = 5) -> float:
    """Seconds that a network takes for a batch, after one run to warm up.

    The least of several: whatever else the machine does can only add to it.
    """
    seconds = []
    with torch.inference_mode():
        run(images)
        for _ in range(repeats):
            start = time.perf_counter()
            run(images)
            seconds.append(time.perf_counter() - start)
    return min(seconds)


def _weights(module: nn.Module) -> int:
    return module.weight.numel() if isinstance(module, nn.Conv2d | nn.Linear) else 0


def _numbers(module: nn.Module) -> int:
    return sum(
        tensor.numel() for tensor in module.state_dict().values() if tensor.is_floating_point()
    )


def _multiplications(shrunk: ShrunkNetwork) -> int:
    dtype = next((t.dtype for t in shrunk.state_dict().values() if t.is_floating_point()), None)
    image = torch.zeros(1, *shrunk.architecture.input_shape, dtype=dtype)
    total = 0
    with torch.inference_mode():
        for _, module, output in shrunk.walk(image):
            if isinstance(module, nn.Conv2d):
                total += module.weight.numel() * math.prod(output.shape[2:])
            elif isinstance(module, nn.Linear):
                total += module.weight.numel()
    return total
