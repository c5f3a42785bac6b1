"""Circuits tested on images: one circuit, a curve over keep levels, and the best of several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from proofsight_server.circuits.faithfulness import Faithfulness, MeasureOptions
from proofsight_server.circuits.masked import MaskedNetwork, masked
from proofsight_server.circuits.moments import Moments
from proofsight_server.circuits.scores import Mask
from proofsight_server.circuits.target import Logit
from proofsight_server.circuits.target_network import TargetNetwork, checked
from proofsight_server.errors import BadDataset, BadOption

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Level:
    """A circuit at one level of keep.

    Attributes
    ----------
    keep
        As it was asked for.
    kernels, effective_keep
        How many are kept; the share of N on a path of kept kernels from the image to the target.
    in_sample, held_out
        On the images that were scored on, and on others; None where there are none.
    """

    keep: float
    kernels: int
    effective_keep: float
    in_sample: Faithfulness | None
    held_out: Faithfulness | None

    def to_json(self) -> dict[str, Any]:
        """The level as JSON can express it."""
        return {
            "keep": self.keep,
            "kernels": self.kernels,
            "effective_keep": self.effective_keep,
            "in_sample": None if self.in_sample is None else self.in_sample.to_json(),
            "held_out": None if self.held_out is None else self.held_out.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of several circuits follows its target best on images set aside for that.

    `strengths` are |r| by name, 0 for a collapse; of equal ones the first is chosen.
    """

    name: str
    strengths: Mapping[str, float]


def evaluate(
    circuits: Sequence[MaskedNetwork],
    images: Tensor,
    options: MeasureOptions | None = None,
    *,
    progress: Progress | None = None,
) -> list[Faithfulness]:
    """How faithfully circuits of one target compute it; the whole network runs once for all.

    Parameters
    ----------
    circuits
        Masked networks of the same `TargetNetwork`.
    images
        (n, channels, height, width) float32.
    options
        Batch, bootstrap and seed.
    progress
        Called with images done and images in all; what it raises ends the work.

    Raises
    ------
    BadDataset
        There is no image.
    BadTensor
        The images do not fit the network.
    BadOption
        There is no circuit, or they are of different networks.
    """
    options = options or MeasureOptions()
    moments, same = _measured(circuits, images, options.batch, progress)
    return [
        Faithfulness.of(
            joined,
            collapse=circuit.collapse,
            agreement=None if same is None else same[place] / len(images),
            options=options,
        )
        for place, (circuit, joined) in enumerate(zip(circuits, moments, strict=True))
    ]


def curve(
    network: TargetNetwork,
    masks: Mapping[float, Mask],
    in_sample: Tensor | None,
    held_out: Tensor | None,
    *,
    contributions: Mapping[str, Tensor] | None = None,
    options: MeasureOptions | None = None,
    progress: Progress | None = None,
) -> tuple[Level, ...]:
    """Circuits of one target at several levels of keep, on images scored on and on others.

    Parameters
    ----------
    network
        The whole network up to the target.
    masks
        By level, as `select` or `force` gave them.
    in_sample, held_out
        The images of each kind, None to leave them out.
    contributions
        For mean ablation; see `masked`.
    options, progress
        As in `evaluate`.
    """
    circuits = [masked(network, mask, contributions) for mask in masks.values()]
    total = sum(len(images) for images in (in_sample, held_out) if images is not None)
    found: list[Sequence[Faithfulness | None]] = []
    done = 0
    for images in (in_sample, held_out):
        if images is None:
            found.append([None] * len(circuits))
            continue
        found.append(evaluate(circuits, images, options, progress=_from(done, total, progress)))
        done += len(images)
    wiring, whole = network.wiring, network.wiring.total()
    return tuple(
        Level(
            keep=keep,
            kernels=mask.kept,
            effective_keep=sum(int(a.sum()) for a in wiring.effective(mask).values()) / whole,
            in_sample=inside,
            held_out=outside,
        )
        for (keep, mask), inside, outside in zip(masks.items(), *found, strict=True)
    )


def choose(circuits: Mapping[str, MaskedNetwork], images: Tensor, batch: int = 64) -> Choice:
    """The circuit with the largest |r| on images that are neither scored on nor reported.

    Parameters
    ----------
    circuits
        By name, in the order of preference.
    images
        (n, channels, height, width) float32.
    batch
        Images run at once.
    """
    moments, _ = _measured(list(circuits.values()), images, batch, None)
    strengths = {
        name: 0.0 if circuit.collapse else abs(joined.summed().r)
        for (name, circuit), joined in zip(circuits.items(), moments, strict=True)
    }
    return Choice(max(strengths, key=lambda name: strengths[name]), strengths)


def _measured(
    circuits: Sequence[MaskedNetwork], images: Tensor, batch: int, progress: Progress | None
) -> tuple[list[Moments], list[int] | None]:
    """Moments of each circuit, and for logits how often it decides as the whole network does."""
    if not circuits or any(circuit.network is not circuits[0].network for circuit in circuits):
        raise BadOption("circuits to compare are one at least, and of one network and target")
    if not len(images):
        raise BadDataset("no image is left to measure on; give more images")
    network = circuits[0].network
    checked(network, images)
    parts: list[list[Moments]] = [[] for _ in circuits]
    decides = isinstance(network.target, Logit)
    same = [0] * len(circuits)
    done = 0
    with torch.inference_mode():
        for some in torch.split(images, batch):
            outputs = _outputs(network, circuits, some, decides=decides)
            whole = next(outputs)
            for place, given in enumerate(outputs):
                if decides:
                    same[place] += int((given.argmax(1) == whole.argmax(1)).sum())
                parts[place].append(
                    Moments.of(_target(network, whole), _target(network, given))
                )  # fmt: skip
            done += len(some)
            if progress is not None:
                progress(done, len(images))
    return [Moments.joined(part) for part in parts], same if decides else None


def _outputs(
    network: TargetNetwork, circuits: Sequence[MaskedNetwork], images: Tensor, *, decides: bool
) -> Iterator[Tensor]:
    """Logits, or the target's map, of the whole network and then of each circuit."""
    yield network.output(images) if decides else network(images)
    for circuit in circuits:
        yield circuit.logits(images) if decides else circuit(images)


def _target(network: TargetNetwork, output: Tensor) -> Any:
    column = output[:, network.column] if isinstance(network.target, Logit) else output
    return column.reshape(len(column), -1).numpy(force=True)


def _from(done: int, total: int, progress: Progress | None) -> Progress | None:
    if progress is None:
        return None
    return lambda more, _: progress(done + more, total)
