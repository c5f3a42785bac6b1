"""What three differently shaped and seeded networks share, image by image, and by chance.

With `--data` only; about 10 minutes with two cores to itself, 6 of them for training.  With
`--work` it goes on where it stopped: networks and the figures of each image are kept there.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.figures import Figure, Row, Skipped
from benchmarks.workspace import Workspace
from proofsight_server.errors import BadTensor
from proofsight_server.interactions import Interactions, extract
from proofsight_server.interactions.baseline import Baseline
from proofsight_server.interactions.masks import Doubles
from proofsight_server.interactions.regions import grid
from proofsight_server.interactions.sharing import Sharing, sharing
from proofsight_server.interactions.tables import Subject
from proofsight_server.interactions.tabulation import Asked, tabulate
from proofsight_server.interactions.transfer import transfer
from proofsight_server.vision.dataset import Dataset, open_dataset
from proofsight_server.vision.image import Pixels
from proofsight_server.vision.model import build_model
from proofsight_server.vision.network import Network, load_network, save_weights
from proofsight_server.vision.training import TrainOptions, train

DATA = (("MNIST", "mnist", "MNIST"), ("Fashion-MNIST", "fashion-mnist", "FashionMNIST"))
WIDTHS = (((16,), (32,), (64,)), ((12, 12), (24,), (48,)), ((24,), (24, 24), (48, 48)))
EPOCHS = 2
IMAGES = 50
ROWS, COLUMNS = 3, 3
TOP = 24
KINDS = ("trained", "untrained")

Figures = dict[str, float]


def run(workspace: Workspace) -> list[Row]:
    """Both data sets: separate against joint, trained against untrained."""
    if workspace.data is None:
        return [Skipped(f"{name}: sharing", "PROOFSIGHT_DATA is not set") for name, *_ in DATA]
    rows: list[Row] = []
    for name, scheme, folder in DATA:
        dataset = open_dataset(f"{scheme}:{workspace.data / folder}", seed=0)
        networks = [_trained(workspace, scheme, dataset, seed) for seed in range(len(WIDTHS))]
        chosen = _recognised(dataset, networks)
        for kind in KINDS:
            asked = networks if kind == "trained" else _untrained(networks)
            kept = workspace.root / "sharing" / f"{scheme}-{kind}"
            rows += _rows(f"{name}, {kind}", _measured(kept, dataset, asked, chosen))
    return rows


def _trained(workspace: Workspace, scheme: str, dataset: Dataset, seed: int) -> Network:
    """A small-cnn of its own widths and seed, kept in the workspace."""
    weights = workspace.root / f"sharing-{scheme}-{seed}.safetensors"
    if not weights.exists():
        print(f"sharing: training network {seed + 1} of {scheme}", file=sys.stderr, flush=True)
        options = TrainOptions(epochs=EPOCHS, seed=seed)
        network, report = train(
            dataset, "small-cnn", options, model_options={"widths": WIDTHS[seed]}
        )
        save_weights(weights, network, training=report.to_json())
    return load_network(weights)


def _untrained(networks: Sequence[Network]) -> list[Network]:
    """The same shapes with fresh weights."""
    return [
        replace(
            network,
            module=build_model(
                network.model,
                classes=len(network.classes),
                input_shape=network.input_shape,
                options=network.model_options,
                seed=100 + seed,
            ),
        )
        for seed, network in enumerate(networks)
    ]


def _recognised(dataset: Dataset, networks: Sequence[Network]) -> list[int]:
    """The first test images that all networks classify as they are labelled."""
    some = dataset.test.take(range(4 * IMAGES))
    assert some.labels is not None
    right = np.ones(len(some), dtype=np.bool_)
    for network in networks:
        with torch.inference_mode():
            logits = network.module(network.prepare(some.images))
        right &= logits.argmax(dim=1).numpy() == some.labels
    return [int(index) for index in np.flatnonzero(right)[:IMAGES]]


def _measured(
    kept: Path, dataset: Dataset, networks: Sequence[Network], images: Sequence[int]
) -> Iterator[dict[str, Figures]]:
    """The figures of each image, computed only where they are not kept."""
    kept.mkdir(parents=True, exist_ok=True)
    left = [index for index in images if not (kept / f"{index}.json").exists()]
    begun = time.monotonic()
    for done, index in enumerate(left):
        figures = _figures(dataset, networks, index)
        (kept / f"{index}.json").write_text(json.dumps(figures), encoding="utf-8")
        seconds = (time.monotonic() - begun) / (done + 1) * (len(left) - done - 1)
        if done in (0, len(left) // 2):
            print(f"sharing: {kept.name}, about {seconds:.0f} s left", file=sys.stderr, flush=True)
    for index in images:
        yield json.loads((kept / f"{index}.json").read_text(encoding="utf-8"))


def _figures(dataset: Dataset, networks: Sequence[Network], index: int) -> dict[str, Figures]:
    """By variant, the figures of one image; none where its score does not move."""
    assert dataset.test.labels is not None
    label = dataset.classes[int(dataset.test.labels[index])]
    pixels: Pixels = dataset.test.images[index]
    subjects = [Subject(f"net-{n}", network, pixels) for n, network in enumerate(networks)]
    regions = grid((pixels.shape[0], pixels.shape[1]), ROWS, COLUMNS)
    asked = Asked(baseline=Baseline("black"), class_name=label)
    try:
        tables = tabulate(subjects, regions, asked).tables
    except BadTensor as error:
        print(f"sharing: image {index}: {error}", file=sys.stderr)
        return {}
    apart = [extract(table) for table in tables]
    variants: dict[str, Interactions | list[Interactions]] = {
        "separate": apart,
        "joint": extract(tables),
        "joint, box 0": extract(tables, box=0),
    }
    found = {}
    for variant, interactions in variants.items():
        for sets, top in ((f"top {TOP}", TOP), ("salient", None)):
            found[f"{variant}, {sets}"] = _told(sharing(tables, interactions, top=top))
    found["transfer"] = _transferred(tables, apart[-1], index)
    return found


def _told(found: Sharing) -> Figures:
    """Means over the networks; none of signs where nothing is shared."""
    whole = found.overlap
    figures: Figures = {
        "share": statistics.fmean(whole.share),
        "share by chance": statistics.fmean(whole.chance),
        "share corrected": statistics.fmean(whole.corrected),
        "IoU": whole.iou,
        "IoU by chance": whole.iou_chance,
        "set size": statistics.fmean(whole.sizes),
        "weighted IoU": found.weighted_iou,
        "R² of shared alone": statistics.fmean(one.r2 for one in found.refits),
    }
    if found.same_sign is not None and found.same_sign_chance is not None:
        figures["same sign"] = found.same_sign
        figures["same sign by chance"] = found.same_sign_chance
    return figures


def _transferred(tables: Doubles, own: Interactions, index: int) -> Figures:
    """R² on the last network of what the others share, separately and jointly extracted."""
    others = tables[:-1]
    rng = np.random.default_rng(index)
    figures: Figures = {}
    for variant, interactions in (
        ("separate", [extract(table) for table in others]),
        ("joint", extract(others)),
    ):
        shared = sharing(others, interactions, top=2 * TOP).shared
        if not shared:
            continue
        moved = transfer(tables[-1], shared, own, rng)
        figures[f"R² of what the others share, {variant}"] = moved.r2
        figures[f"R² of random primitives like it, {variant}"] = statistics.fmean(moved.random)
        figures[f"R² of as many of its own, {variant}"] = moved.own
        figures[f"primitives moved, {variant}"] = len(shared)
    return figures


def _rows(name: str, images: Iterator[dict[str, Figures]]) -> list[Row]:
    """A row for each figure of each variant, over the images that have it."""
    values: dict[tuple[str, str], list[float]] = {}
    for found in images:
        for variant, figures in found.items():
            for figure, value in figures.items():
                values.setdefault((variant, figure), []).append(value)
    if not values:
        return [Skipped(f"{name}: sharing", "the score of no image moves")]
    return [
        Figure(f"{name}, {variant}: {figure}", tuple(found), "mean")
        for (variant, figure), found in values.items()
    ]
