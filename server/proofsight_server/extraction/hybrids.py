"""The network on top of a quantised layer, measured: what the bits of a layer keep."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from proofsight_server.extraction.entries import compared
from proofsight_server.extraction.probing import Seen
from proofsight_server.extraction.progress import Watch
from proofsight_server.symbols.feature import Ints
from proofsight_server.symbols.inverse import Templates
from proofsight_server.symbols.quantisation import Quantisation
from proofsight_server.vision.dataset import Dataset, Split
from proofsight_server.vision.intervention import Intervention
from proofsight_server.vision.layers import LayerInfo
from proofsight_server.vision.network import Network
from proofsight_server.vision.probe import Probe


def quantised_networks(
    quantisation: Quantisation,
    layers: Sequence[LayerInfo],
    dataset: Dataset,
    network: Network,
    seen: Mapping[str, Seen],
    *,
    batch: int,
    watch: Watch,
) -> dict[str, dict[str, Any] | None]:
    """Accuracy and fidelity of the network that goes on from each layer's bits, per split.

    The bits of the layer are computed, its maps replaced by what is to be expected of them given
    their bits (see `Templates`), and the rest of the network is run.  None for every layer where
    there are no training images to learn that from.

    Parameters
    ----------
    quantisation, network, dataset
        The propositions, and what they are read from.
    layers
        The layers to quantise, one at a time.
    seen
        What the network itself decides on each split.
    batch, watch
        Images per forward pass, and who is told.
    """
    if not layers or not len(dataset.train):
        return {info.layer.atom: None for info in layers}
    templates = [Templates(quantisation, info.layer) for info in layers]
    with Probe(network, layers) as probe:
        for images in _batches(
            dataset.train, network, batch, watch.phase("learning what bits look like")
        ):
            _, maps = probe.maps(images)
            for each in templates:
                each.partial_fit(maps[each.layer.atom])
    found: dict[str, dict[str, Any] | None] = {}
    for each in templates:
        intervention = Intervention(network, each.layer)
        atom = each.layer.atom
        found[atom] = {
            name: compared(
                _decisions(
                    intervention,
                    each,
                    _batches(
                        dataset.split(name),
                        network,
                        batch,
                        watch.phase(f"running the network on the bits of {atom}, {name}"),
                    ),
                ),
                split,
            )
            for name, split in seen.items()
        }
    return found


def _decisions(intervention: Intervention, templates: Templates, batches: Iterable[Tensor]) -> Ints:
    logits = [intervention.logits(images, templates).numpy() for images in batches]
    decisions: Ints = np.concatenate(logits).argmax(axis=1)
    return decisions


def _batches(
    split: Split, network: Network, batch: int, progress: Callable[[int, int], None]
) -> Iterator[Tensor]:
    for start in range(0, len(split), batch):
        yield network.prepare(split.images[start : start + batch])
        progress(min(start + batch, len(split)), len(split))
