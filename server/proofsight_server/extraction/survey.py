"""M-of-N rules of every layer of a network, for its landscape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from proofsight_server.errors import BadModel
from proofsight_server.extraction.layerwise import Subject
from proofsight_server.extraction.mofn_cases import drawn
from proofsight_server.extraction.mofn_learner import check_fan_in, explained_layer
from proofsight_server.extraction.mofn_options import MofNOptions
from proofsight_server.extraction.mofn_report import layer_report
from proofsight_server.extraction.progress import Watch
from proofsight_server.vision.dataset import Dataset
from proofsight_server.vision.network import Network
from proofsight_server.vision.unit_layer import explainable_layers, logits_layer, summing_layers


def surveyed(
    network: Network,
    dataset: Dataset,
    options: MofNOptions,
    *,
    layers: Sequence[str] = (),
    units: int | None = None,
    seed: int = 0,
    batch: int = 256,
    watch: Watch | None = None,
) -> list[dict[str, Any]]:
    """The figures of layers, lowest first, as `layer_report` gives them.

    Parameters
    ----------
    network, dataset, options
        What is explained, on what, and how; `options.order` is the one order tried.
    layers
        As people name them; every layer that reads another layer where nothing is said.
    units
        Most units of each layer, drawn by the seed; None: all.
    seed, batch, watch
        Draws images and units; images per forward pass; whom to tell.

    Raises
    ------
    UnknownLayer, BadOption, BadModel
        A layer, or the network, cannot be explained layer by layer.
    """
    watch = watch or Watch()
    chosen = summing_layers(network, list(layers) or explainable_layers(network))
    if not chosen:
        raise BadModel(
            f"no layer of {network.model} takes in the values of another one, so there is nothing "
            "to explain",
            model=network.model,
        )
    check_fan_in(chosen, options.order, options.images)
    subject = Subject(network, dataset, (logits_layer(network),), seed, batch, watch)
    images = drawn(subject, options)
    reports = []
    for number, layer in enumerate(chosen):
        watch("explaining layers", number, len(chosen))
        size = layer.info.layer.size
        order = np.random.default_rng(seed).permutation(size)
        some = np.sort(order[: units or size])
        found = explained_layer(
            layer, images, options, units=some.tolist(), orders=[options.order], moved=False
        )
        reports.append(layer_report(found, whole=False))
    watch("explaining layers", len(chosen), len(chosen))
    return reports
