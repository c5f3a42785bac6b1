"""A shrunk network: an ordinary module, built from its architecture, saved as tensors and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from proofsight_server.circuits.architecture import IMAGE, Architecture, Step
from proofsight_server.circuits.exactness import Exactness
from proofsight_server.errors import BadTensor, BadWeights
from proofsight_server.vision.weights import fit, load_weights, write_weights


class ShrunkNetwork(nn.Module):
    """The part of a network that a circuit keeps, tied to one size of images.

    Parameters
    ----------
    architecture
        Its steps, or their JSON; weights are filled in afterwards.

    Attributes
    ----------
    architecture
        The same.
    """

    def __init__(self, architecture: Architecture | Mapping[str, Any]) -> None:
        super().__init__()
        if not isinstance(architecture, Architecture):
            architecture = Architecture.from_json(architecture)
        self.architecture = architecture
        self.steps = nn.ModuleDict({step.name: step.build() for step in architecture.steps})
        last_use = {name: step.name for step in architecture.steps for name in step.inputs}
        self._spent = {
            step.name: [name for name in dict.fromkeys(step.inputs) if last_use[name] == step.name]
            for step in architecture.steps
        }

    @property
    def collapsed(self) -> bool:
        """Whether it gives the same for every image."""
        return self.architecture.collapsed

    def forward(self, images: Tensor) -> Tensor:
        """The target of images (n, channels, height, width): its map (n, h, w), or logit (n,).

        Raises
        ------
        BadTensor
            The images are not of the size that it was made for.
        """
        shape = self.architecture.input_shape
        if images.ndim != 4 or tuple(images.shape[1:]) != shape:
            raise BadTensor(
                f"this shrunk network takes images {shape} (channels, height, width), since what "
                f"it adds at borders depends on their size, not {tuple(images.shape[1:])}; shrink "
                "the circuit again for that size",
                shape=tuple(images.shape),
            )
        last = images
        for _, _, given in self.walk(images):
            last = given
        return last

    def walk(self, images: Tensor) -> Iterator[tuple[Step, nn.Module, Tensor]]:
        """Each step with its module and what it gives; what is read no more is let go."""
        made = {IMAGE: images}
        for step in self.architecture.steps:
            module = self.steps[step.name]
            made[step.name] = module(*(made[name] for name in step.inputs))
            for name in self._spent[step.name]:
                del made[name]
            yield step, module, made[step.name]


def shrunk_network(architecture: Mapping[str, Any]) -> ShrunkNetwork:
    """A factory for `--model proofsight_server.circuits.shrunk:shrunk_network`.

    Parameters
    ----------
    architecture
        As the file has it; see `Architecture.to_json`.

    Returns
    -------
    network
        In eval mode, with weights to be filled.

    Raises
    ------
    BadModel
        It is no architecture of ours.
    """
    return ShrunkNetwork(architecture).eval()


def save_shrunk(
    path: str | Path,
    network: ShrunkNetwork,
    exactness: Exactness,
    provenance: Mapping[str, Any],
) -> None:
    """Write a shrunk network as one safetensors file with its architecture in it.

    Parameters
    ----------
    path
        The file, replaced as a whole or left as it was.
    network
        What `shrink` gave.
    exactness
        What `verify` found when it was compared with its masked network.
    provenance
        What it was made from, as JSON can express it: model, target, criterion, keep, figures.

    Raises
    ------
    BadModel
        It is not equal to its masked network.
    BadWeights
        The folder cannot be written to.
    """
    exactness.require()
    metadata = {
        "model": "proofsight_server.circuits.shrunk:shrunk_network",
        "options": {"architecture": network.architecture.to_json()},
        "provenance": dict(provenance),
        "exactness": exactness.to_json(),
    }
    write_weights(Path(path), network.state_dict(), metadata)


def load_shrunk(path: str | Path) -> tuple[ShrunkNetwork, dict[str, Any]]:
    """A shrunk network from its file, in eval mode, and what it was made from.

    Raises
    ------
    BadWeights
        The file is damaged, or holds something else.
    BadModel
        Its architecture is of another version.
    """
    state, metadata = load_weights(path)
    try:
        architecture = metadata["options"]["architecture"]
        provenance: dict[str, Any] = dict(metadata["provenance"])
    except (KeyError, TypeError) as error:
        raise BadWeights(
            f"{path}: holds no shrunk network: {error} is missing", path=path
        ) from error
    network = shrunk_network(architecture)
    dtypes = {tensor.dtype for tensor in state.values() if tensor.is_floating_point()}
    for dtype in dtypes:
        network = network.to(dtype)
    fit(network, state, str(path))
    return network.requires_grad_(False), provenance
