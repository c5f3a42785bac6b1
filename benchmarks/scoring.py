"""How long it takes to score all masks of an image, with the first layer reused and without.

Weights are fresh, which changes no time.  Takes about 5 minutes on two cores.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.figures import Figure, Row
from benchmarks.workspace import Workspace
from proofsight_server.interactions.baseline import Baseline
from proofsight_server.interactions.masks import MOST_REGIONS
from proofsight_server.interactions.regions import grid
from proofsight_server.interactions.tables import Subject
from proofsight_server.interactions.tabulation import Asked, tabulate
from proofsight_server.vision.model import build_model
from proofsight_server.vision.network import Network
from proofsight_server.vision.preprocessing import Preprocessing

# model, side of its input, the grids whose masks are scored
NETWORKS = (
    ("small-cnn", 28, ((2, 4), (2, 5), (3, 4))),
    ("torchvision:resnet18", 32, ((2, 4), (2, 5), (3, 4))),
    ("torchvision:squeezenet1_1", 224, ((2, 4), (2, 5))),
)
NEVER = MOST_REGIONS + 1  # regions from which the first layer is reused


def run(workspace: Workspace | None = None) -> list[Row]:
    """Seconds per image for each network and number of regions."""
    return [row for model, side, grids in NETWORKS for row in _rows(model, side, grids)]


def _rows(model: str, side: int, grids: tuple[tuple[int, int], ...]) -> Iterator[Row]:
    classes = tuple(f"class_{index}" for index in range(10))
    shape = (3, side, side)
    module = build_model(model, classes=10, input_shape=shape, options={})
    network = Network(module, model, {}, classes, Preprocessing(size=side), shape)
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    subject = Subject(model, network, pixels)
    for rows, columns in grids:
        regions = grid((side, side), rows, columns)
        for reused in (True, False):
            asked = Asked(
                Baseline("black"), class_name="class_0", shortcut_from=0 if reused else NEVER
            )
            begun = time.perf_counter()
            tables = tabulate([subject], regions, asked)
            seconds = time.perf_counter() - begun
            way = "first layer reused" if reused else "plain"
            note = f"off by {tables.shortcut[0]:.1g} logits" if reused else ""
            name = f"scores of {1 << rows * columns:,} masks, {model}, {way}"
            yield Figure(name, (seconds,), "s", note=note)
