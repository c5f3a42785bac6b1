"""What three differently shaped and seeded networks share, image by image, and by chance.

The joint loss pulls any tables together, so that chance over sets is not what its figures are to be
read against: each stands beside the same extraction of tables that have nothing to share.  In
`other images` each network is given another image; in `renamed regions` its regions are permuted.
Untrained networks and networks trained on shuffled labels are controls beside them; how much is
shared among the 12, 48 and 100 strongest, and with other α, is told of the trained.

Digits take over 3 minutes; MNIST and Fashion-MNIST, with `--data`, over 40 with two cores to
itself.  With `--work` it goes on where it stopped: networks and the figures of each image are kept
there.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from proofsight_server.interactions.renaming import renamed
from proofsight_server.interactions.sharing import Sharing, sharing
from proofsight_server.interactions.tables import Subject
from proofsight_server.interactions.tabulation import Asked, tabulate
from proofsight_server.interactions.transfer import transfer
from proofsight_server.vision.dataset import Dataset, Split, open_dataset
from proofsight_server.vision.image import Pixels
from proofsight_server.vision.model import build_model
from proofsight_server.vision.network import Network, load_network, save_weights
from proofsight_server.vision.training import TrainOptions, train

ROWS, COLUMNS = 3, 3
WIDTHS = (((16,), (32,), (64,)), ((12, 12), (24,), (48,)), ((24,), (24, 24), (48, 48)))
TOP = 24
KINDS = ("trained", "untrained", "shuffled labels")
TOPS = (12, 48, 100)  # besides TOP
ALPHAS = (0.0, 0.3, 1.0)  # besides 0.1; 1 takes networks apart
PAIRED, NULLS = "", (", null of other images", ", null of renamed regions")

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class _Set:
    """A data set, where it lies under the root of data, and how much of it is done."""

    name: str
    scheme: str
    folder: str
    epochs: int
    images: int


DATA = (
    _Set("digits", "digits", "", 8, 8),
    _Set("MNIST", "mnist", "MNIST", 2, 50),
    _Set("Fashion-MNIST", "fashion-mnist", "FashionMNIST", 2, 50),
)


def run(workspace: Workspace) -> list[Row]:
    """Each data set: separate against joint, each with its nulls, trained against untrained."""
    rows: list[Row] = []
    for one in DATA:
        if one.folder and workspace.data is None:
            rows.append(Skipped(f"{one.name}: sharing", "PROOFSIGHT_DATA is not set"))
            continue
        source = f"{one.scheme}:{workspace.data / one.folder}" if workspace.data else one.scheme
        dataset = open_dataset(source if one.folder else one.scheme, seed=0)
        networks = _networks(workspace, one, dataset, "trained")
        chosen = _recognised(dataset, networks, one.images)
        for kind in KINDS:
            asked = _networks(workspace, one, dataset, kind)
            kept = workspace.root / "sharing-by-alpha" / f"{one.scheme}-{kind}"
            measured = _measured(kept, dataset, asked, chosen, nulls=kind == "trained")
            rows += _rows(f"{one.name}, {kind}", measured)
    return rows


def _networks(workspace: Workspace, one: _Set, dataset: Dataset, kind: str) -> list[Network]:
    """Three networks, trained as `kind` says."""
    stem = one.scheme
    if kind == "shuffled labels":
        stem, dataset = f"{one.scheme}-shuffled", _shuffled(dataset)
    networks = [_trained(workspace, one, dataset, seed, stem) for seed in range(len(WIDTHS))]
    return _untrained(networks) if kind == "untrained" else networks


def _shuffled(dataset: Dataset) -> Dataset:
    """Training and validation images with each other's labels: what is learnt is of no class."""
    rng = np.random.default_rng(0)

    def permuted(split: Split) -> Split:
        assert split.labels is not None
        return replace(split, labels=rng.permutation(split.labels))

    return replace(dataset, train=permuted(dataset.train), validation=permuted(dataset.validation))


def _trained(workspace: Workspace, one: _Set, dataset: Dataset, seed: int, stem: str) -> Network:
    """A small-cnn of its own widths and seed, kept in the workspace."""
    weights = workspace.root / f"sharing-{stem}-{seed}.safetensors"
    if not weights.exists():
        print(f"sharing: training network {seed + 1} of {one.name}", file=sys.stderr, flush=True)
        options = TrainOptions(epochs=one.epochs, seed=seed)
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


def _recognised(dataset: Dataset, networks: Sequence[Network], images: int) -> list[int]:
    """The first test images that all networks classify as they are labelled."""
    some = dataset.test.take(range(min(4 * images, len(dataset.test))))
    assert some.labels is not None
    right = np.ones(len(some), dtype=np.bool_)
    for network in networks:
        with torch.inference_mode():
            logits = network.module(network.prepare(some.images))
        right &= logits.argmax(dim=1).numpy() == some.labels
    return [int(index) for index in np.flatnonzero(right)[:images]]


def _measured(
    kept: Path,
    dataset: Dataset,
    networks: Sequence[Network],
    images: Sequence[int],
    *,
    nulls: bool,
) -> Iterator[dict[str, Figures]]:
    """The figures of each image, computed only where they are not kept."""
    kept.mkdir(parents=True, exist_ok=True)
    left = [index for index in images if not (kept / f"{index}.json").exists()]
    begun = time.monotonic()
    tables = _Tables(dataset, networks)
    for done, index in enumerate(left):
        place = images.index(index)
        others = [images[(place + step) % len(images)] for step in range(len(networks))]
        figures = _figures(tables, index, others if nulls else ())
        (kept / f"{index}.json").write_text(json.dumps(figures), encoding="utf-8")
        seconds = (time.monotonic() - begun) / (done + 1) * (len(left) - done - 1)
        if done in (0, len(left) // 2):
            print(f"sharing: {kept.name}, about {seconds:.0f} s left", file=sys.stderr, flush=True)
    for index in images:
        yield json.loads((kept / f"{index}.json").read_text(encoding="utf-8"))


class _Tables:
    """Each image's tables (m, 2^n), scored once; None where a score does not move."""

    def __init__(self, dataset: Dataset, networks: Sequence[Network]) -> None:
        self._dataset, self._networks = dataset, networks
        self._known: dict[int, Doubles | None] = {}

    def of(self, index: int) -> Doubles | None:
        """The tables of one test image, for the class that it is labelled with."""
        if index not in self._known:
            self._known[index] = self._scored(index)
        return self._known[index]

    def _scored(self, index: int) -> Doubles | None:
        test = self._dataset.test
        assert test.labels is not None
        label = self._dataset.classes[int(test.labels[index])]
        pixels: Pixels = test.images[index]
        subjects = [
            Subject(f"net-{place}", network, pixels) for place, network in enumerate(self._networks)
        ]
        regions = grid((pixels.shape[0], pixels.shape[1]), ROWS, COLUMNS)
        # black equals the ground of a digit, whose tiles would be left out: here all images have
        # the same masks
        asked = Asked(baseline=Baseline("image_mean"), class_name=label)
        try:
            return tabulate(subjects, regions, asked).tables
        except BadTensor as error:
            print(f"sharing: image {index}: {error}", file=sys.stderr)
            return None


def _figures(tables: _Tables, index: int, others: Sequence[int]) -> dict[str, Figures]:
    """By variant, the figures of one image; none where its score does not move.

    The nulls take a table of each of the `others`; without these they are left out.
    """
    own = tables.of(index)
    if own is None:
        return {}
    found: dict[str, Figures] = {}
    rng = np.random.default_rng(index)
    null_of: dict[str, Doubles | None] = {PAIRED: own}
    if others:
        null_of[NULLS[0]] = _mixed([tables.of(other) for other in others])
        null_of[NULLS[1]] = np.stack([own[0], *(renamed(table, rng) for table in own[1:])])
    for null, table in null_of.items():
        if table is None:
            continue
        variants: dict[str, Interactions | list[Interactions]] = {
            "separate": [extract(row) for row in table],
            "joint": extract(table),
        }
        if null == PAIRED:
            variants["joint, box 0"] = extract(table, box=0)
            if others:
                found |= _ablated(table, variants)
        for variant, interactions in variants.items():
            for sets, top in ((f"top {TOP}", TOP), ("salient", None)):
                told = _told(sharing(table, interactions, top=top))
                found[f"{variant}, {sets}{null}"] = told
    found["transfer"] = _transferred(own, extract(own[-1]), index)
    return found


def _ablated(
    tables: Doubles, variants: Mapping[str, Interactions | list[Interactions]]
) -> dict[str, Figures]:
    """Figures of other numbers of strongest primitives, and of other α."""
    found = {
        f"{variant}, top {top}": _told(sharing(tables, variants[variant], top=top))
        for variant in ("separate", "joint")
        for top in TOPS
    }
    for alpha in ALPHAS:
        joint = extract(tables, alpha=alpha)
        found[f"joint, α {alpha:g}, top {TOP}"] = _told(sharing(tables, joint, top=TOP))
    return found


def _mixed(elsewhere: Sequence[Doubles | None]) -> Doubles | None:
    """Row i from the tables of the i-th image."""
    rows = [table[row] for row, table in enumerate(elsewhere) if table is not None]
    return np.stack(rows) if len(rows) == len(elsewhere) else None


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
