"""What scoring will take, before it is begun."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from proofsight_server.circuits.score_options import ScoreOptions
from proofsight_server.circuits.target_network import TargetNetwork


@dataclass(frozen=True, slots=True)
class Estimate:
    """Memory and multiplications of scoring.

    Attributes
    ----------
    memory
        Bytes at the peak of one batch, beside the network itself: what all layers read and give,
        with gradients, and the columns and maps of the widest layer.
    multiplications
        Over all images: a forward and a backward pass, and one more for each product of weights
        with inputs.
    kernels
        N.
    """

    memory: int
    multiplications: int
    kernels: int

    def __str__(self) -> str:
        return (
            f"{self.kernels} kernels, {self.memory / 2**20:.0f} MiB per batch, "
            f"{self.multiplications / 1e9:.1f} G multiplications"
        )


def estimate(
    network: TargetNetwork, images: int, criteria: Collection[str], options: ScoreOptions
) -> Estimate:
    """Estimate what `score` takes for so many images; nothing is run."""
    kernels = network.wiring.total()
    if not {"snip", "kernel_mask", "actgrad"} & set(criteria):
        return Estimate(0, 0, kernels)
    size = 8 if options.precision == "double" else 4
    batch = min(images, options.batch)
    maps, widest, forward = 0, 0, 0
    for node in network.wiring.layers.values():
        positions = node.macs // node.taps
        read = len(node.sources) * positions
        # An output stands in memory with its gradient, and with what follows it at the same size.
        maps += 4 * node.channels * positions + read
        widest = max(widest, read * node.taps)
        forward += node.macs * node.shape[0] * node.shape[1]
    products = bool({"snip", "kernel_mask"} & set(criteria)) + ("actgrad" in criteria)
    parameters = sum(int(module.weight.numel()) for module in network.modules.values())
    memory = size * (batch * (maps + widest) + 2 * parameters)
    return Estimate(memory, images * forward * (3 + products), kernels)
