"""Learners that read a network's weights, one layer at a time, and what they are given.

Other learners get one table of bits.  These get the layers themselves (`Summing`: what each unit
reads, with which weights), choose the features and thresholds that they need, and give back
propositions and a program.  Publishing, measuring and explaining are the same for both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from proofsight_server.extraction.probing import Seen, see
from proofsight_server.extraction.progress import Watch
from proofsight_server.rules.program import Program
from proofsight_server.symbols.feature import Feature
from proofsight_server.symbols.quantisation import Quantisation
from proofsight_server.symbols.threshold import deviations
from proofsight_server.vision.convolution import Convolution
from proofsight_server.vision.dataset import Dataset
from proofsight_server.vision.layers import LayerInfo, resolve
from proofsight_server.vision.network import Network
from proofsight_server.vision.unit_layer import UnitLayer, logits_layer, summing_layers


@dataclass(frozen=True, slots=True)
class Subject:
    """A network with its data, and the layers of it that are to be explained.

    Attributes
    ----------
    network, dataset
        What rules are extracted from.
    layers
        The layers to explain, in order of execution; the last is always the layer of the logits,
        a `UnitLayer` whose activation is `softmax`.
    seed, batch, watch
        Breaks ties and draws hold-outs; images per forward pass; whom to tell.
    """

    network: Network
    dataset: Dataset
    layers: tuple[UnitLayer | Convolution, ...]
    seed: int
    batch: int
    watch: Watch

    @property
    def classes(self) -> tuple[str, ...]:
        """The network's classes: unit k of the last layer is class k."""
        return tuple(self.network.classes)

    def see(self, features: Sequence[Feature], layers: Sequence[LayerInfo]) -> dict[str, Seen]:
        """The values of features on every split that has images, and what the network decides.

        `values` are (n, features) float32, `decisions` (n,); splits are `train`, `validation`,
        `test`.  Rules, cuts and order come from `train` alone.  `layers` holds the layers that
        the features name (`info` and `below` of a layer), or more.  Each call runs the network
        on all images, so ask for many features at once, as far as memory goes.
        """
        once = {info.layer.atom: info for info in layers}
        return see(
            self.dataset,
            self.network,
            features,
            list(once.values()),
            batch=self.batch,
            watch=self.watch,
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """What a learner read off the weights.

    Attributes
    ----------
    quantisation
        The propositions that the program uses and derives, and no others; `layers` in order of
        execution.  Scales and rates are filled in by who publishes.
    program
        Rules over them; `rule_stats` are the learner's own.
    report
        Its figures beyond those of every program, as JSON can express them; the manifest keeps
        them under the learner's name.
    annexes
        Files for the revision, by path below `curves/`.
    warnings
        What a person should know, a sentence each.
    """

    quantisation: Quantisation
    program: Program
    report: Mapping[str, Any] = field(default_factory=dict)
    annexes: Mapping[str, bytes] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class LayerwiseLearner(Protocol):
    """Reads rules off the weights of layers; `__init__` checks and stores its options."""

    def read(self, subject: Subject) -> Reading:
        """The rules of the layers of `subject`.

        Raises
        ------
        BadOption
            A layer is not what the method can explain; said before anything is computed.
        """
        ...


def explained(network: Network, names: Sequence[str]) -> tuple[UnitLayer | Convolution, ...]:
    """The layers to explain: those of `names`, and above them always that of the logits.

    Raises
    ------
    UnknownLayer, BadOption, BadModel
        As `summing_layers` and `logits_layer` do.
    """
    last = logits_layer(network)
    named = summing_layers(network, names) if names else ()
    return (*(layer for layer in named if layer.info.layer != last.info.layer), last)


def published(subject: Subject, reading: Reading) -> tuple[Quantisation, dict[str, Seen]]:
    """The propositions of a reading with their scales and rates, and their values on every split.

    They are read anew, as whoever serves the revision reads them.
    """
    quantisation = reading.quantisation
    layers = resolve(subject.network, [layer.module for layer in quantisation.layers])
    splits = subject.see(quantisation.features, layers)
    values = splits["train"].values
    return replace(
        quantisation,
        scales=tuple(map(float, deviations(values))),
        rates=tuple(map(float, quantisation.bits(values).mean(axis=0))),
    ), splits
