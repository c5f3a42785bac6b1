"""What a program is to be compared with: the least, and the most that a tree could do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from proofsight_server.errors import BadTensor
from proofsight_server.rules.decision_tree import grow
from proofsight_server.symbols.feature import Floats, Ints


@dataclass(frozen=True, slots=True)
class Baseline:
    """Fidelities on one split of what needs no program.

    `majority` always says the network's most frequent decision on training images (the
    lowest index on a tie); `value_tree` is a decision tree of as many leaves on the feature
    values as they are, without thresholds fitted beforehand.
    """

    majority: float
    value_tree: float


def baselines(
    values: Floats,
    cnn: Ints,
    splits: Mapping[str, tuple[Floats, Ints]],
    *,
    leaves: int,
    seed: int = 0,
) -> dict[str, Baseline]:
    """Fit the baselines on training images and measure them on every split.

    Parameters
    ----------
    values, cnn
        Training images: feature values (n, f), the network's decisions (n,).
    splits
        The same of each split, by its name.
    leaves
        Leaves of the tree, at least 2.
    seed
        Breaks ties of the tree.
    """
    for name, (table, decisions) in {"train": (values, cnn), **splits}.items():
        if len(table) == 0 or decisions.shape != (len(table),):
            raise BadTensor(
                f"{name}: one decision for each of at least one image is needed, not "
                f"{decisions.shape} for {len(table)} images"
            )
    majority = int(np.bincount(cnn).argmax())
    tree = grow(values, cnn, leaves=leaves, seed=seed)
    return {
        name: Baseline(
            majority=float((decisions == majority).mean()),
            value_tree=float((tree.predict(table) == decisions).mean()),
        )
        for name, (table, decisions) in splits.items()
    }
