"""What the network decides, and what can be read off it, on every split of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofsight_server.errors import BadDataset
from proofsight_server.extraction.progress import Watch
from proofsight_server.symbols.feature import Feature, Floats, Ints
from proofsight_server.vision.dataset import Dataset
from proofsight_server.vision.layers import LayerInfo
from proofsight_server.vision.network import Network
from proofsight_server.vision.probe import Reader, probe_split

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Seen:
    """One split as the network sees it.

    `values` (n, f) float32, one column per feature; `decisions` (n,) class indices;
    `labels` (n,), or None where there are none.
    """

    values: Floats
    decisions: Ints
    labels: Ints | None


def see(
    dataset: Dataset,
    network: Network,
    features: Sequence[Feature],
    layers: Sequence[LayerInfo],
    *,
    batch: int,
    watch: Watch,
) -> dict[str, Seen]:
    """Probe every split that has images; decisions and values come from the same passes."""
    check_classes(dataset, network.classes)
    reader = Reader(network, features, layers)
    seen = {}
    for name in SPLITS:
        split = dataset.split(name)
        if len(split):
            observation = probe_split(
                reader, split, batch=batch, progress=watch.phase(f"probing {name}")
            )
            seen[name] = Seen(observation.values, observation.decisions, split.labels)
    return seen


def check_classes(dataset: Dataset, classes: Sequence[str]) -> None:
    """Accept a data set without labels, or with exactly the network's classes.

    Raises
    ------
    BadDataset
        Its classes are others, or stand in another order; the message shows both.
    """
    if not dataset.classes or tuple(dataset.classes) == tuple(classes):
        return
    raise BadDataset(
        f"the classes of {dataset.uri} are not those of the network: the data set has "
        f"{listed(dataset.classes)}; the network has {listed(classes)}. "
        "Use the data that the weights were trained for, or train on this data",
        data=dataset.uri,
        data_classes=", ".join(dataset.classes),
        network_classes=", ".join(classes),
    )


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names for a message: their number, and the first of them."""
    shown = ", ".join(names[:most])
    return f"{len(names)} ({shown}{', …' if len(names) > most else ''})"
